package history

import "time"

// shrunk is the shortest history of the part that was found in the time and still has no order.
func (p *part) shrunk(limit time.Duration) []*Op { return p.ops() }

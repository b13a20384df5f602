package cluster

import "github.com/truecount/truecount/transport"

// Introduce is what a Node says of itself to peers, for tests that forge it.
func (n *Node) Introduce() transport.Identity { return n.introduce() }

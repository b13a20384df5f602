package resp

import "runtime"

// Fairness among connections. Go's scheduler looks at the network when a processor has nothing else to do, and otherwise
// only every 10 ms. Connections that always have more to do, endless pipelines, would keep all processors busy, and everyone
// who waits for a packet, clients and peers alike, would wait those 10 ms at every hop. So a connection that goes on and on takes
// a lane for each of its turns, and there are lanes for half of the processors only. A client that waits for its replies
// needs none: when what it sent is read, there is no more.
//
// A turn is short: turnCommands commands, or turnReplies bytes of replies made on the spot. What is left is taken in the next
// one, behind the others that wait for a lane.
const (
	turnCommands = 4096
	turnReplies  = 64 << 10

	freeTurns = 4 // more than those in which the client had sent no more, before lanes are needed
)

// lanes are as many turns as may be going on at a time, of connections that need one.
type lanes chan struct{}

func newLanes() lanes { return make(lanes, max(1, runtime.GOMAXPROCS(0)/2)) }

func (l lanes) enter() { l <- struct{}{} }
func (l lanes) leave() { <-l }

// count is called for each read. One that leaves room has taken all there was.
func (c *conn) count(n int) {
	if n < c.room {
		c.streak = max(0, c.streak-1)
		return
	}
	c.streak++
}

// enter waits for a lane if the connection needs one. The lock is not held meanwhile.
func (c *conn) enter() {
	if c.streak < freeTurns || c.inLane {
		return
	}
	c.mu.Unlock()
	c.server.lanes.enter()
	c.mu.Lock()
	c.inLane = true
}

// leave gives the lane back, if there is one.
func (c *conn) leave() {
	if c.inLane {
		c.inLane = false
		c.server.lanes.leave()
	}
}

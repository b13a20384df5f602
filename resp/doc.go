// Package resp is the Redis-protocol door: it turns bytes of clients into operations on counters, and their results into
// the replies and error texts that Redis gives.
//
//	Server.Serve                      accept, limit of clients
//	  conn.serve                      one goroutine per connection
//	    conn.receive                  wait until the session can take more, read once; conn.enter: in a lane if it never waits
//	    conn.turn                     under the conn's lock
//	      session.pump                a turn, which is short
//	        session.advance           Reader.Next → table.find → parse → place, or answer on the spot
//	        session.submit            gate.pass → Cluster.Propose or Cluster.Read
//	      conn.flush                  one attempt that never blocks; the rest is conn.drain's, a goroutine of its own
//	  conn.deliver                    messages of others, from the mailbox into the replies
//	  conn.done                       called by the cluster: session.complete renders the replies, then conn.turn
//
// Ownership. A conn's lock guards its session, and a session knows nothing of locks, goroutines or sockets. While a
// session is hungry its Reader belongs to the goroutine that reads the socket, else to whoever holds the lock. The conn's
// lock comes before any lock of the cluster: Propose and Read are called with it held, and Done is called with no lock of
// the cluster held.
//
// Messages (pub/sub, MONITOR, keyspace events) pass through mailboxes, whose lock comes last, so that who sends one needs no
// lock of those who get it (mailbox.go). A command about other connections looks at them from a goroutine of its own, while no
// conn's lock is held (clientlist.go).
//
// Order. A session has at most one request on its way (sent) and one collecting behind it (open), so replies are in order
// by construction and effects are in the order sent; place.go has the rules by which reads and writes share a request.
// Nothing is executed behind a refused command of the same burst; burst.go says why and until when.
//
// Fairness. Whoever has one command to send waits neither for a processor behind those who never pause (lane.go) nor for a
// Batch behind everybody's pipeline (gate.go).
//
// What is counted. Each command has a tally (tally.go), told by INFO, SLOWLOG and LATENCY. A session looks at the clock when it
// takes commands in a turn and when it renders them, once each, and counts equal commands together.
//
// Facades. Clients that look for another node find a Sentinel or a Redis Cluster, if the door is told to show one (facade.go).
// facade.watch, one goroutine, asks the cluster who is alive and stores a view, which the commands read without a lock.
//
// Limits. Every queue has a named bound. Those that a client can meet stand in limits.go: what is read before a command is
// whole, what one may ask for, replies that wait to be written, clients. The others are of a unit (unit.go). Behind a full one
// the session takes no more commands and the connection is not read, so that TCP slows the client down. A client that reads
// nothing for writePatience is cut off, and so is who leaves messages unread (maxUnread), who owes the rest of a command for
// halfPatience, and whoever holds the most when all together hold too much (held.go).
//
// Tests. testdata/*.txt are conversations with recorded answers; script_test.go runs them through a session in front of
// the real machine, and through a real Redis where there is one, whose answers must be the same. session_test.go shows
// order, riding, waiting and bursts step by step; server_test.go has sockets, slow clients and shutdown.
package resp

// Package transport carries everything that nodes say to each other: one peer port per node, a handshake in front of
// every connection, and a byte in it that picks what the connection is for.
//
//	Port.accept ─ handshake (which Stream, who are you, do we share the secret) ─ seat ─ admit (the owner's rule)
//	records, around the connection from now on: all bytes are checked
//	    Raft                      → Port.AcceptRaft
//	    Batches, Control, Join    → serve: frames in, Handler, frames out
//	Port.DialRaft                 ─ dial, handshake, records
//	Port.Link(Stream, addr).Call  ─ queue → write loop ─ … ─ read loop → done
//
// Rules. Nothing is read but the handshake before the owner has admitted the peer, and the owner is not asked before the peer
// has proven that it knows the secret. Until then it is a stranger: it has handshakeTimeout, and is closed when maxStrangers
// have come after it. Then it has one of maxServed seats of its Stream, until its connection closes, and at most maxCalls under
// way. Every Call ends: done is called exactly once, with the reply, with ErrNotSent (no byte of it left this node) or with
// ErrBroken (it may have arrived). done and Handlers mostly run on the connection's goroutine and must not block. Close
// closes every connection that came through the Port, raft's too, ends every Call, and waits for its own goroutines: never
// call it from done or a Handler. A lock of Link is taken before the outbox's, and that before the Port's.
//
// Tests, over a network in memory and in virtual time: handshake_test.go (who gets in), secret_test.go (who tries to),
// crowd_test.go (strangers in numbers), drop_test.go (peers that are no longer wanted), records_test.go (changed bytes),
// frame_test.go (bad frames), link_test.go (calls and their ends), port_test.go (Close, limits), raft_test.go; faults_test.go
// sends calls through a storm of cuts and restarts. loopback_test.go has real sockets and the benchmark.
package transport

// Package cluster replicates the Machine with Raft. It alone knows hashicorp/raft; everybody else sees a Node that takes
// Requests, answers reads, and tells its Status.
//
//	Node.Propose ─ proposer: collect, seal, number, resend          (every node)
//	                 └ leader: stamp, one Entry in flight, raft.Apply    (the node that leads)
//	                     └ replica.ApplyBatch → fsm.Machine              (every node)
//	Node.Read    ─ reader: all that waits joins the next round
//	                 └ confirm: commit index, and proof that the leader still leads (term echo)
//	                 └ watermark.wait, replica.query
//	tend           once in a while: survey the members, slew the clock, let caught-up nodes vote, register this one,
//	                 keep the limits
//	keepWatch      a leader whose disk hangs falls silent: watch.go, silence.go
//	keepSpace      a node whose disk is nearly full refuses writes, and leads only if it must: space.go, sparing.go
//
// Rules. No lock is held while a Request's Done runs, or while anything waits for raft, a disk or the network. One
// goroutine per job: leader.run, reader.run, reader.runStale, Node.tick, Node.tend, Node.keepWatch,
// Node.keepSpace; Close joins them. Whether this node leads
// is always asked of raft anew (State and CurrentTerm); LeaderCh is only a hint. VerifyLeader and Barrier are never called:
// the first counts answers to older questions, the second leaves an index that the Machine never sees.
//
// Tests: each part alone, in virtual time, beside its file (the proposer in every order of answers: proposer_test.go,
// desk_test.go; the counting of voters: confirm_test.go). Whole clusters in virtual time with cuts, crashes and clock jumps,
// histories checked for linearizability (internal/sim); the stale-read scenario that deceives VerifyLeader
// (internal/sim/stale_test.go).
package cluster

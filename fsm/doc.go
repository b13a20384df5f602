// Package fsm is the counters themselves: a deterministic state machine without clock, socket, disk or goroutine, and the
// formats in which operations, results and the whole state travel.
//
// A door turns a client's command into Ops and hands them over in a Request; a node's proposer seals the groups of many
// Requests into a numbered Batch; the leader stamps Batches into an Entry; every replica applies the same Entries in the
// same order and comes to the same Results:
//
//	Request.Add ─ AppendGroup                     (door)
//	AppendBatch(Number, groups)                   (proposer of any node)
//	Entry.Append                                  (leader)
//	Machine.Apply(index, term, Entry)             (every replica)
//	    expire                                      what is due by machine time, at most maxExpired
//	    sessions.end                                those that were idle for too long, at most maxEnded
//	    ledger.steps                                who dies, returns and the like, at most MaxSteps slices, death.go
//	    origin.admit(Number)                        larger: apply · equal: answer from memory · smaller: refuse
//	    applyOnce(group)                            of a session: done before: answer from memory, session.go
//	    unmet(conditions)                           why the whole group is Aborted, condition.go
//	    foresee(group)                              a group that might not fit is tried on paper, trial.go
//	    apply(Op) → Result                          counter.go: decide, limits, put or drop; versions, Events
//	        ledger.apply                            what is about instance counters: account.go
//	Machine.Query(groups, now) → Results          (reads, between Entries)
//	Machine.Freeze → Image.WriteTo, Restore       (snapshots, backups)
//
// Rules. Nothing here observes the world: time comes in as the stamp of an Entry, randomness as its hash key. Equal index
// implies equal Digest on every replica. Apply is total for every input a door can make: a refusal is a Code and changes
// nothing; only bytes that no build of this format wrote are an error, and that stops the node. A broken invariant panics
// with the prefix "BUG:". Nothing is safe for concurrent use, but an Image may be written while the Machine goes on.
//
// Tests: testdata/*.txt tell what each Op does; model_test.go compares with a naive machine, snapshots in the middle;
// testdata/log-v1 and its like are what an old log must still mean; the decoders are fuzzed.
package fsm

// Package load makes a load for servers that speak the Redis protocol, measures what becomes of it, and checks that they count
// right.
//
//	Run                   the options checked, every client connected, then
//	  phase.work            twice: the warm-up, the measurement
//	    worker.work           a goroutine for each client, until the phase is over
//	      await                 in an open loop: until the schedule's next pipeline is due
//	      draw                  operations and keys, encoded by hand into one buffer
//	      exchange              one write, then all replies; nothing is ever sent again
//	        figures               latencies and errors, in the shards of its node
//	        silence               when anybody has last heard something
//	        tally                 what was acknowledged of each key, if it is to be verified
//	      recover, connect      when it was refused, or the connection broke
//	    phase.watch           once a second: the shards emptied and merged, progress told
//	    phase.disturb         now and then, if asked for
//	  run.verify            the tally compared with what the keys hold
//	Report                what was found, as text and as JSON
//
// The rules. A worker's goroutine alone uses its connection, buffers and random numbers; workers meet in the shards (a mutex
// each), in silence and in the tally (atomics). A pipeline allocates nothing. A latency ends when the bytes of the reply were
// read, and begins when the pipeline was written, or in an open loop when it was due. What was acknowledged, was refused or is
// in doubt is kept apart everywhere: a command is acknowledged by its own reply only. Times are on the run's monotonic clock.
// All bounds are named, those of Options in options.go.
//
// The tests: run_test.go and verify_test.go play whole loads against fakes that lose, double, stall and hang up, in virtual
// time; exchange_test.go counts allocations; the rest are tables of the pure parts: keys, schedule, silence, figures, tally,
// replies, text.
package load

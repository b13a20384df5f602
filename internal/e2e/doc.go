// Package e2e is the last word on Truecount: real processes on real sockets and disks, counted with, killed and restarted.
//
// Everything is in the tests, under the build tag e2e (`make e2e`):
//
//	TestMain                  builds the binary once
//	newCluster(t, n)          n nodes on free loopback ports, joined; stopped when the test ends
//	  process                   one node's flags, start, kill -9, SIGTERM, its output when something fails
//	  cluster.waitWhole         until every node is a voter, reachable and without lag
//	load                      clients that count and remember what they were told
//	show                      a truecount demo and the events that it told; playground: where it runs
//
// The rules: nothing sleeps; what takes time is polled under a deadline (eventually), and a deadline that is part of the
// promise is a named constant, and so is a time that must pass (waitUntil). A client's connection is used by one goroutine. A load
// never repeats a command, so that every acknowledged increment is in it once; an onceLoad repeats everything, behind ONCE.
//
// Faults: disk_test.go disks of internal/disk, which need root; space_test.go fills them, hang_test.go freezes them
// and makes writes fail (strace); power_test.go cuts their power; clock_test.go moves wall clocks; damage_test.go flips bits;
// peer_test.go strangers. Bounds and settings: room_test.go, image_test.go, config_test.go, files_test.go. hostile_test.go
// has clients that mean no good (attacks_test.go), each kind in a process of its own, and measures what a well-behaved one
// notices. Where a tool or a right is missing, a test skips itself and says so. What a test mounts, freezes or traces is undone
// when it ends, however it ends.
//
// Where to look: single_test.go one node; join_test.go how clusters form; kill_test.go dying leaders and whole clusters;
// read_test.go that reads are never stale, and what is left without a majority; startup_test.go errors at the start;
// demo_test.go the demo, killed, and its figures compared with what a client reads;
// instance_test.go instances that are killed, and nodes under instances that live; binding_test.go connections and nodes of bound
// ones; both watch a total at every node at once (totals_test.go); once_test.go repeated commands;
// away_test.go a member that needs an image; pause_test.go what an image costs the clients, and
// leases_test.go what dying instances do; both and sessions_test.go measure only when asked.
package e2e

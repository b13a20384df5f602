//go:build race

package sim

import "time"

// raceDetector: the library replaces a peer's record when its address changes, under a lock that one of its readers does not
// take (raft: raft.go startStopReplication, replication.go updateLastAppended). It reads the server id only, which is the same
// in both records, so nothing can come of it; but the detector ends the test. Tests that move hosts run without it.
const raceDetector = true

// usualSeeds: a run takes ten times as long under the detector, and a few show it all ways that the code goes.
const usualSeeds = 2

// absent is how long a member is away in the tests of its return.
const absent = 20 * time.Second

//go:build !race

package sim

import "time"

// raceDetector: see race_on.go.
const raceDetector = false

// usualSeeds: see race_on.go.
const usualSeeds = 8

// absent: see race_on.go. Raft's own back-off has come to its end by then.
const absent = 2 * time.Minute

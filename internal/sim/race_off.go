//go:build !race

package sim

// raceDetector: see race_on.go.
const raceDetector = false

// usualSeeds: see race_on.go.
const usualSeeds = 8

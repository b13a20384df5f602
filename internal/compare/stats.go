package main

import (
	"slices"
	"time"
)

// quantile takes from what is sorted.
func quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[int(q*float64(len(sorted)-1))]
}

func quantileOf(all []time.Duration, q float64) time.Duration {
	slices.Sort(all)
	return quantile(all, q)
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// median of an even number is the mean of the two in the middle; of nothing 0.
func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return (sorted[(len(sorted)-1)/2] + sorted[len(sorted)/2]) / 2
}

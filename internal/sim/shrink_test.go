package sim

import (
	"slices"
	"testing"
	"time"
)

const (
	shrinkTime  = 20 * time.Second // of real time
	shrinkTries = 3                // the Go scheduler is not seeded: a trial that failed may pass
)

// shrink leaves faults out of a plan that failed, halves of them, then quarters, as long as it still fails.
func (c *campaign) shrink(t *testing.T, p plan) plan {
	end := time.Now().Add(shrinkTime)
	fails := func(q plan) bool {
		for range shrinkTries {
			if time.Now().After(end) {
				return false
			}
			if o := watchedTrial(t, q); len(o.anomalies) > 0 {
				return true
			}
		}
		return false
	}
	for size := (len(p.faults) + 1) / 2; size > 0 && time.Now().Before(end); size /= 2 {
		for from := 0; from < len(p.faults); {
			q := p
			q.faults = slices.Delete(slices.Clone(p.faults), from, min(from+size, len(p.faults)))
			if fails(q) {
				p = q
			} else {
				from += size
			}
		}
	}
	return p
}

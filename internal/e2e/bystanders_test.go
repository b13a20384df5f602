//go:build e2e

package e2e

import (
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	busyBystanders = 0.3 // cores of others that a measurement bears
	quietTime      = time.Second
	quietPatience  = 5 * time.Second // before each round
)

// bystanders measures how many cores others use: neither this process, nor its nodes.
type bystanders struct {
	nodes  cluster
	at     time.Time
	theirs time.Duration
}

func (c cluster) bystanders(t *testing.T) bystanders {
	t.Helper()
	var own syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &own); err != nil {
		t.Fatal(err)
	}
	b := bystanders{nodes: c, at: time.Now(), theirs: machineTime(t) - time.Duration(own.Utime.Nano()+own.Stime.Nano())}
	for _, p := range c {
		b.theirs -= cpuTime(t, p)
	}
	return b
}

// cores is their use since.
func (b bystanders) cores(t *testing.T) float64 {
	t.Helper()
	now := b.nodes.bystanders(t)
	return float64(now.theirs-b.theirs) / float64(now.at.Sub(b.at))
}

// machineTime is how long the machine's cores have worked.
func machineTime(t *testing.T) time.Duration {
	t.Helper()
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		t.Fatal(err)
	}
	line, _, _ := strings.Cut(string(text), "\n")
	ticks := 0
	for i, field := range strings.Fields(line)[1:9] { // user nice system idle iowait irq softirq steal
		if n, err := strconv.Atoi(field); err != nil {
			t.Fatal(err)
		} else if i != 3 && i != 4 {
			ticks += n
		}
	}
	return time.Duration(ticks) * time.Second / ticksPerSecond
}

// waitQuiet waits until others have let the machine alone for quietTime, but not for ever.
func (c cluster) waitQuiet(t *testing.T) {
	t.Helper()
	for deadline := time.Now().Add(quietPatience); time.Now().Before(deadline); {
		b := c.bystanders(t)
		waitUntil(t, time.Now().Add(quietTime))
		if b.cores(t) < busyBystanders {
			return
		}
	}
}

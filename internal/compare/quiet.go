package main

import (
	"context"
	"strconv"
	"strings"
	"time"
)

// Who is alone on the machine gets figures that can be repeated.
const (
	disturbedCores = 0.3                    // more than so many cores used by others disturb a turn
	settleWindow   = 100 * time.Millisecond // in which nobody may use more than that before a turn begins
	settleLimit    = 1500 * time.Millisecond
	quietBudget    = 2 * time.Minute // of a whole run, for waiting until it is quiet and for repeating what was disturbed
)

// machineCPU is the time that all processors were busy so far, with what the host of a virtual machine has taken from it; 0
// where there is no /proc. It is counted by interrupts: fine for a second, not for less than ten milliseconds.
func machineCPU() time.Duration { return parseMachineCPU(readText("/proc/stat")) }

// parseMachineCPU reads the first line: cpu user nice system idle iowait irq softirq steal.
func parseMachineCPU(stat string) time.Duration {
	fields := strings.Fields(firstLine(stat))
	if len(fields) < 9 {
		return 0
	}
	sum := 0
	for _, i := range []int{1, 2, 3, 6, 7, 8} {
		n, _ := strconv.Atoi(fields[i])
		sum += n
	}
	return time.Duration(sum) * time.Second / ticks
}

// settle waits until the machine is quiet, at most settleLimit, and returns how long that took.
func settle(ctx context.Context) time.Duration {
	start := time.Now()
	for time.Since(start) < settleLimit && ctx.Err() == nil {
		busy, from := machineCPU(), time.Now()
		select {
		case <-ctx.Done():
		case <-time.After(settleWindow):
		}
		if cores(machineCPU()-busy, time.Since(from)) <= disturbedCores {
			break
		}
	}
	return time.Since(start)
}

func cores(cpu, elapsed time.Duration) float64 { return max(0, cpu.Seconds()/elapsed.Seconds()) }

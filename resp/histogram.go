package resp

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// histogram counts durations, lock-free. An octave is as long as all before it, and is divided into equal parts:
//
//	octave 0   up to 1.024 µs
//	octave k   from 1.024 µs << (k-1) up to 1.024 µs << k
//
// so a percentile is right to one part in twelve.
type histogram struct {
	counts [octaves * octaveParts]atomic.Uint64
}

const (
	firstOctave = 1024 // nanoseconds
	octaveBits  = 3
	octaveParts = 1 << octaveBits
	octaves     = 26 // the last one ends at 34 s; what takes longer counts there
)

func (h *histogram) add(d time.Duration, times uint64) { h.counts[part(d)].Add(times) }

// part is the place of a duration.
func part(d time.Duration) int {
	n := uint64(max(d, 1) - 1)
	octave := bits.Len64(n / firstOctave)
	if octave == 0 {
		return int(n / (firstOctave / octaveParts))
	}
	if octave >= octaves {
		return octaves*octaveParts - 1
	}
	begin := uint64(firstOctave) << (octave - 1)
	return octave*octaveParts + int((n-begin)*octaveParts/begin)
}

// partEnd is the longest duration of a part.
func partEnd(part int) time.Duration {
	octave, i := part/octaveParts, time.Duration(part%octaveParts+1)
	if octave == 0 {
		return i * firstOctave / octaveParts
	}
	begin := time.Duration(firstOctave) << (octave - 1)
	return begin + i*begin/octaveParts
}

func (h *histogram) total() (n uint64) {
	for i := range h.counts {
		n += h.counts[i].Load()
	}
	return n
}

// percentile is a duration that so many percent of all, of which there are total, did not exceed.
func (h *histogram) percentile(percent float64, total uint64) time.Duration {
	rank := max(1, uint64(percent/100*float64(total)+0.5))
	for i := range h.counts {
		n := h.counts[i].Load()
		if n >= rank {
			return partEnd(i)
		}
		rank -= n
	}
	return partEnd(len(h.counts) - 1)
}

// octave is how many durations were in the octave.
func (h *histogram) octave(octave int) (n uint64) {
	for i := range octaveParts {
		n += h.counts[octave*octaveParts+i].Load()
	}
	return n
}

// octaveMicros is what Redis shows as the end of an octave: its histograms round up a little.
func octaveMicros(octave int) int64 { return (1032<<octave - 1) / 1000 }

func (h *histogram) reset() {
	for i := range h.counts {
		h.counts[i].Store(0)
	}
}

package load

import (
	"fmt"
	"strings"
	"time"
)

const barWidth = 16 // so that a line fits into 80 columns

// Progress is how far a measurement is. Rate and latency are those of the last second.
type Progress struct {
	Elapsed time.Duration
	Part    float64 // that is done, 0 to 1
	OpsPerS float64
	P99Ms   float64
	Errors  int64 // since the start
}

// String is a line of less than 80 columns.
func (p Progress) String() string {
	done := int(p.Part * barWidth)
	bar := strings.Repeat("=", done) + strings.Repeat(" ", barWidth-done)
	return fmt.Sprintf("%4.0f s [%s] %11s ops/s  p99 %s ms  %s", p.Elapsed.Seconds(), bar, digits(int64(p.OpsPerS)), short(p.P99Ms),
		counted(p.Errors, "error"))
}

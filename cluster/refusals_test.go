package cluster

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/truecount/truecount/transport"
)

func TestAPeerThatKeepsRefusingIsReportedOnce(t *testing.T) {
	refused := fmt.Errorf("%w: the two nodes have different secrets", transport.ErrRefused)
	stopping := fmt.Errorf("%w: shutting down", transport.ErrRefused)
	gone := errors.New("connection refused")
	for _, row := range []struct {
		name     string
		attempts []error // a second apart
		want     int
	}{
		{"for a moment", []error{refused, refused, refused, nil, refused}, 0},
		{"for good", []error{refused, refused, refused, refused, refused, refused}, 1},
		{"for changing reasons", []error{refused, refused, stopping, stopping, refused, refused}, 0},
		{"not there", []error{gone, gone, gone, gone, gone, gone}, 0},
		{"again after it was mended", []error{refused, refused, refused, refused, nil, refused, refused, refused, refused}, 2},
	} {
		var log bytes.Buffer
		r := &refusals{logger: hclog.New(&hclog.LoggerOptions{Output: &log}), open: map[string]refusal{}}
		for second, err := range row.attempts {
			r.note("n2:17379", err, time.Unix(int64(second), 0))
			r.note("n3:17379", nil, time.Unix(int64(second), 0))
		}
		if got := strings.Count(log.String(), "different secrets"); got != row.want {
			t.Errorf("%s: said %d times, want %d:\n%s", row.name, got, row.want, &log)
		}
	}
}

func TestChangedBytesAreSaidEachTimeTheirNumberHasDoubled(t *testing.T) {
	var log bytes.Buffer
	n := &Node{logger: hclog.New(&hclog.LoggerOptions{Output: &log})}
	for range 1000 {
		n.noteDamage("n2-1", transport.ErrDamaged)
	}
	if lines := strings.Count(log.String(), "changed on their way"); lines != 10 || n.Damaged() != 1000 { // 1, 2, 4 … 512
		t.Errorf("%d lines for %d:\n%s", lines, n.Damaged(), &log)
	}
}

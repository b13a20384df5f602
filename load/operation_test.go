package load

import (
	"math/rand/v2"
	"testing"
)

func TestOperationsAreReadPrintedAndDrawn(t *testing.T) {
	const draws = 10_000
	for _, test := range []struct {
		text                     string
		fewestReads, mostReads   int
		fewestIncrs, fewestWrite int
	}{
		{"incr", 0, 0, draws, draws},
		{"set", 0, 0, 0, draws},
		{"get", draws, draws, 0, 0},
		{"mix:90", draws * 88 / 100, draws * 92 / 100, 1, 1},
		{"mix:1", draws * 1 / 1000, draws * 2 / 100, 1, 1},
	} {
		o, err := ParseOperation(test.text)
		if err != nil || o.String() != test.text {
			t.Fatalf("%s: %v, printed %q", test.text, err, o)
		}
		random := rand.NewPCG(1, 2)
		var drawn [kinds]int
		for range draws {
			drawn[o.draw(random.Uint64())]++
		}
		if r := drawn[get]; r < test.fewestReads || r > test.mostReads || drawn[incr] < test.fewestIncrs || draws-r < test.fewestWrite {
			t.Errorf("%s: drawn incr %d, get %d, set %d", test.text, drawn[incr], drawn[get], drawn[set])
		}
	}
	for _, text := range []string{"", "INCR", "mix", "mix:", "mix:-1", "mix:101", "mix:x", "incr:1", "del"} {
		if o, err := ParseOperation(text); err == nil {
			t.Errorf("%q: read as %v, want an error", text, o)
		}
	}
	for _, text := range []string{"mix:0", "mix:100"} {
		if _, err := ParseOperation(text); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

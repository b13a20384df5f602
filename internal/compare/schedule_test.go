package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestEachEntrantIsFirstInItsTurn(t *testing.T) {
	firsts := map[int]bool{}
	for shift := range 3 {
		all := order(3, shift)
		firsts[all[0]] = true
		if slices.Sort(all); !slices.Equal(all, []int{0, 1, 2}) {
			t.Errorf("shift %d: %v are not all", shift, all)
		}
	}
	if len(firsts) != 3 {
		t.Errorf("only %v are ever first", firsts)
	}
}

func TestLoadsAreWholeTripsThatTakeATurn(t *testing.T) {
	c := Case{50, 64, hotKeys}
	s := schedule{rates: map[pairing]float64{{0, c}: 1_000_000}}
	if n := s.requests(pairing{0, c}); n < 1_500_000 || n >= 1_500_000+c.trip() || n%c.trip() != 0 {
		t.Errorf("%d increments for a turn at a million a second", n)
	}
	if n := wholeTrips(c, 0.1); n != c.trip() {
		t.Errorf("%d increments at least, want %d", n, c.trip())
	}
}

func TestParseCases(t *testing.T) {
	for _, row := range []struct{ shapes, keys, want string }{
		{"1x1,50x64", "hot,uniform", "[1×1 hot 50×64 hot 1×1 uniform 50×64 uniform] <nil>"},
		{"1x1", "cold", `--keys: "cold"`},
		{"1", "hot", `--cases: "1"`},
		{"0x1", "hot", `--cases: "0x1"`},
		{"1x1001", "hot", `--cases: "1x1001"`},
		{"1x1,1x1", "hot", "1×1 hot is there twice"},
	} {
		cases, err := parseCases(row.shapes, row.keys)
		if got := fmt.Sprint(cases, err); !strings.Contains(got, row.want) {
			t.Errorf("%s, %s: %s, want %s", row.shapes, row.keys, got, row.want)
		}
	}
}

func TestParseBenchmark(t *testing.T) {
	const names = `"test","rps","avg_latency_ms","min_latency_ms","p50_latency_ms","p95_latency_ms","p99_latency_ms","max_latency_ms"`
	for _, row := range []struct{ text, want string }{
		{names + "\n" + `"INCR","42372.88","1.035","0.192","0.959","1.775","3.439","9.423"` + "\n", "{42372.88 0.959 3.439 0} <nil>"},
		{`"INCR","42372.88"` + "\n", "not two lines"},
		{`"test","rps"` + "\n" + `"INCR","42372.88"`, "no column p"},
		{names + "\n" + `"INCR","nan","0","0","0","0","0","0"`, "NaN increments a second"},
		{names + "\n" + `"INCR","0.00","0","0","0","0","0","0"`, "0 increments a second"},
		{"Error from server: ERR no\n", "not two lines"},
	} {
		outcome, err := parseBenchmark(row.text)
		if got := fmt.Sprint(outcome, err); !strings.Contains(got, row.want) {
			t.Errorf("%q: %s, want %s", row.text, got, row.want)
		}
	}
}

func TestKernelFiguresAreRead(t *testing.T) {
	for _, row := range []struct{ what, got, want string }{
		{"busy time", parseMachineCPU("cpu  100 20 30 9999 9999 5 6 7 50 0\ncpu0 1\n").String(), "1.68s"},
		{"a process with an odd name", parseProcessCPU("7 (a) b) S 1 1 1 0 -1 4 1 2 3 4 100 20 3 4 20 0 1").String(), "1.27s"},
		{"flushes", fmt.Sprint(parseFlushes("1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17")), "16"},
		{"flushes of an old kernel", fmt.Sprint(parseFlushes("1 2 3")), "0"},
		{"no statistics", (parseMachineCPU("") + parseProcessCPU("")).String(), "0s"},
		{"half a second on two cores", fmt.Sprint(cores(time.Second, 500*time.Millisecond)), "2"},
	} {
		if row.got != row.want {
			t.Errorf("%s: %s, want %s", row.what, row.got, row.want)
		}
	}
}

package resp

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// pipelined are commands whose effects on the session or on keys others can see.
var pipelined = strings.Split("MULTI|MULTI|EXEC|EXEC|EXEC|WATCH a|WATCH b a|UNWATCH|DISCARD|INCR a|INCR b|SET a 5|SET b x GET|GET a|GET b|"+
	"MGET a b|CLIENT SETNAME x|CLIENT SETNAME y|CLIENT GETNAME|CONSISTENCY STALE|CONSISTENCY STRONG|SCAN 0|CLIENT INFO|TRUECOUNT STATUS|"+
	"PING|RESET|HELLO 3|HELLO 2|KEYS *|MSETNX a 1 b 2|DEL a b|SUBSCRIBE c|UNSUBSCRIBE c|DBSIZE|RENAME a b|GET a STATE|EXPIRE a 10|"+
	"APPEND a 1|FOO|GET", "|")

// somePipelined is some of them, and steps in which they arrive and are answered; failing: or refused.
func somePipelined(rng *rand.Rand, failing bool, more ...string) (lines []string, steps []byte) {
	from := slices.Concat(pipelined, more)
	for range 1 + rng.IntN(25) {
		lines = append(lines, from[rng.IntN(len(from))]+"\r\n")
	}
	for range rng.IntN(30) {
		step := byte(rng.IntN(256))
		if kind := step & 7; !failing && (kind == 5 || kind == 6) {
			step = 4
		}
		steps = append(steps, step)
	}
	return lines, steps
}

func TestAPipelineIsAnsweredAsItsCommandsOneByOne(t *testing.T) {
	for seed := range uint64(2000) {
		lines, steps := somePipelined(rand.New(rand.NewPCG(seed, 1)), false, "CLIENT REPLY ON", "CLIENT REPLY OFF", "CLIENT REPLY SKIP")
		one, whole, cut := newFuzzed(t), newFuzzed(t), newFuzzed(t)
		for _, line := range lines {
			one.run([]byte(line), nil)
		}
		in := strings.Join(lines, "")
		whole.run([]byte(in), nil)
		cut.run([]byte(in), steps)
		want := one.replies.String()
		for _, z := range []*fuzzed{whole, cut} {
			if got := z.replies.String(); got != want {
				t.Fatalf("seed %d: %q\nis answered\n%q\nwant\n%q", seed, lines, got, want)
			}
		}
	}
}

func TestEachCommandOfAFailingPipelineHasOneReplyAndResetEndsItAll(t *testing.T) {
	for seed := range uint64(2000) {
		lines, steps := somePipelined(rand.New(rand.NewPCG(seed, 2)), true)
		z := newFuzzed(t)
		z.run([]byte(strings.Join(lines, "")), steps)
		if n := countReplies(t, z.replies.String()); n != len(lines) {
			t.Fatalf("seed %d: %q\nhas %d replies\n%q", seed, lines, n, z.replies.String())
		}
		z.client.session.inputEmpty()
		z.replies.Reset()
		z.run([]byte("RESET\r\nCLIENT GETNAME\r\nMULTI\r\nSET k 1\r\nEXEC\r\n"), nil)
		if got, want := z.replies.String(), "+RESET\r\n$-1\r\n+OK\r\n+QUEUED\r\n*1\r\n+OK\r\n"; got != want {
			t.Fatalf("seed %d: %q\nleaves a session that answers\n%q", seed, lines, got)
		}
	}
}

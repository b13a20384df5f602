package resp

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/truecount/truecount/fsm"
)

// sessionLimits are small, so that the fuzzer reaches them, and large enough for every command.
var sessionLimits = Limits{Args: 16, Bulk: 64, Inline: 100, Request: 300}

// FuzzSession feeds a session in pieces, in front of a cluster that answers when it likes, and sometimes with errors. steps
// says what happens when, see fuzzed.run. What must hold:
//   - There is one well-formed reply for each command (but for those with several, and CLIENT REPLY), and one for a protocol error; the session ends behind that, behind
//     QUIT and before HTTP, and nowhere else. (A slow and obvious parser counts.)
//   - It never gets stuck, and holds no more memory than so few bytes can ask for.
//   - Without errors, the replies are those that come when each command waits for the reply to the one before.
func FuzzSession(f *testing.F) {
	rng := rand.New(rand.NewPCG(1, 1))
	steps := func() []byte {
		steps := make([]byte, 10+rng.IntN(60))
		for i := range steps {
			steps[i] = byte(rng.IntN(256))
		}
		return steps
	}
	for _, packets := range hostileFiles(f) {
		for _, p := range packets {
			if in := p.input(); len(in) < 1000 {
				f.Add([]byte(in), steps())
			}
		}
	}
	for range 300 {
		f.Add(somePipeline(rng), steps())
	}
	f.Fuzz(func(t *testing.T, in, steps []byte) {
		want, ends, even := obviousConversation(t, string(in))
		whole, cut := newFuzzed(t), newFuzzed(t)
		whole.run(in, nil)
		cut.run(in, steps)
		for _, z := range []*fuzzed{whole, cut} {
			got := z.replies.String()
			if n := countReplies(t, got); even && n != countReplies(t, want) || !z.failed && got != want {
				t.Fatalf("%d replies:\n%q\nwant:\n%q", n, got, want)
			}
			if s := z.client.session; s.closing != ends || !s.closing && !s.hungry || s.unfinished() || len(z.cluster.pending) > 0 {
				t.Fatalf("closing: %t, want %t; hungry: %t; unfinished: %t", s.closing, ends, s.hungry, s.unfinished())
			}
		}
	})
}

var onceLines = []string{
	"ONCE OPEN", "ONCE CLOSE " + fuzzedSession, "MULTI", "ONCE " + fuzzedSession + " 3 EXEC", "ONCE " + fuzzedSession + " 1 INCR a",
	"ONCE " + fuzzedSession + " 2 MSETNX a 1 b 2", "ONCE " + fuzzedSession + " 300 INCR a", "ONCE " + fuzzedSession + " 4 GET a",
}

// fuzzedSession is the id that a fuzzed door draws whenever it draws.
const fuzzedSession = "01000000000000000000000000000000"

// somePipeline is some commands, in one form or the other, and now and then something else.
func somePipeline(rng *rand.Rand) (in []byte) {
	rows := newTable(families()).rows
	words := strings.Fields("a a a b 1 2 NX GET STATE STALE STRONG help get 0 x EX")
	for range 1 + rng.IntN(12) {
		switch rng.IntN(30) {
		case 0:
			in = append(in, "*1\r\n$x\r\n"...)
		case 1:
			in = append(in, "QUIT\r\n"...)
		case 2:
			in = append(in, "Host: x\r\n"...)
		}
		if rng.IntN(8) == 0 { // the one session there is, if it was opened
			in = append(in, onceLines[rng.IntN(len(onceLines))]+"\r\n"...)
			continue
		}
		line := []string{rows[rng.IntN(len(rows))].name}
		if rng.IntN(3) > 0 {
			line[0] = []string{"incr", "get", "mget", "ping", "truecount"}[rng.IntN(5)]
		}
		for range rng.IntN(4) {
			line = append(line, words[rng.IntN(len(words))])
		}
		if rng.IntN(2) == 0 {
			in = append(in, strings.Join(line, " ")+"\r\n"...)
			continue
		}
		in = appendBulks(in, line...)
	}
	return in
}

// fuzzed is a session under a fuzzer.
type fuzzed struct {
	t       *testing.T
	cluster *testCluster
	client  *client
	replies strings.Builder
	failed  bool // the cluster gave errors, so replies may be other ones
}

// stillCluster tells of itself always the same, so that replies can be compared.
type stillCluster struct{ *testCluster }

func (stillCluster) Local() fsm.Status                  { return fsm.Status{ID: "n1"} }
func (c stillCluster) Describe(done func(s fsm.Status)) { c.answerLater(func() { done(c.Local()) }) }

// stillCrowd does not tell how full the buffers are.
type stillCrowd struct{ testCrowd }

func (stillCrowd) clients() []profile { return []profile{{id: 7}} }

func newFuzzed(t *testing.T) *fuzzed {
	z := &fuzzed{t: t, cluster: newTestCluster(t)}
	d := newDoor(&Options{Cluster: stillCluster{z.cluster}, Now: func() time.Time { return time.Unix(1, 0) }})
	for _, name := range []string{"info", "memory", "monitor", "publish", "spublish"} { // tell of memory; come at any place among the replies
		delete(d.table.byName, name)
	}
	d.clock = func() time.Duration { return 1 }
	d.drawSession = func() fsm.SessionID { return fsm.SessionID{1} }
	z.client = &client{t: t, cluster: z.cluster}
	d.crowd = stillCrowd{testCrowd{z.client}}
	z.client.session = newSession(d, NewReader(sessionLimits), 7, func(u *unit) {
		z.client.session.complete(u)
		z.client.turns()
	})
	return z
}

// run takes the steps, and then feeds and answers what is left. A step's low three bits say what happens, and the others how
// much of it.
func (z *fuzzed) run(in, steps []byte) {
	for _, step := range steps {
		much := int(step >> 3)
		switch step & 7 {
		case 0, 1, 2:
			in = z.feed(in, 1+much)
		case 3:
			for range 1 + much {
				z.cluster.step()
			}
		case 4:
			z.cluster.step()
		case 5:
			z.fail(much)
		case 6:
			z.client.session.inputEmpty() // as good a moment as any: it only ends a burst
		case 7:
			z.client.session.rest()
		}
		z.check()
	}
	for {
		left := len(in)
		in = z.feed(in, max(1, len(in)))
		if stepped := z.cluster.step(); !stepped && len(in) == left {
			break
		}
		z.check()
	}
}

// feed gives the session a piece if it takes any, and returns what is left.
func (z *fuzzed) feed(in []byte, piece int) []byte {
	s := z.client.session
	if s.closing {
		return nil
	}
	if !s.hungry || len(in) == 0 {
		return in
	}
	piece = min(piece, len(in))
	z.client.send(string(in[:piece]))
	return in[piece:]
}

// fail answers the oldest request with an error, one of those that it may have; that of a write may have been applied.
func (z *fuzzed) fail(which int) {
	if len(z.cluster.later) > 0 || len(z.cluster.pending) == 0 {
		return
	}
	z.failed = true
	errs := []error{errNoLeader}
	if z.cluster.pending[0].proposed {
		errs = []error{errNoLeader, errLost, fsm.ErrNoSpace}
	}
	err := errs[which%len(errs)]
	if err == errLost && which&4 != 0 {
		r := z.cluster.pending[0]
		z.cluster.run(r)
		r.Results, r.Index = nil, 0
	}
	z.cluster.fail(err)
}

// check takes the replies and looks at the bounds. The inputs are far too short to reach any but the Reader's.
func (z *fuzzed) check() {
	s := z.client.session
	z.replies.WriteString(z.client.replies())
	if n := s.in.holds(); n > holds(sessionLimits, readChunk)+4*maxReplies {
		z.t.Fatalf("the Reader holds %d bytes", n)
	}
	if n := s.holds(); n > 4*maxReplies {
		z.t.Fatalf("the session holds %d bytes", n)
	}
	if s.ready() {
		z.t.Fatal("the session could go on and does not")
	}
}

// obviousConversation is what is replied when each command waits for the reply to the one before, and whether the bytes end
// the conversation. even: each command has one reply.
func obviousConversation(t *testing.T, in string) (replies string, ends, even bool) {
	all, err := obviousRead(sessionLimits, in)
	z := newFuzzed(t)
	hushed, several := false, false // there was CLIENT REPLY; a command with several replies
	for _, words := range all {
		switch strings.ToLower(words[0]) {
		case "quit":
			if s := z.client.session; s.reply == replyOff || s.reply == replySkip {
				return z.replies.String(), true, !several && !hushed
			}
			return z.replies.String() + "+OK\r\n", true, !several && !hushed
		case "post", "host:":
			return z.replies.String(), true, !several && !hushed
		}
		z.client.session.in = NewReader(Limits{}) // an array may be longer than the line that it comes from
		before := countReplies(t, z.replies.String())
		z.run(appendBulks(nil, words...), nil)
		hushed = hushed || len(words) > 1 && strings.EqualFold(words[0], "client") && strings.EqualFold(words[1], "reply")
		several = several || strings.HasSuffix(strings.ToLower(words[0]), "subscribe")
		if n := countReplies(t, z.replies.String()); n != before+1 && !several && !hushed {
			t.Fatalf("%q has %d replies", words, n-before)
		}
	}
	if err != nil {
		return z.replies.String() + "-ERR " + err.Error() + "\r\n", true, !several && !hushed
	}
	return z.replies.String(), false, !several && !hushed
}

// countReplies reads replies without mercy.
func countReplies(t *testing.T, all string) (n int) {
	for rest := all; rest != ""; n++ {
		var ok bool
		if rest, ok = skipReply(rest); !ok {
			t.Fatalf("reply %d of %q is malformed", n, all)
		}
	}
	return n
}

// skipReply returns what stands behind the first reply.
func skipReply(s string) (rest string, ok bool) {
	line, rest, ok := strings.Cut(s, "\r\n")
	if !ok || line == "" || strings.ContainsAny(line, "\r\n") {
		return "", false
	}
	switch line[0] {
	case '+', '-':
		return rest, true
	case '_':
		return rest, len(line) == 1
	}
	n, err := strconv.Atoi(line[1:])
	if err != nil || strconv.Itoa(n) != line[1:] {
		return "", false
	}
	switch {
	case line[0] == ':':
		return rest, true
	case (line[0] == '$' || line[0] == '*') && n == -1:
		return rest, true
	case (line[0] == '$' || line[0] == '=') && n >= 0 && len(rest) >= n+2 && rest[n:n+2] == "\r\n":
		return rest[n+2:], true
	case strings.Contains("*~>%", line[:1]) && n >= 0:
		if line[0] == '%' {
			n *= 2
		}
		for range n {
			if rest, ok = skipReply(rest); !ok {
				return "", false
			}
		}
		return rest, true
	}
	return "", false
}

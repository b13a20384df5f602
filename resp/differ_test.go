package resp

import (
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

var (
	differTime = flag.Duration("differ", 2*time.Second, "how long random conversations are had with a real Redis and with us")
	differSeed = flag.Uint64("differ-seed", 1, "the seed of those conversations; a failure names its own")
)

// maxDifferences is how many are shown, one for each command.
const maxDifferences = 5

// Thousands of random conversations have the same replies, byte for byte, but for the differences that are on purpose.
func TestRandomConversationsHaveTheRepliesOfRedis(t *testing.T) {
	d := newDiffer(t)
	shown := map[string]bool{}
	talks, remarks := 0, 0
	for end := time.Now().Add(*differTime); time.Now().Before(end) && len(shown) < maxDifferences; talks++ {
		talk := newSpeaker(*differSeed, uint64(talks)).talk()
		moments, differs := d.run(talk)
		remarks += len(moments)
		if !differs {
			continue
		}
		talk = d.shrink(talk)
		moments, differs = d.run(talk)
		text := fmt.Sprintf("-differ-seed %d, conversation %d:\n%s", *differSeed, talks, show(talk, moments))
		if !differs { // a machine that stood still for differPatience
			t.Logf("not seen again: %s", text)
			continue
		}
		if name := lastCommand(talk, len(moments)); !shown[name] {
			shown[name] = true
			t.Error(text)
		}
	}
	t.Logf("%d conversations, %d remarks; differences on purpose: %v", talks, remarks, d.seen)
}

// maxShrinking bounds the search for a shorter conversation.
const maxShrinking = 5 * time.Second

// shrink leaves out what is not needed for the two to differ.
func (d *differ) shrink(t talk) talk {
	moments, _ := d.run(t)
	t = t[:min(len(t), len(moments))]
	end := time.Now().Add(maxShrinking)
	for again := true; again; {
		again = false
		for i := len(t) - 1; i >= 0 && time.Now().Before(end); i-- {
			shorter := slices.Delete(slices.Clone(t), i, i+1)
			if _, differs := d.run(shorter); differs {
				t, again = shorter, true
			}
		}
	}
	return t
}

// lastCommand is the name of what they differ about.
func lastCommand(t talk, remarks int) string {
	if remarks == 0 || remarks > len(t) || len(t[remarks-1].words) == 0 {
		return "the end"
	}
	words := t[remarks-1].words[0]
	return strings.ToLower(words[0])
}

// show is a conversation with the replies of both.
func show(t talk, moments []moment) string {
	var b strings.Builder
	for i, m := range moments {
		r := last(0)
		if i < len(t) {
			r = t[i]
		}
		fmt.Fprintf(&b, "client %d: %q\n", r.who, r.bytes)
		for who := range m.ours {
			same := slices.EqualFunc(m.ours[who], m.theirs[who], frame.same)
			switch {
			case same && len(m.ours[who]) > 0:
				fmt.Fprintf(&b, "    to %d: %v\n", who, m.ours[who])
			case !same:
				fmt.Fprintf(&b, "    to %d: we say     %v\n          Redis says %v\n", who, m.ours[who], m.theirs[who])
			}
		}
		if m.what != "" {
			fmt.Fprintf(&b, "    %s\n", m.what)
		}
	}
	return b.String()
}

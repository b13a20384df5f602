package main

import (
	"bytes"
	"encoding/xml"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/truecount/truecount/internal/history"
)

// aRun has an acknowledgement each 10 ms, in turns by three nodes, but for two seconds.
func aRun() *history.Run {
	run := &history.Run{Header: history.Header{Program: "faults", Seed: 7, Nodes: 3, Length: 20 * time.Second}}
	for i := range 2000 {
		at := time.Duration(i) * 10 * time.Millisecond
		op := history.Op{Client: i, Node: []string{"n1", "n2", "n3"}[i%3], Kind: history.Incr, Key: "hot:0", Arg: 1, Outcome: history.Done,
			At: at, End: at + 2*time.Millisecond}
		if at >= 8*time.Second && at < 10*time.Second {
			op.Outcome = history.NotApplied
		}
		run.Ops = append(run.Ops, op)
	}
	run.Ops[500].Outcome = history.Unknown
	run.Faults = []history.Fault{
		{Kind: "kill", Target: "n1", Leader: true, At: 8 * time.Second, End: 10 * time.Second, Effect: `it <ended> & "came" back`},
		{Kind: "transfer", Target: "n2", At: 15 * time.Second}}
	return run
}

func TestAPictureIsGoodXMLAndTellsTheFigures(t *testing.T) {
	var picture bytes.Buffer
	if err := drawPicture(&picture, aRun()); err != nil {
		t.Fatal(err)
	}
	text := picture.String()
	for d := xml.NewDecoder(strings.NewReader(text)); ; {
		if _, err := d.Token(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []string{"3 nodes", "seed 7", "1799 writes acknowledged", "2.01 s, at 8 s", "kill, 1", "transfer, 1", ">n1<", "n3",
		"it &lt;ended&gt; &amp; &#34;came&#34; back"} {
		if !strings.Contains(text, want) {
			t.Errorf("the picture does not say %q", want)
		}
	}
}

func TestAPictureOfNothingIsOne(t *testing.T) {
	var picture bytes.Buffer
	if err := drawPicture(&picture, &history.Run{}); err != nil || !strings.Contains(picture.String(), "</svg>") {
		t.Errorf("%v: %s", err, picture.String())
	}
}

func TestASeriesCountsEachStep(t *testing.T) {
	s := newSeries(aRun())
	if s.step != 100*time.Millisecond || s.acks != 1799 || len(s.nodes) != 3 {
		t.Fatalf("steps of %v, %d acknowledgements, nodes %v", s.step, s.acks, s.nodes)
	}
	during, before, lost := s.buckets[85], s.buckets[10], s.buckets[50]
	if during.all != 0 || during.refused != 10 || before.all != 10 || lost.lost != 1 ||
		before.p50 != 2*time.Millisecond || before.max != 2*time.Millisecond {
		t.Errorf("during %+v, before %+v, with a loss %+v", during, before, lost)
	}
	if s.perSecond(before.all) != 100 {
		t.Errorf("%v a second", s.perSecond(before.all))
	}
}

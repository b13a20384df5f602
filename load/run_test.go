package load

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestAClosedLoopSendsWhenItHasAllReplies(t *testing.T) {
	r := play(t, 1, func(_ *stage, o *Options) { o.Pipeline = 5 })
	// Ten clients, five commands in a round trip of 2 ms, for a second.
	if want := int64(10 * 5 * 500); r.Total.Ops != want || math.Abs(r.Total.OpsPerS-float64(want)) > 100 {
		t.Errorf("%d ops, %v a second, want %d", r.Total.Ops, r.Total.OpsPerS, want)
	}
	if l := r.Total.LatencyMs; l.P50 != 2 || l.Max > 2.01 || r.LatencyOf != "service time" {
		t.Errorf("%s %+v, want 2 ms", r.LatencyOf, l)
	}
	if r.LongestSilence.Ms > 2 || len(r.Errors) > 0 || r.Ended != "as planned" || !r.OK() {
		t.Errorf("%+v", r)
	}
}

func TestSoManyRequestsAreSentAndNoMore(t *testing.T) {
	var f *fake
	r := play(t, 1, func(s *stage, o *Options) {
		f = s.fakes[0]
		o.Requests, o.Duration, o.Pipeline, o.Warmup = 1234, 0, 7, 100*time.Millisecond
	})
	if r.Total.Ops != 1234 {
		t.Errorf("%d ops, want 1234", r.Total.Ops)
	}
	if warm := 10 * 7 * 50; f.heard["INCR"] != warm+1234 {
		t.Errorf("the server heard %d increments, want %d of the warm-up and 1234", f.heard["INCR"], warm)
	}
}

func TestClientsAreSpreadOverTheNodes(t *testing.T) {
	r := play(t, 3, func(_ *stage, o *Options) {
		o.Clients, o.Keys, o.Operation = 9, 100, Operation{write: incr, percent: 50}
	})
	for _, n := range r.ByNode {
		if n.Ops != 1500 {
			t.Errorf("%s: %d ops, want 1500", n.Node, n.Ops)
		}
	}
	if len(r.ByOp) != 2 || r.ByOp[0].Ops+r.ByOp[1].Ops != 4500 || r.ByOp[1].Ops < 2000 || r.Missing == 0 {
		t.Errorf("by operation %+v, %d missing", r.ByOp, r.Missing)
	}
}

// stall makes a fake hold back everything for a second, from second 3 on.
func stall(f *fake, _ []string) string {
	from, until := f.began.Add(3*time.Second), f.began.Add(4*time.Second)
	if now := time.Now(); now.After(from) && now.Before(until) {
		time.Sleep(time.Until(until))
	}
	return ""
}

func TestAStallIsInTheLatencyOfAnOpenLoop(t *testing.T) {
	set := func(rate float64) func(*stage, *Options) {
		return func(s *stage, o *Options) { s.fakes[0].twist, o.Duration, o.Rate = stall, 10*time.Second, rate }
	}
	// A tenth of what was due was held up, evenly between 0 and 1 s.
	open := play(t, 1, set(1000))
	if l := open.Total.LatencyMs; l.P99 < 850 || l.P99 > 1100 || l.P50 > 3 || open.LatencyOf != "since due" {
		t.Errorf("open loop: %s %+v, want a p99 of about 900 ms", open.LatencyOf, l)
	}
	if open.Total.Ops != 10_000 || open.Unsent != 0 {
		t.Errorf("open loop: %d ops, %d unsent", open.Total.Ops, open.Unsent)
	}
	// In a closed loop ten commands out of many thousand were held up: that hides it.
	closed := play(t, 1, set(0))
	if l := closed.Total.LatencyMs; l.P99 > 3 || l.Max < 990 {
		t.Errorf("closed loop: %+v", l)
	}
	for _, r := range []*Report{open, closed} {
		if s := r.LongestSilence; s.Ms < 990 || s.Ms > 1010 || s.AtS < 2.9 || s.AtS > 3.1 {
			t.Errorf("silence %+v, want the second from 3 on", s)
		}
	}
}

func TestWhatIsNeverSentIsNotHidden(t *testing.T) {
	r := play(t, 1, func(s *stage, o *Options) {
		s.fakes[0].twist = func(f *fake, _ []string) string {
			if time.Since(f.began) > 2*time.Second {
				time.Sleep(3 * time.Second)
			}
			return ""
		}
		o.Duration, o.Rate = 4*time.Second, 1000
	})
	if r.Unsent < 1900 || r.Unsent > 2000 || r.Total.LatencyMs.P90 < 1000 {
		t.Errorf("%d unsent, latency %+v; half of the run was one stall", r.Unsent, r.Total.LatencyMs)
	}
}

func TestABrokenConnectionCostsWhatWasOnItAndNothingIsSentAgain(t *testing.T) {
	var s *stage
	r := play(t, 2, func(stage *stage, o *Options) {
		s = stage
		o.Verify, o.Pipeline, o.Duration = true, 3, 2*time.Second
		time.AfterFunc(500*time.Millisecond, func() { go s.fakes[0].stop() })
	})
	if r.Total.Unknown == 0 || r.Total.Unknown > 5*3 || r.Verify.Unanswered != r.Total.Unknown || !r.OK() {
		t.Errorf("%d unknown, verdict %+v; want one pipeline of each of five clients at most", r.Total.Unknown, r.Verify)
	}
	if s.fakes[0].heard["INCR"]+s.fakes[1].heard["INCR"] > int(r.Verify.Acknowledged+r.Verify.Unanswered) {
		t.Error("something was sent again")
	}
	if a, b := r.ByNode[0], r.ByNode[1]; b.Ops < 3*a.Ops || b.Reconnects != 5 {
		t.Errorf("%d ops at the node that went, %d at the other after %d reconnects", a.Ops, b.Ops, b.Reconnects)
	}
	if len(r.Errors) != 1 || r.Errors[0].Word != brokenCode || !strings.Contains(r.Errors[0].First, "n1:1") {
		t.Errorf("errors %+v", r.Errors)
	}
}

func TestANodeThatRefusesEverythingIsLeft(t *testing.T) {
	r := play(t, 2, func(s *stage, _ *Options) {
		s.fakes[0].twist = func(_ *fake, args []string) string {
			if args[0] == "INCR" {
				return "-CLUSTERDOWN not applied: no leader\r\n"
			}
			return ""
		}
	})
	if r.Total.Refused != 5*maxRefused || r.ByNode[0].Ops != 0 || r.ByNode[1].Ops < 4800 || r.Total.Unknown != 0 {
		t.Errorf("%+v", r.ByNode)
	}
}

func TestNodesThatAreAllGoneAreTriedUntilTheyComeBack(t *testing.T) {
	r := play(t, 1, func(s *stage, o *Options) {
		o.Duration = 4 * time.Second
		time.AfterFunc(time.Second, func() {
			go func() {
				s.fakes[0].stop()
				time.Sleep(time.Second)
				s.start(t, s.fakes[0])
			}()
		})
	})
	if gap := r.LongestSilence.Ms; gap < 1000 || gap > 1000+float64(maxPause/time.Millisecond)+10 || r.Total.Reconnects != 10 {
		t.Errorf("silence %v ms, %d reconnects", gap, r.Total.Reconnects)
	}
}

func TestAServerThatFallsSilentIsLeftInTime(t *testing.T) {
	r := play(t, 1, func(s *stage, o *Options) {
		s.fakes[0].twist = func(f *fake, _ []string) string {
			if time.Since(f.began) > time.Second {
				time.Sleep(time.Hour)
			}
			return ""
		}
		o.Duration = time.Hour
	})
	if r.ElapsedS < 30 || r.ElapsedS > 40 || r.Ended != errGaveUp.Error() || r.Errors[0].Word != silentCode || r.Total.Unknown != 10 {
		t.Errorf("after %v s: %s; %+v", r.ElapsedS, r.Ended, r.Errors)
	}
}

func TestAnInterruptEndsWithTheFiguresSoFar(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, 1)
		o := s.options()
		o.Duration, o.Verify = time.Hour, true
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		r, err := Run(ctx, o)
		if err != nil || r.Ended != "interrupted" || r.Total.Ops < 9000 || !r.OK() || r.ElapsedS > 2.1 {
			t.Errorf("%v, %+v", err, r)
		}
	})
}

func TestIncrementsCountOnlyIfWAITSaysSo(t *testing.T) {
	for replicas, want := range map[int]int64{1: 10 * 500 * 4, 2: 0} {
		r := play(t, 1, func(_ *stage, o *Options) { o.Wait, o.Pipeline, o.Verify = replicas, 4, true })
		if r.Total.Ops != want || r.Total.Unknown != 10*500*4-want || r.Verify.Acknowledged != want || !r.Verify.OK() {
			t.Errorf("WAIT %d: %d ops, %d unknown, %+v", replicas, r.Total.Ops, r.Total.Unknown, r.Verify)
		}
	}
}

func TestDisturbancesAreListedWithTheirSilence(t *testing.T) {
	r := play(t, 1, func(s *stage, o *Options) {
		calls := 0
		var until time.Time
		o.Duration, o.DisturbEvery = 12*time.Second, 3*time.Second // at the end is too late
		o.Disturb = func(context.Context) (string, error) {
			if calls++; calls == 2 {
				return "", errors.New("nobody leads")
			}
			s.fakes[0].mu.Lock()
			defer s.fakes[0].mu.Unlock()
			until = time.Now().Add(time.Duration(calls) * 100 * time.Millisecond)
			return "n1 was shocked", nil
		}
		s.fakes[0].twist = func(f *fake, _ []string) string {
			f.mu.Lock()
			pause := time.Until(until)
			f.mu.Unlock()
			time.Sleep(pause)
			return ""
		}
	})
	want := []Event{{AtS: 3, What: "n1 was shocked", SilenceMs: 100}, {AtS: 6, What: "nobody leads", Failed: true}, {AtS: 9, What: "n1 was shocked", SilenceMs: 300}}
	if len(r.Disturbances) != len(want) {
		t.Fatalf("%+v", r.Disturbances)
	}
	for i, want := range want {
		got := r.Disturbances[i]
		if math.Abs(got.AtS-want.AtS) > 0.01 || got.What != want.What || got.Failed != want.Failed || math.Abs(got.SilenceMs-want.SilenceMs) > 5 {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
}

func TestHarmThatWasHalfDoneIsToldEvenAfterTheEnd(t *testing.T) {
	r := play(t, 1, func(_ *stage, o *Options) {
		o.Duration, o.DisturbEvery = 4*time.Second, 2*time.Second
		o.Disturb = func(ctx context.Context) (string, error) {
			<-ctx.Done()
			return "n1 was killed", errors.New("starting it again failed: no room")
		}
	})
	if len(r.Disturbances) != 1 || r.Disturbances[0].What != "n1 was killed; starting it again failed: no room" || r.Disturbances[0].Failed {
		t.Errorf("%+v", r.Disturbances)
	}
}

func TestProgressIsToldEverySecond(t *testing.T) {
	var told []Progress
	play(t, 1, func(_ *stage, o *Options) {
		o.Warmup, o.Duration, o.Progress = 2*time.Second, 5*time.Second, func(p Progress) { told = append(told, p) }
	})
	if len(told) < 5 || len(told) > 6 {
		t.Fatalf("told %d times", len(told))
	}
	p := told[2]
	if p.Elapsed != 3*time.Second || math.Abs(p.Part-0.6) > 0.01 || math.Abs(p.OpsPerS-5000) > 50 || p.P99Ms != 2 || p.Errors != 0 {
		t.Errorf("%+v", p)
	}
}

func TestAPipelineBiggerThanAllBuffersGetsThrough(t *testing.T) {
	const size = 50_000 // its replies alone don't fit into a memnet.Window
	r := play(t, 1, func(_ *stage, o *Options) {
		o.Pipeline, o.Clients, o.Requests, o.Duration, o.Verify = size, 1, size, 0, true
	})
	if r.Total.Ops != size || len(r.Errors) > 0 || !r.OK() {
		t.Errorf("%+v %v", r.Total, r.Verify)
	}
}

func TestNodesThatCannotBeUsedAreNamed(t *testing.T) {
	say := func(text string) func(*fake, []string) string { return func(*fake, []string) string { return text } }
	for _, test := range []struct {
		twist func(*fake, []string) string
		level string
		want  []string
	}{
		{say("-NOAUTH Authentication required.\r\n"), "", []string{"n2:1", "password"}},
		{say("-LOADING Redis is loading the dataset in memory\r\n"), "", []string{"n2:1", "not ready yet"}},
		{say("-ERR max number of clients reached\r\n"), "", []string{"n2:1 answered", "max number of clients"}},
		{say("SSH-2.0-OpenSSH\r\n"), "", []string{"n2:1", "does not speak the Redis protocol"}},
		{say(hangUp), "", []string{"no answer from n2:1", "closed the connection"}},
		{nil, "stale", []string{"answered: ERR unknown command 'CONSISTENCY'", "leave --level out"}},
		{func(*fake, []string) string { time.Sleep(time.Hour); return hangUp }, "", []string{"no answer from n2:1 in time"}},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := newStage(t, 2)
			s.fakes[1].twist = test.twist
			o := s.options()
			if o.Level = test.level; test.level != "" {
				o.Operation = Operation{percent: 100}
			}
			_, err := Run(t.Context(), o)
			if err == nil || strings.Contains(err.Error(), "\n") ||
				slices.ContainsFunc(test.want, func(w string) bool { return !strings.Contains(err.Error(), w) }) {
				t.Errorf("error %q, want one line with %q", err, test.want)
			}
		})
	}
}

func TestTheLevelIsSetOnEveryConnection(t *testing.T) {
	var s *stage
	play(t, 2, func(stage *stage, o *Options) {
		s, o.Level, o.Operation, o.Verify = stage, "stale:1500us", Operation{percent: 50}, true // the values are read strongly
		for _, f := range s.fakes {
			f.twist = func(f *fake, args []string) string {
				if strings.Join(args, " ") != "CONSISTENCY STALE MAXAGE 2" {
					return ""
				}
				f.mu.Lock()
				defer f.mu.Unlock()
				f.heard["the level"]++
				return "+OK\r\n"
			}
		}
	})
	for _, f := range s.fakes {
		if f.heard["the level"] != 5 {
			t.Errorf("%s heard it %d times of 5", f.addr, f.heard["the level"])
		}
	}
}

package load

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// slow makes a fake take a millisecond for each command.
func slow(*fake, []string) string {
	time.Sleep(time.Millisecond)
	return ""
}

func TestAPipelineMayTakeLongAsLongAsRepliesCome(t *testing.T) {
	const size = 40_000 // 40 s, far more than answerTime
	r := play(t, 1, func(s *stage, o *Options) {
		s.fakes[0].twist = slow
		o.Pipeline, o.Clients, o.Requests, o.Duration, o.Verify = size, 1, size, 0, true
	})
	if r.Total.Ops != size || len(r.Errors) > 0 || r.Ended != "as planned" || !r.OK() {
		t.Errorf("%d ops, %+v, %v", r.Total.Ops, r.Errors, r.Verify)
	}
}

func TestAPipelineIsCutSomeTimeAfterTheEnd(t *testing.T) {
	for name, test := range map[string]struct {
		duration, interrupt time.Duration
		earliest            float64 // in seconds
	}{
		"as planned":  {2 * time.Second, time.Hour, 32},
		"interrupted": {time.Hour, 3 * time.Second, 3},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := newStage(t, 1)
			s.fakes[0].twist = slow
			o := s.options()
			o.Pipeline, o.Clients, o.Duration, o.Verify = MaxPipeline, 1, test.duration, false
			ctx, cancel := context.WithTimeout(t.Context(), test.interrupt)
			defer cancel()
			r, err := Run(ctx, o)
			if err != nil {
				t.Fatal(err)
			}
			latest := test.earliest + (answerTime + 2*time.Second).Seconds()
			if r.ElapsedS < test.earliest || r.ElapsedS > latest || r.Ended != name || r.Total.Ops+r.Total.Unknown != MaxPipeline {
				t.Errorf("%s after %v s, want %v to %v: %+v", r.Ended, r.ElapsedS, test.earliest, latest, r.Total)
			}
			if len(r.Errors) != 1 || r.Errors[0].Word != silentCode || !strings.HasSuffix(r.Errors[0].First, "still coming when the time was over") {
				t.Errorf("%s: %+v", name, r.Errors)
			}
		})
	}
}

func TestAServerThatFallsSilentInTheMiddleOfAPipelineIsLeft(t *testing.T) {
	r := play(t, 1, func(s *stage, o *Options) {
		seen := 0
		s.fakes[0].twist = func(*fake, []string) string {
			if seen++; seen == 20_000 {
				time.Sleep(time.Minute)
			}
			return slow(nil, nil)
		}
		o.Pipeline, o.Clients, o.Requests, o.Duration = 40_000, 1, 40_000, 0
	})
	if len(r.Errors) != 1 || !strings.HasSuffix(r.Errors[0].First, "no reply within 5s") || r.Total.Ops < 19_000 || r.Total.Ops >= 20_000 {
		t.Errorf("%d ops, %+v", r.Total.Ops, r.Errors)
	}
}

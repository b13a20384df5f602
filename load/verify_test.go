package load

import (
	"strings"
	"testing"
	"time"
)

func TestLosingAndDoublingServersAreFoundOut(t *testing.T) {
	nth := func(n int, do func(f *fake, args []string) string) func(*fake, []string) string {
		seen := 0
		return func(f *fake, args []string) string {
			if args[0] != "INCR" {
				return ""
			}
			f.mu.Lock()
			seen++
			now := seen == n
			f.mu.Unlock()
			if !now {
				return ""
			}
			return do(f, args)
		}
	}
	countsAndHangsUp := nth(100, func(f *fake, args []string) string {
		f.count(args)
		return hangUp
	})
	forgetful := func(f *fake, args []string) string {
		if args[0] != "MGET" {
			return countsAndHangsUp(f, args)
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		f.values[args[1]]--
		return ""
	}
	for _, test := range []struct {
		name          string
		twist         func(*fake, []string) string
		keys          int
		lost, doubled int64
		repeated      bool
		unanswered    bool
	}{
		{"an honest one", nil, 10, 0, 0, false, false},
		{"one that loses", nth(100, func(*fake, []string) string { return ":1\r\n" }), 10, 1, 0, false, false},
		{"one that doubles", nth(100, func(f *fake, args []string) string { f.count(args); return "" }), 10, 0, 1, false, false},
		{"one that counts after an error", nth(100, func(f *fake, args []string) string {
			f.count(args)
			return "-CLUSTERDOWN not applied\r\n"
		}), 10, 0, 1, false, false},
		{"one that does not know", nth(100, func(f *fake, args []string) string {
			f.count(args)
			return "-UNKNOWN outcome unknown\r\n"
		}), 10, 0, 0, false, true},
		{"one that hands out a value twice", nth(100, func(*fake, []string) string { return ":50\r\n" }), 1, 1, 0, true, false},
		{"one that forgets the last while an unanswered one has counted", forgetful, 1, 1, 0, false, true},
		{"one that hangs up", nth(100, func(*fake, []string) string { return hangUp }), 10, 0, 0, false, true},
	} {
		r := play(t, 1, func(s *stage, o *Options) {
			s.fakes[0].twist, s.fakes[0].values["bench:0"] = test.twist, 12345
			o.Verify, o.Keys, o.Pipeline, o.Warmup = true, test.keys, 4, 10*time.Millisecond
		})
		v := r.Verify
		if v.Failure != "" || v.Lost != test.lost || v.Doubled != test.doubled || (v.RepeatedValues == 1) != test.repeated || (v.Unanswered > 0) != test.unanswered || v.Unanswered > 4 {
			t.Errorf("%s: %+v", test.name, v)
		}
		if right := test.lost == 0 && test.doubled == 0; r.OK() != right || v.OK() != right {
			t.Errorf("%s: OK is %v", test.name, r.OK())
		}
		if !strings.HasPrefix(r.Settings.KeyPrefix, "bench:") || len(r.Settings.KeyPrefix) != len("bench:01234567:") {
			t.Errorf("%s: prefix %q is not a fresh one", test.name, r.Settings.KeyPrefix)
		}
	}
}

func TestVerifiedKeysAreRemovedAndWrongOnesAreLeft(t *testing.T) {
	for _, lose := range []bool{false, true} {
		var s *stage
		play(t, 1, func(stage *stage, o *Options) {
			s, o.Verify, o.Keys = stage, true, 2500
			if lose {
				s.fakes[0].twist = func(_ *fake, args []string) string {
					if args[0] == "INCR" {
						return ":7\r\n"
					}
					return ""
				}
				s.fakes[0].values["other"] = 1
			}
		})
		if left := len(s.fakes[0].values); (left > 0) != lose {
			t.Errorf("%d keys left, lost increments: %v", left, lose)
		}
	}
}

func TestKeysThatCannotBeReadAreNotVerified(t *testing.T) {
	r := play(t, 2, func(s *stage, o *Options) {
		o.Verify = true
		time.AfterFunc(900*time.Millisecond, func() {
			go s.fakes[0].stop()
			go s.fakes[1].stop()
		})
	})
	if r.OK() || r.Total.Ops == 0 || !strings.Contains(r.Verify.Failure, "can't be read: no answer from n") {
		t.Errorf("%+v, %v", r.Total, r.Verify)
	}
}

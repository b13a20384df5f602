package demo

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// story is what happened to increments, in order. Each step acts on a fresh tally; planted bugs act on the counter alone.
type story struct {
	tally
	value int64
}

func (s *story) counts(n int) {
	for range n {
		after := s.send()
		s.value++
		s.ack(after, s.value)
	}
}

// figuresOf is a story and what has to come out of it.
type figuresOf struct {
	name string
	tell func(s *story)
	want Figures
}

func (f figuresOf) check(t *testing.T) {
	var s story
	f.tell(&s)
	if got := judge(s.clone(), s.clone(), s.value); got != f.want {
		t.Errorf("got  %+v\nwant %+v", got, f.want)
	}
}

func TestFiguresExplainWhatMayHappen(t *testing.T) {
	for _, test := range []figuresOf{
		{"nothing yet", func(*story) {}, Figures{}},
		{"all is well", func(s *story) { s.counts(7) }, Figures{Acknowledged: 7, Value: 7}},
		{"answers overtake each other", func(s *story) {
			a, b, c := s.send(), s.send(), s.send()
			s.ack(c, 3)
			s.ack(a, 1)
			s.ack(b, 2)
			s.value = 3
		}, Figures{Acknowledged: 3, Value: 3}},
		{"an unanswered one that happened", func(s *story) {
			s.counts(3)
			a := s.send()
			s.value++
			s.fail(a)
			s.counts(3)
		}, Figures{Acknowledged: 6, Value: 7, Unanswered: 1}},
		{"an unanswered one that happened, and nothing since", func(s *story) {
			s.counts(3)
			s.fail(s.send())
			s.value++
		}, Figures{Acknowledged: 3, Value: 4, Unanswered: 1}},
		{"an unanswered one that did not happen", func(s *story) {
			s.counts(3)
			s.fail(s.send())
			s.counts(3)
		}, Figures{Acknowledged: 6, Value: 6, Unanswered: 1}},
		{"an unanswered one that happens much later", func(s *story) {
			s.counts(3)
			s.fail(s.send())
			s.counts(3)
			s.value++
			s.counts(3)
		}, Figures{Acknowledged: 9, Value: 10, Unanswered: 1}},
		{"one that is on its way", func(s *story) {
			s.counts(3)
			s.send()
			s.value++
		}, Figures{Acknowledged: 3, Value: 4}},
		{"a refused one", func(s *story) {
			s.counts(3)
			s.refuse(s.send())
			s.counts(1)
		}, Figures{Acknowledged: 4, Value: 4, Refused: 1}},
	} {
		t.Run(test.name, test.check)
	}
}

func TestFiguresShowPlantedBugs(t *testing.T) {
	for _, test := range []figuresOf{
		{"a refused one that happened all the same", func(s *story) {
			s.counts(3)
			s.refuse(s.send())
			s.value++
			s.counts(1)
		}, Figures{Acknowledged: 4, Value: 5, Refused: 1, Doubled: 1}},
		{"one applied twice", func(s *story) { s.counts(3); s.value++; s.counts(3) }, Figures{Acknowledged: 6, Value: 7, Doubled: 1}},
		{"the last one applied twice", func(s *story) { s.counts(3); s.value++ }, Figures{Acknowledged: 3, Value: 4, Doubled: 1}},
		{"the first one applied twice", func(s *story) { s.value++; s.counts(3) }, Figures{Acknowledged: 3, Value: 4, Doubled: 1}},
		{"one applied twice, and a later unanswered one does not hide it", func(s *story) {
			s.counts(3)
			s.value++
			s.counts(3)
			s.fail(s.send())
			s.counts(3)
		}, Figures{Acknowledged: 9, Value: 10, Unanswered: 1, Doubled: 1}},
		{"two applied twice, and one unanswered explains one value", func(s *story) {
			s.counts(3)
			s.fail(s.send())
			s.value += 2
			s.counts(3)
		}, Figures{Acknowledged: 6, Value: 8, Unanswered: 1, Doubled: 1}},
		{"the last ones lost", func(s *story) { s.counts(5); s.value -= 2 }, Figures{Acknowledged: 5, Value: 3, Lost: 2}},
		{"one lost, and its value told again", func(s *story) { s.counts(3); s.value--; s.counts(3) },
			Figures{Acknowledged: 6, Value: 5, Lost: 1}},
		{"one lost and another doubled don't cancel out", func(s *story) { s.counts(3); s.value--; s.counts(3); s.value++; s.counts(1) },
			Figures{Acknowledged: 7, Value: 7, Lost: 1, Doubled: 1}},
		{"a lost one whose value an unanswered one got: nobody can tell, the sum is right", func(s *story) {
			s.counts(3)
			s.value--
			s.fail(s.send())
			s.value++
			s.counts(3)
		}, Figures{Acknowledged: 6, Value: 6, Lost: 0, Unanswered: 1}},
		{"all lost, and counted anew", func(s *story) { s.counts(10); s.value = 0; s.counts(4) },
			Figures{Acknowledged: 14, Value: 4, Lost: 10}},
		{"all lost, and nothing since", func(s *story) { s.counts(10); s.value = 0 }, Figures{Acknowledged: 10, Lost: 10}},
	} {
		t.Run(test.name, test.check)
	}
}

func TestIncrementsAcknowledgedWhileTheValueIsReadAreNeitherLostNorDoubled(t *testing.T) {
	var s story
	s.counts(3)
	before := s.clone()
	s.counts(2)
	value := s.value
	s.counts(2) // after the read
	want := Figures{Acknowledged: 3, Value: 5}
	if got := judge(before, s.clone(), value); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestFiguresAreRightAfterRandomAccidents(t *testing.T) {
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 1))
		var s story
		var want Figures
		for range 1 + random.IntN(200) {
			switch random.IntN(12) {
			case 0: // unanswered, and it happened or not
				s.fail(s.send())
				s.value += int64(random.IntN(2))
				want.Unanswered++
			case 1:
				s.refuse(s.send())
				want.Refused++
			case 2: // two at a time, answered in any order
				a, b := s.send(), s.send()
				s.value += 2
				first := int64(random.IntN(2))
				s.ack(a, s.value-first)
				s.ack(b, s.value-1+first)
				want.Acknowledged += 2
			default:
				s.counts(1)
				want.Acknowledged++
			}
		}
		want.Value = s.value
		if got := judge(s.clone(), s.clone(), s.value); got != want {
			t.Fatalf("seed %d: got  %+v\nwant %+v", seed, got, want)
		}
	}
}

func TestFoldedRunsKeepTheFigures(t *testing.T) {
	var s story
	s.fail(s.send()) // explains the first value that was told to nobody
	for range maxRuns + 100 {
		s.value++ // somebody else
		s.counts(1)
	}
	want := Figures{Acknowledged: maxRuns + 100, Value: s.value, Unanswered: 1, Doubled: maxRuns + 99}
	if got := judge(s.clone(), s.clone(), s.value); got != want || len(s.told) > maxRuns {
		t.Errorf("got %+v in %d runs, want %+v in at most %d", got, len(s.told), want, maxRuns)
	}
}

func TestExcusesAreBounded(t *testing.T) {
	var s story
	for range 2 * maxExcuses {
		s.fail(s.send())
		s.value++
		s.counts(1)
	}
	if got := judge(s.clone(), s.clone(), s.value); got.Doubled != 0 || got.Lost != 0 || got.Unanswered != 2*maxExcuses {
		t.Errorf("got %+v, want nothing lost, nothing doubled", got)
	}
	if len(s.excuses) > maxExcuses || !slices.IsSortedFunc(s.excuses, func(a, b excuse) int { return int(a.after - b.after) }) {
		t.Errorf("%d excuses, want at most %d, ascending", len(s.excuses), maxExcuses)
	}
}

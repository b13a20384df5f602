package fsm

import "testing"

func TestTheLeaseClockGoesByWhatCouldBeHeardOnly(t *testing.T) {
	type step struct {
		kind  EntryKind
		after int64 // the Entry before, of machine time
		shows int64 // the clock then, since the beginning
	}
	for _, test := range []struct {
		name    string
		nothing bool // has a lease
		steps   []step
	}{
		{"it goes with the stamps", false, []step{{Ordinary, 1000, 1000}, {Ordinary, 1, 1001}, {Ordinary, 0, 1001}, {Opener, 1500, 2501}}},
		{"a gap counts for no more than 1.5 s, and behind it the clock stands still for 5 s", false,
			[]step{{Ordinary, 1501, 1500}, {Ordinary, 1500, 1500}, {Ordinary, 1500, 1500}, {Ordinary, 1500, 1500}, {Ordinary, 500, 1500}, {Ordinary, 1, 1501}}},
		{"it goes on in the middle of what an Entry is for", false, []step{{Ordinary, 9000, 1500}, {Ordinary, 1400, 1500}, {Ordinary, 1400, 1500}, {Ordinary, 1400, 1500}, {Ordinary, 1400, 2100}}},
		{"one gap behind the other", false, []step{{Ordinary, 9000, 1500}, {Ordinary, 4000, 1500}, {Ordinary, 1500, 1500}, {Ordinary, 6000, 3000}}},
		{"where nobody has a lease a gap is none", true, []step{{Ordinary, 9000, 1500}, {Ordinary, 1000, 2500}}},
		{"a leader that hears nobody does not move it", false, []step{{Ordinary, 500, 500}, {Deaf, 1000, 500}, {Deaf, 9000, 500}, {Ordinary, 1500, 500},
			{Ordinary, 1500, 500}, {Ordinary, 1500, 500}, {Ordinary, 1000, 1000}}},
	} {
		m := New()
		m.now, m.lease.now = 1_000_000, 70_000
		if !test.nothing {
			m.ledger.living = 1
		}
		for i, s := range test.steps {
			before := m.now
			m.now += s.after
			m.advanceLease(before, s.kind)
			if got := m.lease.now - 70_000; got != s.shows {
				t.Errorf("%s: %d behind step %d, want %d", test.name, got, i, s.shows)
			}
		}
	}
}

func TestTheLeaseClockDoesNotRunBeforeAnybodyNeedsIt(t *testing.T) {
	m := New()
	m.now = 1_000_000
	for _, kind := range []EntryKind{Ordinary, Deaf} {
		if m.advanceLease(0, kind); m.lease != (leaseClock{}) {
			t.Errorf("kind %d: %+v", kind, m.lease)
		}
	}
}

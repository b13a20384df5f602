package cluster

import (
	"testing"

	"github.com/truecount/truecount/fsm"
)

func TestAGivenLimitHoldsAndADefaultOnlyBegins(t *testing.T) {
	given := func(n uint64) Limit { return Limit{n, true} }
	first := func(n uint64) Limit { return Limit{n, false} }
	for _, test := range []struct {
		what   string
		config Limits
		now    fsm.Limits
		set    bool
		want   fsm.Limits
		change bool
	}{
		{"nothing wanted", Limits{}, fsm.Limits{}, false, fsm.Limits{}, false},
		{"nothing wanted, limits set", Limits{}, fsm.Limits{Bytes: 5}, true, fsm.Limits{Bytes: 5}, false},
		{"a first default", Limits{Bytes: first(7)}, fsm.Limits{}, false, fsm.Limits{Bytes: 7}, true},
		{"a default too late", Limits{Bytes: first(7)}, fsm.Limits{Bytes: 5}, true, fsm.Limits{Bytes: 5}, false},
		{"a default after none was set", Limits{Bytes: first(7)}, fsm.Limits{}, true, fsm.Limits{}, false},
		{"given", Limits{Keys: given(7)}, fsm.Limits{Bytes: 5, Keys: 6}, true, fsm.Limits{Bytes: 5, Keys: 7}, true},
		{"given and in force", Limits{Keys: given(7)}, fsm.Limits{Keys: 7}, true, fsm.Limits{Keys: 7}, false},
		{"none given for the first time", Limits{Keys: given(0)}, fsm.Limits{}, false, fsm.Limits{}, true},
		{"none given again", Limits{Keys: given(0)}, fsm.Limits{}, true, fsm.Limits{}, false},
		{"none given instead of one", Limits{Keys: given(0)}, fsm.Limits{Keys: 7}, true, fsm.Limits{}, true},
		{"one given, one default", Limits{Bytes: first(9), Keys: given(7)}, fsm.Limits{}, false, fsm.Limits{Bytes: 9, Keys: 7}, true},
	} {
		if got, change := test.config.wanted(test.now, test.set); got != test.want || change != test.change {
			t.Errorf("%s: %+v, %v", test.what, got, change)
		}
	}
}

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
		{"none of the instances given", Limits{Instances: given(0), Sessions: given(0), Lease: given(0)}, fsm.Limits{}, true, fsm.Limits{}, false},
		{"what counts anyway given", Limits{Instances: given(1_000_000), Sessions: given(10_000), Lease: given(30_000)}, fsm.Limits{}, true, fsm.Limits{}, false},
		{"what counts anyway given again", Limits{Sessions: given(10_000)}, fsm.Limits{Bytes: 1, Sessions: 5}, true, fsm.Limits{Bytes: 1}, true},
		{"others given", Limits{Instances: given(7), Sessions: given(8), Lease: given(9)}, fsm.Limits{Keys: 1}, true,
			fsm.Limits{Keys: 1, Instances: 7, Sessions: 8, Lease: 9}, true},
		{"others in force, nothing wanted", Limits{}, fsm.Limits{Instances: 7, Sessions: 8, Lease: 9}, true, fsm.Limits{Instances: 7, Sessions: 8, Lease: 9}, false},
		{"one given, one default", Limits{Bytes: first(9), Keys: given(7)}, fsm.Limits{}, false, fsm.Limits{Bytes: 9, Keys: 7}, true},
	} {
		if got, change := test.config.wanted(test.now, test.set); got != test.want || change != test.change {
			t.Errorf("%s: %+v, %v", test.what, got, change)
		}
	}
}

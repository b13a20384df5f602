package demo

import (
	"slices"
	"testing"
)

func TestANodesEnvironmentIsTheSameInEveryShell(t *testing.T) {
	for name, test := range map[string]struct{ given, want []string }{
		"a share of the cores is added":    {[]string{"HOME=/"}, []string{"HOME=/", "GOMAXPROCS=2"}},
		"settings of nodes are left out":   {[]string{"TRUECOUNT_RESP=:1", "A=b", "TRUECOUNT_ID=x"}, []string{"A=b", "GOMAXPROCS=2"}},
		"what the caller has said is kept": {[]string{"GOMAXPROCS=7", "A=b"}, []string{"GOMAXPROCS=7", "A=b"}},
	} {
		given := slices.Clone(test.given)
		if got := ownEnviron(given, 2); !slices.Equal(got, test.want) || !slices.Equal(given, test.given) {
			t.Errorf("%s: %q of %q, want %q", name, got, test.given, test.want)
		}
	}
}

package fsm

import (
	"strings"
	"testing"
)

func TestKeysOfGroupsAreWalkedInOrderUntilEnough(t *testing.T) {
	groups := AppendGroup(nil, []Op{{Kind: Incr, Key: []byte("a"), Amount: 1}, {Kind: Flush}, {Kind: Get, Key: []byte("b")}})
	groups = AppendGroup(groups, []Op{{Kind: Delete, Key: []byte("c")}})
	for _, test := range []struct {
		groups []byte
		enough int
		want   string
	}{
		{groups, 9, "a b c"},
		{groups, 2, "a b"},
		{groups[:len(groups)-1], 9, "a b"}, // cut off
		{nil, 9, ""},
	} {
		var keys []string
		Keys(test.groups, func(key []byte) bool {
			keys = append(keys, string(key))
			return len(keys) < test.enough
		})
		if got := strings.Join(keys, " "); got != test.want {
			t.Errorf("keys are %q, want %q", got, test.want)
		}
	}
}

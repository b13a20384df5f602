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

func TestTheOnceOfAGroupIsFoundInFrontOfIt(t *testing.T) {
	once := Once{Session: SessionID{1}, Sequence: 7, Hash: 8}
	ops := []Op{{Kind: Incr, Key: []byte("k"), Amount: 1}}
	for want, terms := range map[Once]Terms{
		{}:   {Conditions: []Condition{{Key: []byte("w"), Index: 1}}},
		once: {Conditions: []Condition{{Key: []byte("w"), Index: 1}}, Once: once},
	} {
		group := AppendGroupIf(nil, terms, ops)
		if got := OnceOf(group); got != want {
			t.Errorf("%v, want %v", got, want)
		}
	}
	if got := OnceOf(AppendGroup(AppendGroup(nil, ops), ops)); got.Given() {
		t.Errorf("%v, want none", got)
	}
	if got := OnceOf([]byte{1}); got.Given() {
		t.Errorf("%v of what is no group", got)
	}
}

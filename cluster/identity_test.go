package cluster

import (
	"strings"
	"testing"

	"github.com/hashicorp/raft"
)

func TestIdentity(t *testing.T) {
	store := raft.NewInmemStore()
	first, err := ownIdentity(store, &Config{})
	if err != nil || CheckName(first.Name) != nil || first.Cluster != "" || first.Founder {
		t.Fatalf("drawn: %+v, %v", first, err)
	}
	if again, err := ownIdentity(store, &Config{}); again != first || err != nil {
		t.Errorf("again: %+v, %v", again, err)
	}
	if again, err := ownIdentity(store, &Config{Name: first.Name}); again != first || err != nil {
		t.Errorf("by its name: %+v, %v", again, err)
	}
	if _, err := ownIdentity(store, &Config{Name: "other"}); err == nil || !strings.Contains(err.Error(), first.Name) {
		t.Errorf("under another name: %v", err)
	}
	founder, err := ownIdentity(store, &Config{Bootstrap: true})
	if err != nil || founder.ID != first.ID || founder.Cluster == "" || !founder.Founder {
		t.Errorf("as a founder: %+v, %v", founder, err)
	}
	if again, err := ownIdentity(store, &Config{Bootstrap: true}); again != founder || err != nil {
		t.Errorf("as a founder again: %+v, %v", again, err)
	}
	one, _ := ownIdentity(raft.NewInmemStore(), &Config{Name: "n1"})
	two, _ := ownIdentity(raft.NewInmemStore(), &Config{Name: "n1"})
	if one.ID == two.ID {
		t.Errorf("two directories have the id %s", one.ID)
	}
}

func TestABadNameOrIdentityIsRefused(t *testing.T) {
	for _, name := range []string{"-x", "a b", "a/b", "ä", strings.Repeat("x", 65), "n1\n"} {
		if _, err := ownIdentity(raft.NewInmemStore(), &Config{Name: name}); err == nil {
			t.Errorf("%q is taken", name)
		}
	}
	store := raft.NewInmemStore()
	if err := store.Set(identityKey, []byte("{")); err != nil {
		t.Fatal(err)
	}
	if _, err := ownIdentity(store, &Config{}); err == nil {
		t.Error("garbage is taken for an identity")
	}
}

func TestIncarnationsGrow(t *testing.T) {
	store := raft.NewInmemStore()
	for want := uint64(1); want < 4; want++ {
		if got, err := nextIncarnation(store); got != want || err != nil {
			t.Errorf("incarnation %d, %v; want %d", got, err, want)
		}
	}
	if _, err := nextIncarnation(badDisk{StableStore: store, err: errDisk}); err == nil {
		t.Error("an incarnation that was not stored is used")
	}
}

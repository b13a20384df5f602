package cluster

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"regexp"

	"github.com/hashicorp/raft"
)

// identity is who a directory belongs to, for ever.
type identity struct {
	ID      string // raft server id: the name, and digits drawn when the directory was made
	Name    string
	Cluster string // empty until the node belongs to one
	Founder bool   // it started as a cluster of one

	Via      string `json:",omitempty"` // the peer address through which it joined
	Nonvoter bool   `json:",omitempty"` // it shall never vote
	Wipe     bool   `json:",omitempty"` // log, votes and images are of a cluster that was given up, and must go before anything else
	Removed  bool   `json:",omitempty"` // it was removed from its cluster, and can't come back
}

var (
	identityKey    = []byte("truecount/identity")
	incarnationKey = []byte("truecount/incarnation")

	namePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)
)

// CheckName says what is wrong with a node's name, if anything.
func CheckName(name string) error {
	if !namePattern.MatchString(name) {
		return fmt.Errorf("id %q: use 1 to 64 letters, digits, dots, dashes and underscores, beginning with a letter or digit", name)
	}
	return nil
}

func loadIdentity(stable raft.StableStore) (id identity, err error) {
	data, err := stable.Get(identityKey)
	if isNotFound(err) || err == nil && len(data) == 0 {
		return identity{}, nil
	}
	if err == nil {
		err = json.Unmarshal(data, &id)
	}
	if err != nil {
		return identity{}, fmt.Errorf("identity: %w", err)
	}
	return id, nil
}

func saveIdentity(stable raft.StableStore, id identity) error {
	data, err := json.Marshal(id)
	if err != nil {
		return err
	}
	return stable.Set(identityKey, data)
}

// ownIdentity reads the directory's identity, or makes one. What config does not say about the node, it fills in.
func ownIdentity(stable raft.StableStore, config *Config) (identity, error) {
	id, err := loadIdentity(stable)
	if err != nil {
		return id, err
	}
	name := config.Name
	switch {
	case id.Removed:
		return id, fmt.Errorf("this directory belongs to node %q, which was removed from its cluster: choose an empty --dir to join again", id.Name)
	case id.ID != "" && name != "" && id.Name != name:
		return id, fmt.Errorf("this directory belongs to node %q, not %q: drop --id, or choose another --dir", id.Name, name)
	case id.Cluster != "" && config.Nonvoter && !id.Nonvoter:
		return id, fmt.Errorf("node %q was let in to vote: drop --nonvoter; or remove it, and let it join again with an empty --dir", id.Name)
	case id.Cluster == "" && config.Bootstrap && config.Nonvoter:
		return id, errors.New("a cluster needs a voter: drop --nonvoter, or name a cluster to join with --join")
	}
	config.Nonvoter = config.Nonvoter || id.Cluster != "" && id.Nonvoter
	if id.ID == "" {
		if name == "" {
			name = "n" + digits(4)
		}
		if err := CheckName(name); err != nil {
			return id, err
		}
		id = identity{ID: name + "-" + digits(10), Name: name}
	}
	if id.Cluster == "" && config.Bootstrap {
		id.Cluster, id.Founder = digits(20), true
	}
	return id, saveIdentity(stable, id)
}

// openClean opens the stores. If they hold what was left of a cluster that this node has given up, that is removed first;
// should this be cut short, the next start does it again.
func openClean(config Config) (Stores, error) {
	stores, err := config.Stores()
	if err != nil {
		return Stores{}, err
	}
	id, err := loadIdentity(stores.Stable)
	if err == nil && !id.Wipe {
		return stores, nil
	}
	if err == nil {
		err = stores.Wipe()
	}
	if err = errors.Join(err, stores.Close()); err != nil {
		return Stores{}, err
	}
	if stores, err = config.Stores(); err != nil {
		return Stores{}, err
	}
	id.Wipe = false
	if err := saveIdentity(stores.Stable, id); err != nil {
		stores.Close()
		return Stores{}, err
	}
	return stores, nil
}

// nextIncarnation counts the starts of this directory, durably before the first Batch.
func nextIncarnation(stable raft.StableStore) (uint64, error) {
	n, err := stable.GetUint64(incarnationKey)
	if err != nil && !isNotFound(err) {
		return 0, fmt.Errorf("incarnation: %w", err)
	}
	return n + 1, stable.SetUint64(incarnationKey, n+1)
}

// isNotFound knows the one text by which raft's stores say so (raft: api.go, HasExistingState).
func isNotFound(err error) bool { return err != nil && err.Error() == "not found" }

func digits(n int) string {
	text := make([]byte, n)
	for i := range text {
		d, err := rand.Int(rand.Reader, big.NewInt(10))
		if err != nil {
			panic("BUG: the system has no randomness: " + err.Error())
		}
		text[i] = '0' + byte(d.Int64())
	}
	return string(text)
}

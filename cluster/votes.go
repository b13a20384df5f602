package cluster

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"maps"
	"sync"

	"github.com/hashicorp/raft"
)

// votes keeps term, vote and identity as one value with one checksum in a bolt file, which has none of its own: a term that
// a flipped bit has lowered, or a vote whose name it has changed, lets a node vote twice.
//
//	truecount/stable    4 bytes CRC-32C of what follows, big endian
//	                    JSON: key → value in base64; numbers are 8 bytes, big endian
//
// It implements raft.StableStore. What is read comes from memory.
type votes struct {
	file raft.StableStore

	writing sync.Mutex // held for one Set, before mu
	mu      sync.Mutex // held while values is looked at or replaced, never across a write
	values  map[string][]byte
}

var (
	votesKey = []byte("truecount/stable")
	termKey  = []byte("CurrentTerm") // raft: raft.go

	// what older builds kept, each under its own key
	olderKeys = []string{string(identityKey), string(incarnationKey), "CurrentTerm", "LastVoteTerm", "LastVoteCand"}
)

// openVotes reads the file's one value. The keys of an older build go into it, and lose their own values: after damage to
// the one they would be taken for the truth.
func openVotes(file raft.StableStore) (*votes, error) {
	v := &votes{file: file, values: map[string][]byte{}}
	data, err := file.Get(votesKey)
	switch {
	case isNotFound(err):
		return v, v.takeOver()
	case err != nil:
		return nil, err
	case len(data) < 4 || binary.BigEndian.Uint32(data) != crc32.Checksum(data[4:], castagnoli):
		return nil, fmt.Errorf("it does not match its checksum: %w", errDamaged)
	}
	return v, json.Unmarshal(data[4:], &v.values)
}

func (v *votes) takeOver() error {
	found := map[string][]byte{}
	for _, key := range olderKeys {
		value, err := v.file.Get([]byte(key))
		if err != nil && !isNotFound(err) {
			return err
		}
		if len(value) > 0 {
			found[key] = value
		}
	}
	if len(found) == 0 {
		return nil
	}
	if err := v.replace(found); err != nil {
		return err
	}
	for key := range found {
		if err := v.file.Set([]byte(key), nil); err != nil {
			return err
		}
	}
	return nil
}

func (v *votes) Set(key, value []byte) error {
	v.writing.Lock()
	defer v.writing.Unlock()
	v.mu.Lock()
	values := maps.Clone(v.values)
	v.mu.Unlock()
	values[string(key)] = append([]byte{}, value...)
	return v.replace(values)
}

func (v *votes) replace(values map[string][]byte) error {
	text, err := json.Marshal(values)
	if err != nil {
		return err
	}
	data := append(binary.BigEndian.AppendUint32(nil, crc32.Checksum(text, castagnoli)), text...)
	if err := v.file.Set(votesKey, data); err != nil {
		return err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.values = values
	return nil
}

func (v *votes) Get(key []byte) ([]byte, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	value, ok := v.values[string(key)]
	if !ok {
		return nil, errNoValue
	}
	return append([]byte{}, value...), nil
}

var errNoValue = errors.New("not found") // the text that raft knows: isNotFound

func (v *votes) SetUint64(key []byte, value uint64) error {
	return v.Set(key, binary.BigEndian.AppendUint64(nil, value))
}

func (v *votes) GetUint64(key []byte) (uint64, error) {
	value, err := v.Get(key)
	if err != nil {
		return 0, err
	}
	if len(value) != 8 {
		return 0, fmt.Errorf("%s is no number", key)
	}
	return binary.BigEndian.Uint64(value), nil
}

// checkVotes refuses votes that are older than the log or the newest image: whose directory it is was stored before the
// first entry, and a term is before any entry of it.
func checkVotes(dir string, stores Stores) error {
	term := uint64(0) // of the newest entry
	images, err := stores.Snapshots.List()
	if err != nil {
		return fmt.Errorf("data directory %s: %w", dir, err)
	}
	if len(images) > 0 {
		term = images[0].Term
	}
	last, err := stores.Log.LastIndex()
	if err != nil {
		return fmt.Errorf("data directory %s: log: %w", dir, err)
	}
	if last > 0 {
		var entry raft.Log
		if err := (&summedLog{LogStore: stores.Log}).GetLog(last, &entry); err != nil {
			return fmt.Errorf("data directory %s: %w", dir, err)
		}
		term = max(term, entry.Term)
	}
	if term == 0 {
		return nil
	}
	id, err := loadIdentity(stores.Stable)
	if err != nil {
		return fmt.Errorf("data directory %s: %s: %w", dir, stableFile, err)
	}
	if id.ID == "" {
		return halfMissing(dir, stableFile+" does not say whose it is")
	}
	current, err := stores.Stable.GetUint64(termKey)
	if err != nil && !isNotFound(err) {
		return fmt.Errorf("data directory %s: %s: %w", dir, stableFile, err)
	}
	if current < term {
		return halfMissing(dir, fmt.Sprintf("%s is of term %d, and what is in the log was written in term %d", stableFile, current, term))
	}
	return nil
}

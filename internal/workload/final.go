package workload

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/truecount/truecount/internal/history"
)

const (
	settling = 8 * time.Second // behind a lease that has ended, also after an outage: then all of the dead have left
	page     = 500             // keys that are read at once

	comparing = 15 * time.Second // until all nodes have told their digests of one index
)

// Finals reads at each node, in the end and strongly, all that was counted and is still there; then the digests of all, of one index if
// that can be had. A node that has not answered when ctx ends is missing from the result. Call it when Stop has returned; it waits
// until what is to expire has expired.
func (c *Crowd) Finals(ctx context.Context) []history.Look {
	rest(ctx, c.options.Lease+settling)
	var looks []history.Look
	for _, node := range c.options.Nodes() {
		look, err := c.look(node)
		for err != nil && rest(ctx, afterNo) {
			look, err = c.look(node)
		}
		if err != nil {
			c.complain(node.Name, "it can't be read in the end: %v", err)
			continue
		}
		looks = append(looks, look)
	}
	ctx, cancel := context.WithTimeout(ctx, comparing)
	defer cancel()
	digests := c.digests()
	for !c.alike(digests) && rest(ctx, afterNo) {
		digests = c.digests()
	}
	return append(looks, digests...)
}

// digests are of all nodes that tell theirs, asked at once.
func (c *Crowd) digests() []history.Look {
	nodes := c.options.Nodes()
	looks := make([]history.Look, len(nodes))
	var asked sync.WaitGroup
	for i, node := range nodes {
		asked.Go(func() {
			by := c.newcomer()
			defer by.hangUp()
			looks[i].Node = node.Name
			if by.dial(node) {
				_ = by.digest(&looks[i]) // without one, the look tells nothing
			}
		})
	}
	asked.Wait()
	return slices.DeleteFunc(looks, func(l history.Look) bool { return l.Digest == 0 })
}

// alike reports whether all nodes have told their digests, and of one index: only those can be compared. In a cluster with leases each
// second has an entry, so that takes some tries.
func (c *Crowd) alike(digests []history.Look) bool {
	for i := range digests {
		if digests[i].Index != digests[0].Index {
			return false
		}
	}
	return len(digests) == len(c.options.Nodes())
}

func (c *Crowd) look(node Node) (history.Look, error) {
	by := c.newcomer()
	defer by.hangUp()
	look := history.Look{Node: node.Name, Final: true, Counters: map[string]int64{}, Slices: map[string]map[string]int64{}}
	if !by.dial(node) {
		return look, fmt.Errorf("%s can't be reached", node.Name)
	}
	plain := c.plainKeys()
	for len(plain) > 0 {
		n := min(page, len(plain))
		if err := by.counters(plain[:n], look.Counters); err != nil {
			return look, err
		}
		plain = plain[n:]
	}
	for _, key := range c.keys.all("ic") {
		slices, err := by.slices(key)
		if err != nil {
			return look, err
		}
		total, err := by.total(key)
		if err != nil {
			return look, err
		}
		look.Counters[key], look.Slices[key] = total, slices
	}
	for _, key := range c.keys.all("bond") {
		if total, err := by.total(key); err != nil {
			return look, err
		} else if total != 0 {
			c.complain(node.Name, "%d is left in %s, whose only instance was bound to a connection that has ended", total, key)
		}
	}
	look.At = c.options.Clock()
	return look, by.status(&look)
}

// plainKeys are all that are counted with, but for those that expire.
func (c *Crowd) plainKeys() (keys []string) {
	for prefix, n := range map[string]int{"hot:": hotKeys, "many:": manyKeys, "pipe:": pipeKeys, "once:": onceKeys} {
		for i := range n {
			keys = append(keys, prefix+strconv.Itoa(i))
		}
	}
	for _, prefix := range []string{"mix", "stock"} {
		keys = append(keys, c.keys.all(prefix)...)
	}
	for _, prefix := range []string{"multi", "oncemulti"} {
		for _, base := range c.keys.all(prefix) {
			for i := range groupKeys {
				keys = append(keys, base+part(i))
			}
		}
	}
	return keys
}

// ask gives a command that has to be answered.
func (c *client) ask(command ...any) (any, error) {
	if c.conn == nil {
		return nil, errCut
	}
	c.send(command)
	r := c.receive()
	return r.value, r.err
}

func (c *client) counters(keys []string, into map[string]int64) error {
	command := []any{"MGET"}
	for _, key := range keys {
		command = append(command, key)
	}
	value, err := c.ask(command...)
	if err != nil {
		return err
	}
	list, _ := value.([]any)
	if len(list) != len(keys) {
		return fmt.Errorf("MGET of %d keys: %v", len(keys), value)
	}
	for i, key := range keys {
		n, ok := number(list[i])
		if !ok && list[i] != nil {
			return fmt.Errorf("%s is %v", key, list[i])
		}
		into[key] = n // 0 of one that is missing: what isn't there, nobody asked for
	}
	return nil
}

func (c *client) total(key string) (int64, error) {
	value, err := c.ask("IC.GET", key)
	if err != nil {
		return 0, err
	}
	if n, ok := numbers(value); ok && len(n) == 3 {
		return n[0], nil
	}
	return 0, fmt.Errorf("IC.GET %s: %v", key, value)
}

// slices are those that count. Parked ones don't.
func (c *client) slices(key string) (map[string]int64, error) {
	live := map[string]int64{}
	for cursor := "0"; ; {
		value, err := c.ask("IC.SLICES", key, cursor)
		if err != nil {
			return nil, err
		}
		pair, _ := value.([]any)
		if len(pair) != 2 {
			return nil, fmt.Errorf("IC.SLICES %s: %v", key, value)
		}
		list, _ := pair[1].([]any)
		for _, one := range list {
			fields, _ := one.([]any)
			if len(fields) != 4 {
				return nil, fmt.Errorf("IC.SLICES %s: %v", key, one)
			}
			n, ok := number(fields[1])
			if !ok {
				return nil, fmt.Errorf("IC.SLICES %s: %v", key, one)
			}
			if state := fmt.Sprintf("%s", fields[2]); state != "parked" && state != "gone" {
				live[fmt.Sprintf("%s", fields[0])] = n
			}
		}
		if cursor = fmt.Sprintf("%s", pair[0]); cursor == "0" {
			return live, nil
		}
	}
}

// status fills in what the node knows of itself.
func (c *client) status(look *history.Look) error {
	value, err := c.ask("TRUECOUNT", "STATUS")
	if err != nil {
		return err
	}
	text, _ := value.([]byte)
	var status struct {
		Term         uint64
		AppliedIndex uint64 `json:"applied_index"`
		Leader       *struct{ ID string }
	}
	if err := json.Unmarshal(text, &status); err != nil {
		return fmt.Errorf("TRUECOUNT STATUS: %w", err)
	}
	look.Term, look.Index = status.Term, status.AppliedIndex
	if status.Leader != nil {
		look.Leader = status.Leader.ID
	}
	return nil
}

// digest fills in the sum over all that the node holds, and the index that it stands for.
func (c *client) digest(look *history.Look) error {
	value, err := c.ask("TRUECOUNT", "DIGEST")
	if err != nil {
		return err
	}
	text, _ := value.([]byte)
	var digest struct {
		Index  uint64
		Digest string
	}
	if err := json.Unmarshal(text, &digest); err != nil {
		return fmt.Errorf("TRUECOUNT DIGEST: %w", err)
	}
	sum, err := strconv.ParseUint(digest.Digest, 16, 64)
	if err == nil {
		look.Index, look.Digest, look.At = digest.Index, sum, c.crowd.options.Clock()
	}
	return err
}

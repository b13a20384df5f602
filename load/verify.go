package load

import (
	"context"
	"fmt"
	"time"
)

const (
	readTime    = 30 * time.Second       // without success, until it is given up; a cluster may be about to elect
	readPause   = 100 * time.Millisecond // between two tries
	keysPerRead = 1000                   // in one MGET, or one DEL
)

// verify reads all keys, compares them with the tally, and removes them if all is well: nobody else knows them.
func (r *run) verify(ctx context.Context) *Verdict {
	values := make([]int64, r.keys.count)
	err := r.eachRange(ctx, func(l *link, first int, names []string) error { return readValues(l, names, values[first:]) })
	if err != nil {
		return &Verdict{Keys: len(values), Wrong: []string{}, Failure: fmt.Sprintf("the keys can't be read: %v", err)}
	}
	v := r.tally.compare(values, r.encoder.key)
	if v.OK() {
		v.Left = r.eachRange(ctx, func(l *link, _ int, names []string) error {
			_, err := l.ask(append([]string{"DEL"}, names...)...)
			return err
		}) != nil
	}
	return v
}

// eachRange calls use for all keys, so many at a time, and again at another node where that fails. It keeps to a connection
// that works; on none of them is a level set, so reads are strong.
func (r *run) eachRange(ctx context.Context, use func(l *link, first int, names []string) error) error {
	d := r.dialer
	d.level = nil
	var l *link
	defer func() {
		if l != nil {
			l.Close()
		}
	}()
	succeeded := r.clock()
	for first, try := 0, 0; first < int(r.keys.count); {
		err := error(nil)
		if l == nil {
			l, err = d.open(ctx, r.Nodes[try%len(r.Nodes)])
		}
		if err == nil {
			if err = use(l, first, r.names(first)); err == nil {
				first += keysPerRead
				succeeded = r.clock()
				continue
			}
			l.Close()
			l = nil
		}
		if r.clock()-succeeded > readTime {
			return inWords(r.Nodes[try%len(r.Nodes)], err)
		}
		try++
		time.Sleep(readPause)
	}
	return nil
}

// names are those of the keys from first on.
func (r *run) names(first int) []string {
	names := make([]string, min(keysPerRead, int(r.keys.count)-first))
	for i := range names {
		names[i] = r.encoder.key(uint32(first + i))
	}
	return names
}

// readValues reads the values of some keys; a key that is not there counts as 0.
func readValues(l *link, names []string, values []int64) error {
	head, err := l.ask(append([]string{"MGET"}, names...)...)
	if err != nil {
		return err
	}
	if head.kind != array || head.n != int64(len(names)) {
		return fmt.Errorf("MGET of %d keys answered %c%d: %w", len(names), head.kind, head.n, errNotRESP)
	}
	for i, name := range names {
		r, err := l.next()
		if err != nil {
			return err
		}
		n, ok := parseInt(r.text)
		switch {
		case r.kind == null:
			n = 0
		case r.kind != bulk || !ok:
			return fmt.Errorf("%s holds %q, which is no counter", name, r.text)
		}
		values[i] = n
	}
	return nil
}

package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/truecount/truecount/cluster"
	"github.com/truecount/truecount/fsm"
)

// troubled is a run of chaos whose replicas often start from images, their own and those of others. What its clients do is
// up to the test.
type troubled struct {
	run
	seed     uint64
	mu       sync.Mutex
	digests  map[uint64]uint64 // by index: of whichever replica was there first
	answered int
	failed   string // the first thing that must not be
}

const (
	troubledFor     = 7 * time.Second // of virtual time
	calm            = time.Second     // behind it, so that no run is all faults
	troubledClients = 6
	enoughAnswers   = 100 // a run with fewer proves nothing
)

// eachTrouble runs test for each seed on a fresh cluster. The test prepares what its clients need, lets them suffer, and looks at
// what is left.
func eachTrouble(t *testing.T, test func(r *troubled)) {
	eachSeed(t, func(t *testing.T, seed uint64) {
		c := New(t, seed)
		defer c.Stop()
		c.Net.Delay(50*time.Microsecond, 3*time.Millisecond)
		c.Snapshots = cluster.SnapshotPolicy{Entries: 60, Every: 200 * time.Millisecond, Trailing: 20}
		c.StartThree()
		r := &troubled{run: run{Cluster: c}, seed: seed, digests: map[uint64]uint64{}}
		t.Cleanup(func() {
			if t.Failed() {
				t.Logf("faults: %v\nrepeat: SEED=%d go test ./internal/sim -run '%s' -seeds 1 -count 20", r.faults, seed, t.Name())
			}
		})
		test(r)
	})
}

// suffer lets clients take one step after the other while faults come and go, and for a while after that. In the middle of it
// and at the end all nodes start anew, from images. All the while replicas of equal index must be equal.
func (r *troubled) suffer(step func(client int, rng *rand.Rand)) {
	r.amid(step, func() {
		r.end = time.Now().Add(troubledFor / 2)
		r.nemesis()
		r.note("all crash")
		r.RestartAll()
		r.compare()
		r.end = time.Now().Add(troubledFor / 2)
		r.nemesis()
		r.recuperate()
		r.Pass(calm)
	})
}

// amid lets clients take one step after the other for as long as what happens takes. At the end all nodes start anew. All the
// while replicas of equal index must be equal.
func (r *troubled) amid(step func(client int, rng *rand.Rand), happens func()) {
	over := make(chan struct{})
	end := sync.OnceFunc(func() { close(over) })
	defer end() // nobody may go on when the test has failed
	going := func() bool {
		select {
		case <-over:
			return false
		default:
			return !r.broken()
		}
	}
	var wg sync.WaitGroup
	for i := range troubledClients {
		rng := rand.New(rand.NewPCG(r.seed, uint64(100+i)))
		wg.Go(func() {
			for going() {
				step(i, rng)
				r.Pass(time.Duration(rng.IntN(20)) * time.Millisecond)
			}
		})
	}
	wg.Go(func() {
		for going() {
			r.compare()
			r.Pass(50 * time.Millisecond)
		}
	})
	happens()
	end()
	wg.Wait()
	if r.failed != "" {
		r.T.FailNow()
	}
	r.settle()
	r.RestartAll()
	r.compare()
	r.settle()
	r.compare()
	if images := r.imagesRead(); images == 0 || r.answered < enoughAnswers {
		r.T.Errorf("%d images were read and %d groups answered: such a run proves nothing", images, r.answered)
	}
}

// compare fails the test if a replica is not what another was at the same index.
func (r *troubled) compare() {
	for _, name := range hosts {
		node := r.Node(name)
		if node == nil {
			continue
		}
		digest, index := node.Digest()
		r.mu.Lock()
		known, ok := r.digests[index]
		r.digests[index] = digest
		r.mu.Unlock()
		if ok && known != digest {
			r.fail("%s is %x at index %d, another replica was %x", name, digest, index, known)
		}
	}
}

// imagesRead counts images that were restored, or sent to another node.
func (c *Cluster) imagesRead() (times int) {
	for _, h := range c.allHosts() {
		times += c.imagesReadAt(h.Name)
	}
	return times
}

func (c *Cluster) imagesReadAt(name string) (times int) {
	d := c.disk(name)
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.opened
}

// fail is Errorf once, and ends the clients. Any goroutine may call it.
func (r *troubled) fail(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.failed == "" {
		r.failed = fmt.Sprintf(format, args...)
		r.T.Error(r.failed)
	}
}

func (r *troubled) broken() bool { r.mu.Lock(); defer r.mu.Unlock(); return r.failed != "" }

// group is DoIf at a host of the client's choice. ok is false if it was not carried out, or nobody knows.
func (r *troubled) group(rng *rand.Rand, level fsm.Level, conditions []fsm.Condition, ops ...fsm.Op) (a Answer, ok bool) {
	a = r.DoIf(hosts[rng.IntN(len(hosts))], level, conditions, ops...)
	if a.Err != nil {
		return a, false
	}
	r.mu.Lock()
	r.answered++
	r.mu.Unlock()
	if a.aborted() != slices.ContainsFunc(a.Results, func(r fsm.Result) bool { return r.Code == fsm.Aborted }) || len(a.Results) != len(ops) {
		r.fail("a group that is aborted in part: %v", a.Results)
	}
	return a, !a.aborted()
}

// must is a group that nothing may stop.
func (r *troubled) must(ops ...fsm.Op) (a Answer) {
	r.T.Helper()
	r.WaitFor("an answer", 10*time.Second, func() bool {
		a = r.Do("n1", fsm.Strong, ops...)
		return a.Err == nil
	})
	return a
}

// values reads keys strongly, in groups.
func (r *troubled) values(keys ...string) (values []fsm.Value) {
	r.T.Helper()
	for some := range slices.Chunk(keys, 500) {
		for _, result := range r.must(gets(some...)...).Results {
			values = append(values, result.Value)
		}
	}
	return values
}

// aborted reports whether a condition did not hold.
func (a Answer) aborted() bool { return a.Err == nil && a.Results[0].Code == fsm.Aborted }

// int is the integer that the Op number i answered.
func (a Answer) int(i int) int64 { return a.Results[i].Value.Int }

func gets(keys ...string) (ops []fsm.Op) {
	for _, key := range keys {
		ops = append(ops, op(fsm.Get, key, 0))
	}
	return ops
}

// set stores text, for a time if millis is positive.
func set(key, text string, millis int64) fsm.Op {
	o := fsm.Op{Kind: fsm.Set, Key: []byte(key), Value: fsm.ParseValue([]byte(text))}
	if millis > 0 {
		o.Expiry = fsm.Expiry{Mode: fsm.After, Millis: millis}
	}
	return o
}

// move is a Rename or a Copy.
func move(kind fsm.Kind, from, to string, flags fsm.Flags) fsm.Op {
	return fsm.Op{Kind: kind, Key: []byte(from), Value: fsm.ParseValue([]byte(to)), Flags: flags}
}

// missing are the conditions that nothing is at keys.
func missing(keys ...string) (conditions []fsm.Condition) {
	for _, key := range keys {
		conditions = append(conditions, fsm.Condition{Key: []byte(key), Missing: true})
	}
	return conditions
}

// unchanged are the conditions that keys are as they were at a log index.
func unchanged(since int64, keys ...string) (conditions []fsm.Condition) {
	for _, key := range keys {
		conditions = append(conditions, fsm.Condition{Key: []byte(key), Index: uint64(since)})
	}
	return conditions
}

// text is a Value as a client reads it.
func text(v fsm.Value) string { return string(v.AppendText(nil)) }

package sim

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/truecount/truecount/cluster"
	"github.com/truecount/truecount/fsm"
	"github.com/truecount/truecount/internal/history"
)

// seeds is how many runs of chaos each test makes; make chaos asks for more.
var seeds = flag.Int("seeds", usualSeeds, "runs of each chaos test, each with its own seed")

// firstSeed is where a repeated run begins.
func firstSeed() uint64 {
	n, err := strconv.ParseUint(os.Getenv("SEED"), 10, 64)
	if err != nil {
		return 1
	}
	return n
}

func TestHistoriesAreLinearizableUnderChaos(t *testing.T) {
	eachSeed(t, func(t *testing.T, seed uint64) { chaos(t, seed, 20*time.Second) })
}

// eachSeed runs test once for each seed, in virtual time.
func eachSeed(t *testing.T, test func(t *testing.T, seed uint64)) {
	for seed := firstSeed(); seed < firstSeed()+uint64(*seeds); seed++ {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { test(t, seed) })
		})
	}
}

// chaos lets clients count while faults come and go, then checks what they saw: linearizability of every key, that a
// healed cluster answers, and that all replicas hold the same.
func chaos(t *testing.T, seed uint64, length time.Duration) {
	c := New(t, seed)
	defer c.Stop()
	c.Net.Delay(50*time.Microsecond, 3*time.Millisecond)
	c.Snapshots = cluster.SnapshotPolicy{Entries: 200, Every: time.Second}
	c.StartThree()
	run := &run{Cluster: c, end: time.Now().Add(length)}
	var wg sync.WaitGroup
	for i := range 6 {
		rng := rand.New(rand.NewPCG(seed, uint64(100+i)))
		wg.Go(func() { run.client(i, rng) })
	}
	run.nemesis()
	run.heal() // clients go on for calmEnd, so that no run is all faults
	wg.Wait()
	run.settle()
	if err := run.recorder.Check(0); err != nil {
		t.Fatalf("%v\nfaults: %v\nrepeat: SEED=%d go test ./internal/sim -run Chaos -seeds 1 -count 20", err, run.faults, seed)
	}
	acked, failed := 0, 0
	for _, op := range run.recorder.Ops() {
		if op.Outcome == history.Done {
			acked++
		} else {
			failed++
		}
	}
	t.Logf("%d answered, %d not; faults: %v", acked, failed, run.faults)
	if acked < 500 {
		t.Errorf("only %d operations were answered: such a run proves nothing", acked)
	}
}

type run struct {
	*Cluster
	recorder history.Recorder
	end      time.Time
	faults   []string
}

var hosts = []string{"n1", "n2", "n3"}

// calmEnd is how long clients go on behind the last fault.
const calmEnd = 3 * time.Second

// client works at one node after the other. Counters that only see +1 and reads are checked exactly; those that are set
// and deleted as well are retired early, for their check is a search.
func (r *run) client(id int, rng *rand.Rand) {
	for n := 0; time.Now().Before(r.end.Add(calmEnd)); n++ {
		host := hosts[rng.IntN(3)]
		counter := fmt.Sprintf("counter-%d", rng.IntN(3))
		client := fmt.Sprintf("client-%d", id)
		mixed := fmt.Sprintf("mixed-%d-%d", rng.IntN(2), time.Until(r.end)/(500*time.Millisecond))
		switch rng.IntN(13) {
		case 10: // the total of an instance counter, none of whose instances is silent for as long as its lease
			r.record(r.recorder.Get(id, "open"), totalOf(r.Do(host, fsm.Strong, instanceOp(fsm.ICGet, "open", client, 0))))
		case 11, 12:
			r.record(r.recorder.Incr(id, "open", 1), totalOf(r.Do(host, fsm.Strong, instanceOp(fsm.ICAdd, "open", client, 1))))
		case 0, 1, 2:
			r.record(r.recorder.Get(id, counter), r.Do(host, fsm.Strong, op(fsm.Get, counter, 0)))
		case 3:
			r.record(r.recorder.Get(id, mixed), r.Do(host, fsm.Strong, op(fsm.Get, mixed, 0)))
		case 4:
			by := int64(rng.IntN(9) - 4)
			r.record(r.recorder.Incr(id, mixed, by), r.Do(host, fsm.Strong, op(fsm.Incr, mixed, by)))
		case 5:
			value := int64(rng.IntN(100))
			r.recordSet(r.recorder.Set(id, mixed, value), r.Do(host, fsm.Strong,
				fsm.Op{Kind: fsm.Set, Key: []byte(mixed), Value: fsm.IntValue(value)}))
		case 6:
			r.record(r.recorder.Del(id, mixed), r.Do(host, fsm.Strong, op(fsm.Delete, mixed, 0)))
		default:
			r.record(r.recorder.Incr(id, counter, 1), r.Do(host, fsm.Strong, op(fsm.Incr, counter, 1)))
		}
		time.Sleep(time.Duration(rng.IntN(40)) * time.Millisecond)
	}
}

func op(kind fsm.Kind, key string, amount int64) fsm.Op {
	return fsm.Op{Kind: kind, Key: []byte(key), Amount: amount}
}

func (r *run) record(call *history.Call, a Answer) {
	switch {
	case errors.Is(a.Err, fsm.ErrUnknown):
		call.Unknown()
	case a.Err != nil:
		call.NotApplied()
	case a.Results[0].Value.Kind == fsm.Nil:
		call.Done(history.Nil())
	default:
		call.Done(history.Int(a.Results[0].Value.Int))
	}
}

// totalOf is an answer about an instance counter as if it were about a plain one, which is missing while nobody counts.
func totalOf(a Answer) Answer {
	if a.Err == nil {
		total := ints(a.Results[0].Value)[0]
		if a.Results[0].Value = fsm.IntValue(total); total == 0 {
			a.Results[0].Value = fsm.Value{}
		}
	}
	return a
}

func (r *run) recordSet(call *history.Call, a Answer) {
	if a.Err == nil {
		a.Results[0].Value = fsm.Value{}
	}
	r.record(call, a)
}

// nemesis makes faults until the end: one at a time, most of them healed before the next.
func (r *run) nemesis() {
	down := ""
	for time.Now().Before(r.end) {
		host := hosts[r.Rand.IntN(3)]
		if leader := r.Leader(); leader != "" && r.Rand.IntN(2) == 0 {
			host = leader
		}
		other := hosts[r.Rand.IntN(3)]
		switch fault := r.Rand.IntN(8); {
		case fault == 0 && down == "":
			r.note("crash " + host)
			r.Crash(host)
			down = host
		case fault == 1:
			r.note("isolate " + host)
			r.Net.Isolate(host)
		case fault == 2 && host != other:
			r.note("cut " + host + other)
			r.Net.Cut(host, other)
		case fault == 3 && host != other:
			r.note("one way " + host + other)
			r.Net.CutOneWay(host, other)
		case fault == 4 && down == "":
			r.note("all crash")
			r.RestartAll()
		case fault == 5 && down != host:
			r.note("skew " + host)
			r.Skew(host, time.Duration(r.Rand.IntN(7200)-3600)*time.Second)
		case fault == 6:
			r.note("slow " + host)
			r.Slow(host, time.Duration(1+r.Rand.IntN(30))*time.Millisecond)
		default:
			r.note("heal")
			r.heal()
		}
		time.Sleep(time.Duration(50+r.Rand.IntN(1200)) * time.Millisecond)
		if down != "" && r.Rand.IntN(2) == 0 {
			r.note("restart " + down)
			r.Restart(down)
			down = ""
		}
	}
	if down != "" {
		r.Restart(down)
	}
}

func (r *run) note(fault string) { r.faults = append(r.faults, fault) }

func (r *run) heal() {
	r.Net.Heal()
	for _, name := range hosts {
		r.Slow(name, r.Latency)
	}
}

// recuperate heals everything and waits until every node answers.
func (r *run) recuperate() {
	r.heal()
	for _, name := range hosts {
		r.WaitFor("strong read at "+name, 10*time.Second, func() bool {
			_, err := r.Get(name, "counter-0")
			return err == nil
		})
	}
}

// settle heals everything and waits until every node answers and all replicas are alike.
func (r *run) settle() {
	r.recuperate()
	r.WaitFor("equal replicas", 10*time.Second, func() bool {
		first, i1 := r.Node("n1").Digest()
		second, i2 := r.Node("n2").Digest()
		third, i3 := r.Node("n3").Digest()
		if i1 == i2 && first != second || i2 == i3 && second != third {
			r.T.Fatalf("replicas differ: %x at %d, %x at %d, %x at %d", first, i1, second, i2, third, i3)
		}
		return i1 == i2 && i2 == i3
	})
}

//go:build e2e

package e2e

import (
	"flag"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/truecount/truecount/internal/disk"
)

var (
	powerCuts = flag.Int("cuts", 8, "power cuts for each kind of log; make powercuts makes more of them")
	powerSeed = flag.Uint64("seed", 1, "which nodes lose their power, and when")
)

const mostBeforeACut = 1500 // increments acknowledged between two power cuts

// Power goes at any moment: of one node, of a majority, of all. What was acknowledged is there when it comes back.
func TestPowerCutsLoseNothing(t *testing.T) {
	long(t)
	for _, store := range []string{"wal", "bolt"} {
		t.Run(store, func(t *testing.T) {
			c, disks := onDisks(t, 3, "--log-store", store, "--snapshot-bytes", "64KiB", "--log-level", "error")
			run := &outage{cluster: c, disks: disks, rng: rand.New(rand.NewPCG(*powerSeed, uint64(len(store)))),
				values: map[string]map[int64]bool{}, lost: map[string]int64{}}
			for n := range *powerCuts {
				if run.once(t); t.Failed() {
					t.Fatalf("at power cut %d, seed %d", n+1, *powerSeed)
				}
			}
			t.Logf("power cuts in a row: %d, of one node %d, of two %d, of all %d, and %d more while a node started; acknowledged %d, unknown %d",
				*powerCuts, run.of[1], run.of[2], run.of[3], run.starting, run.acked, run.unknown)
			t.Logf("from the restart to a whole cluster: median %v, longest %v", median(run.back), slices.Max(run.back))
			if *powerCuts >= 8 && run.acked < int64(*powerCuts)*mostBeforeACut/8 {
				t.Errorf("%d acknowledged increments: too few to prove anything", run.acked)
			}
		})
	}
}

// outage is a cluster that loses its power again and again, and what its clients were told.
type outage struct {
	cluster  cluster
	disks    map[*process]*disk.Disk
	rng      *rand.Rand
	values   map[string]map[int64]bool // acknowledged, by key
	lost     map[string]int64          // without an answer, by key
	of       [4]int                    // power cuts by the number of nodes
	starting int
	back     []time.Duration
	acked    int64
	unknown  int64
}

// once counts, cuts the power of some nodes, and compares when all are back.
func (o *outage) once(t *testing.T) {
	t.Helper()
	victims := o.draw()
	l := startLoad(t, "hits", 3, o.cluster...)
	l.waitAcked(t, 1+o.rng.Int64N(mostBeforeACut))
	o.cut(t, victims)
	if len(victims) == 1 {
		l.waitAcked(t, 1) // by the majority that lives
	}
	l.end()
	began := time.Now()
	o.start(t, victims)
	if o.rng.IntN(4) == 0 { // and once more, at any moment of the start
		waitUntil(t, time.Now().Add(time.Duration(o.rng.IntN(400))*time.Millisecond))
		o.starting++
		o.cut(t, victims)
		o.start(t, victims)
	}
	o.cluster.waitWhole(t)
	o.back = append(o.back, time.Since(began).Round(time.Millisecond))
	o.remember(t, l)
	o.compare(t)
}

func (o *outage) draw() cluster {
	some := slices.Clone(o.cluster)
	o.rng.Shuffle(len(some), func(i, j int) { some[i], some[j] = some[j], some[i] })
	n := []int{1, 1, 2, 3}[o.rng.IntN(4)]
	o.of[n]++
	return some[:n]
}

// cut takes the power of all of them at one moment: no thread moves any more when the disks forget.
func (o *outage) cut(t *testing.T, victims cluster) {
	t.Helper()
	for _, p := range victims {
		if err := disk.Halt(p.cmd.Process.Pid); err != nil {
			t.Fatalf("%s: %v\n%s", p.name, err, p.output)
		}
	}
	for _, p := range victims {
		must(t, o.disks[p].CutPower())
	}
	for _, p := range victims {
		p.kill(t)
		must(t, o.disks[p].Remount())
	}
}

func (o *outage) start(t *testing.T, victims cluster) {
	t.Helper()
	for _, p := range victims {
		p.start(t)
	}
}

// remember adds what a load was told. A value that was handed out before a power cut must not be handed out again.
func (o *outage) remember(t *testing.T, l *load) {
	t.Helper()
	for _, client := range l.clients {
		for _, r := range client.replies {
			key := l.keys[r.key]
			if o.values[key] == nil {
				o.values[key] = map[int64]bool{}
			}
			if o.values[key][r.value] {
				t.Errorf("%s: the value %d was handed out twice", key, r.value)
			}
			o.values[key][r.value] = true
			o.acked++
		}
		if client.err != nil && !refused(client.err) {
			o.lost[client.key]++
			o.unknown++
		}
	}
}

// refused is whether an error promises that nothing was done.
func refused(err error) bool { return strings.HasPrefix(err.Error(), "CLUSTERDOWN ") }

// compare wants every node to have what was acknowledged, and no more than what is unknown besides. A machine that is busy with
// other things may elect once more: then it asks again.
func (o *outage) compare(t *testing.T) {
	t.Helper()
	for key, values := range o.values {
		for _, p := range o.cluster {
			var got int64
			eventually(t, p.name+" answers", func() error {
				conn, err := p.dial()
				if err != nil {
					return err
				}
				defer conn.Close()
				got, err = redis.Int64(conn.Do("GET", key))
				return err
			})
			if acked := int64(len(values)); got < acked || got > acked+o.lost[key] {
				t.Errorf("GET %s at %s: %d; %d were acknowledged and %d have no answer", key, p.name, got, acked, o.lost[key])
			}
		}
	}
}

func median(times []time.Duration) time.Duration {
	return slices.Sorted(slices.Values(times))[len(times)/2]
}

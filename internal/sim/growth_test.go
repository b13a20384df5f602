package sim

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/truecount/truecount/cluster"
)

// One member becomes three, five, and three again, the first leader removed, on slow links of which some fall silent in one
// direction for a while. Clients of nodes that stay, and that can reach the others, must see no error.
func TestClientsNoticeNoChangeOfMembers(t *testing.T) {
	for seed := firstSeed(); seed < firstSeed()+uint64(*seeds); seed++ {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { growth(t, seed) })
		})
	}
}

func growth(t *testing.T, seed uint64) {
	c := New(t, seed)
	defer c.Stop()
	c.Snapshots = cluster.SnapshotPolicy{Entries: 50, Every: 300 * time.Millisecond, Trailing: 150}
	c.Net.Delay(0, 12*time.Millisecond)
	c.startAlone("n1")
	load := c.startCounting(4, "n1")
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		c.hush(rand.New(rand.NewPCG(seed, 400)), []string{"n3", "n4", "n5"}, stop)
	}()
	voters := "n1"
	for _, name := range []string{"n2", "n3", "n4", "n5"} {
		c.Start(name, false)
		c.Join(name, "n1")
		voters += " " + name
		c.waitVoters("n1", voters)
		if name == "n2" {
			load.use("n1", "n2")
		}
	}
	load.use("n2")
	time.Sleep(200 * time.Millisecond) // so that nobody waits for n1
	if c.Leader() != "n1" {
		if err := c.transfer("n2", "n1"); err != nil {
			t.Errorf("transfer: %v", err)
		}
	}
	if err := c.remove("n2", "n1"); err != nil {
		t.Errorf("removal of the leader: %v", err)
	}
	c.waitVoters("n2", "n2 n3 n4 n5")
	if err := c.change("n4", (*cluster.Node).Leave); err != nil {
		t.Errorf("leave: %v", err)
	}
	c.waitVoters("n2", "n2 n3 n5")
	close(stop)
	<-stopped
	load.want()
}

// hush cuts one direction after the other between these hosts, each for a moment.
func (c *Cluster) hush(rng *rand.Rand, hosts []string, stop <-chan struct{}) {
	for {
		from, to := hosts[rng.IntN(len(hosts))], hosts[rng.IntN(len(hosts))]
		c.Net.CutOneWay(from, to)
		time.Sleep(time.Duration(50+rng.IntN(350)) * time.Millisecond)
		c.Net.Heal()
		select {
		case <-stop:
			return
		case <-time.After(time.Duration(rng.IntN(200)) * time.Millisecond):
		}
	}
}

package sim

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/truecount/truecount/cluster"
)

// images are the log indexes of the images on a host's disk, oldest first.
func (c *Cluster) images(name string) (indexes []uint64) {
	c.mu.Lock()
	d := c.hosts[name].disk
	c.mu.Unlock()
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, im := range d.snapshots {
		indexes = append(indexes, im.meta.Index)
	}
	return indexes
}

func (c *Cluster) count(node string, times int) {
	c.T.Helper()
	for range times {
		if _, err := c.Incr(node, "hits", 1); err != nil {
			c.T.Fatal(err)
		}
	}
}

func TestWhatAStartAppliesAgainCountsTowardsTheNextImage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(t, 20)
		defer c.Stop()
		c.Snapshots = cluster.SnapshotPolicy{Entries: 100, Every: 100 * time.Millisecond}
		c.Start("n1", true)
		c.WaitFor("a leader", 5*time.Second, func() bool { return c.Leader() == "n1" })
		for range 6 { // a life is too short for an image
			c.count("n1", 15)
			time.Sleep(time.Second)
			if got := c.images("n1"); len(got) > 0 {
				t.Fatalf("images at %v, below the bound", got)
			}
			c.Crash("n1")
			c.Restart("n1")
			c.WaitFor("a leader", 5*time.Second, func() bool { return c.Leader() == "n1" })
		}
		c.count("n1", 15)
		c.WaitFor("an image", time.Second, func() bool { return len(c.images("n1")) > 0 })
	})
}

func TestMembersWriteTheirImagesOneAfterTheOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(t, 21)
		defer c.Stop()
		c.Snapshots = cluster.SnapshotPolicy{Entries: 300, Every: 10 * time.Millisecond}
		c.StartThree()
		var first []uint64
		for len(first) < len(hosts) {
			c.count("n1", 10)
			time.Sleep(50 * time.Millisecond)
			first = first[:0]
			for _, name := range hosts {
				if images := c.images(name); len(images) > 0 {
					first = append(first, images[0])
				}
			}
		}
		if !slices.IsSorted(first) || first[0] < 300 || first[1] < first[0]+40 || first[2] < first[1]+40 || first[2] > 450 {
			t.Errorf("first images at %v, want about 300, 350 and 400", first)
		}
	})
}

package sim

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/truecount/truecount/cluster"
)

// A member has an image and the first entries behind it, and its answer to these is lost: all that it is sent again begins where its
// image ends, of which its log knows nothing.
func TestAMemberWhoseFirstAnswerBehindAnImageIsLostIsSentTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(t, 79)
		defer c.Stop()
		_ = c.Net.Delay(time.Millisecond, time.Millisecond)
		c.Snapshots = cluster.SnapshotPolicy{Entries: 50, Every: 100 * time.Millisecond, Trailing: 10}
		c.startAlone("n1")
		c.count("n1", 60)
		c.WaitFor("an image", time.Second, func() bool { return len(c.images("n1")) > 0 })
		c.count("n1", 5) // behind it
		c.StartNonvoter("n2")
		c.Join("n2", "n1")
		log := func() (first, last uint64) {
			first, _ = c.disk("n2").FirstIndex()
			last, _ = c.disk("n2").LastIndex()
			return first, last
		}
		for end := time.Now().Add(time.Second); time.Now().Before(end); time.Sleep(100 * time.Microsecond) {
			if _, last := log(); last > 0 {
				break
			}
		}
		c.Net.CutOneWay("n2", "n1")
		if first, last := log(); first < 2 || last-first > 30 {
			t.Fatalf("the log of n2 goes from %d to %d: that proves nothing", first, last)
		}
		time.Sleep(6 * time.Second) // until raft waits no more
		c.Net.Heal()
		c.count("n1", 4)
		want := c.Node("n1").Local().CommitIndex
		c.WaitFor("n2 has it all", returnTime, func() bool { return c.Node("n2").Local().AppliedIndex >= want })
	})
}

package sim

import (
	"testing"
	"testing/synctest"
	"time"
)

// Who forgets in a crash that it has voted may vote twice in one term, and then two lead in it. So whenever somebody leads, terms
// and votes of a majority are on disk.
func TestALeadersVotesAreOnDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(t, 61)
		defer c.Stop()
		c.StartThree()
		for range 3 {
			old := c.Leader()
			c.Crash(old)
			c.WaitFor("another leader", 5*time.Second, func() bool { return c.Leader() != "" })
			leader := c.Leader()
			term, votes := c.Node(leader).Local().Term, 0
			for _, name := range c.Names() {
				d := c.disk(name)
				d.mu.Lock()
				if d.numbers["CurrentTerm"] == term && d.numbers["LastVoteTerm"] == term && len(d.stable["LastVoteCand"]) > 0 {
					votes++
				}
				d.mu.Unlock()
			}
			if votes < 2 {
				t.Errorf("%s leads term %d, and %d votes of three are on disk", leader, term, votes)
			}
			c.Restart(old)
			c.WaitFor("its answer", 5*time.Second, func() bool { _, err := c.Get(old, "hits"); return err == nil })
		}
	})
}

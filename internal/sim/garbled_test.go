package sim

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/truecount/truecount/fsm"
	"github.com/truecount/truecount/internal/memnet"
)

// Every way between two nodes flips bits now and then, past TCP's own sum, while all nodes count. A bit of a Batch, of Results or of a
// read's index would be another amount, the same on all replicas, and nobody would ever see it.
func TestNoBitThatIsFlippedBetweenNodesIsCounted(t *testing.T) {
	eachSeed(t, func(t *testing.T, seed uint64) {
		c := New(t, seed)
		defer c.Stop()
		_ = c.Net.Delay(50*time.Microsecond, 3*time.Millisecond)
		c.StartThree()
		for _, l := range both(hosts, hosts) {
			if err := c.Net.Shape(l.from, l.to, memnet.Link{Corrupt: 0.03}); err != nil {
				t.Fatal(err)
			}
		}
		var mu sync.Mutex
		var acked, unknown, wrong int64
		var clients sync.WaitGroup
		for _, host := range hosts {
			clients.Go(func() {
				for last := int64(0); ; {
					mu.Lock()
					enough := acked >= 300
					mu.Unlock()
					if enough {
						return
					}
					got, err := c.Incr(host, "hits", 1)
					mu.Lock()
					switch {
					case err == nil && got <= last:
						wrong++
					case err == nil:
						acked, last = acked+1, got
					case errors.Is(err, fsm.ErrUnknown):
						unknown++
					}
					mu.Unlock()
				}
			})
		}
		clients.Wait()
		c.Net.Heal()
		refused := c.Node("n1").Damaged() + c.Node("n2").Damaged() + c.Node("n3").Damaged()
		var value int64
		c.WaitFor("calm", 20*time.Second, func() (ok bool) {
			got, err := c.Get("n1", "hits")
			value = got
			return err == nil
		})
		flipped := c.Net.Counts("", "").Corrupted
		t.Logf("%d acknowledged, %d unknown, %d there; %d bits were flipped, %d records refused", acked, unknown, value, flipped, refused)
		if flipped < 20 || refused == 0 || uint64(flipped) < refused {
			t.Errorf("%d bits were flipped and %d records refused: this proves nothing", flipped, refused)
		}
		if value < acked || value > acked+unknown || wrong > 0 {
			t.Errorf("%d is there, %d were acknowledged and %d are unknown; %d answers went back", value, acked, unknown, wrong)
		}
	})
}

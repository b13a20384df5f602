package sim

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/truecount/truecount/cluster"
	"github.com/truecount/truecount/fsm"
)

// quick is a policy under which images are written often, and who was away for a moment is sent one.
var quick = cluster.SnapshotPolicy{Entries: 30, Every: 20 * time.Millisecond, Trailing: 5}

// The image is written between the watch and its EXEC, and the replica that the client goes on with is made from it: at once
// it must be what the others were at the image's index, and abort what they would abort.
func TestAReplicaFromAnImageInTheMiddleOfAWatchIsAlike(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(t, 32)
		defer c.Stop()
		c.Snapshots = quick
		c.StartThree()
		digests := map[uint64]uint64{}
		write := func(ops ...fsm.Op) Answer {
			a := c.Do("n1", fsm.Strong, ops...)
			if a.Err != nil {
				t.Fatal(a.Err)
			}
			digest, index := c.Node("n1").Digest()
			digests[index] = digest
			return a
		}
		compared, needless := 0, 0
		for i := range 60 {
			changed, same, ended := fmt.Sprintf("changed-%d", i), fmt.Sprintf("same-%d", i), fmt.Sprintf("ended-%d", i)
			write(set(changed, "1", 0), set(same, "2", 0), set(ended, "3", 20))
			read := c.Do("n3", fsm.Strong, fsm.Op{Kind: fsm.Version})
			if read.Err != nil {
				t.Fatal(read.Err)
			}
			write(op(fsm.Incr, changed, 0))
			for j := range 20 {
				time.Sleep(2 * time.Millisecond)
				write(op(fsm.Incr, fmt.Sprintf("other-%d", j), 1))
			}
			c.Crash("n3")
			c.Restart("n3")
			if digest, index := c.Node("n3").Digest(); digests[index] != 0 {
				compared++
				if digests[index] != digest {
					t.Fatalf("n3 began with %x at index %d, n1 was %x", digest, index, digests[index])
				}
			}
			for key, aborts := range map[string]bool{changed: true, ended: true, same: false} {
				c.WaitFor("an answer", 5*time.Second, func() bool {
					a := c.DoIf("n3", fsm.Strong, unchanged(read.int(0), key), op(fsm.Exists, key, 0))
					switch {
					case a.Err != nil:
						return false
					case aborts && !a.aborted():
						t.Fatalf("what depends on %s is not aborted", key)
					case a.aborted() && !aborts:
						needless++
					}
					return true
				})
			}
		}
		if compared < 20 || needless > 3 { // a key that shares its bucket with others, one of 65,536, is aborted for them
			t.Errorf("n3 was compared %d times, and aborted %d groups for nothing", compared, needless)
		}
	})
}

func TestWhoObservesANodeThatIsSentAnImageGoesOnHearing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(t, 33)
		defer c.Stop()
		c.Snapshots = quick
		c.StartThree()
		var mu sync.Mutex
		var heard []string
		c.Node("n3").Observe(func(e fsm.Event) {
			mu.Lock()
			defer mu.Unlock()
			heard = append(heard, e.Name+" "+string(e.Key))
		})
		c.count("n1", 1)
		for range 3 {
			before := c.imagesReadAt("n3")
			c.Net.Isolate("n3")
			c.WaitFor("a leader besides n3", 5*time.Second, func() bool { _, err := c.Get("n1", "hits"); return err == nil })
			c.count("n1", 100)
			time.Sleep(time.Second) // images are written
			c.count("n1", 100)
			c.Net.Heal()
			c.WaitFor("an image at n3", 10*time.Second, func() bool { return c.imagesReadAt("n3") > before })
			c.WaitFor("n3", 10*time.Second, func() bool { _, err := c.Get("n3", "hits"); return err == nil })
			mu.Lock()
			heard = nil
			mu.Unlock()
			if a := c.Do("n3", fsm.Strong, set("told", "1", 20)); a.Err != nil {
				t.Fatal(a.Err)
			}
			c.WaitFor("the end of the key", 5*time.Second, func() bool { return !c.exists("n3", "told") })
			mu.Lock()
			if want := []string{"set told", "expire told", "expired told"}; !slices.Equal(heard, want) {
				t.Fatalf("behind an image n3 heard %q, want %q", heard, want)
			}
			mu.Unlock()
		}
	})
}

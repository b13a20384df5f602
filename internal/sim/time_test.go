package sim

import (
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/truecount/truecount/fsm"
)

// set stores a value that ends after the given time.
func (c *Cluster) set(name, key string, after time.Duration) {
	c.T.Helper()
	a := c.Do(name, fsm.Strong, fsm.Op{Kind: fsm.Set, Key: []byte(key), Value: fsm.IntValue(1),
		Expiry: fsm.Expiry{Mode: fsm.After, Millis: after.Milliseconds()}})
	if a.Err != nil {
		c.T.Fatal(a.Err)
	}
}

func (c *Cluster) exists(name, key string) bool {
	c.T.Helper()
	a := c.Do(name, fsm.Strong, op(fsm.Exists, key, 0))
	if a.Err != nil {
		c.T.Fatal(a.Err)
	}
	return a.Results[0].Value.Int == 1
}

func TestKeysEndOnTimeEverywhereTouchedOrNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(t, 7)
		defer c.Stop()
		c.StartThree()
		for range 20 {
			c.set("n2", "lock", 300*time.Millisecond)
			time.Sleep(280 * time.Millisecond)
			if !c.exists("n3", "lock") {
				t.Fatal("the key ended early")
			}
			time.Sleep(25 * time.Millisecond)
			for _, name := range hosts { // once one node has said that it is gone, it is gone
				if c.exists(name, "lock") {
					t.Fatalf("%s still shows the key", name)
				}
			}
		}
		c.set("n1", "untouched", 300*time.Millisecond)
		time.Sleep(450 * time.Millisecond)
		for _, name := range hosts {
			if keys := c.Node(name).Local().Keys; keys != 0 {
				t.Errorf("%s counts %d keys after all have ended", name, keys)
			}
		}
	})
}

func TestThousandsOfKeysThatEndTogetherAreGoneSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(t, 11)
		defer c.Stop()
		c.StartThree()
		var ops []fsm.Op
		for i := range 4000 {
			ops = append(ops, fsm.Op{Kind: fsm.Set, Key: []byte(strconv.Itoa(i)), Value: fsm.IntValue(1),
				Expiry: fsm.Expiry{Mode: fsm.After, Millis: 1000}})
		}
		if a := c.Do("n2", fsm.Strong, ops...); a.Err != nil {
			t.Fatal(a.Err)
		}
		time.Sleep(1150 * time.Millisecond)
		for _, name := range hosts {
			if keys := c.Node(name).Local().Keys; keys != 0 {
				t.Errorf("%s still counts %d of 4,000 keys", name, keys)
			}
		}
	})
}

func TestTimeGoesOnWhenTheLeaderChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(t, 8)
		defer c.Stop()
		c.StartThree()
		c.set("n1", "lease", 20*time.Second)
		for _, name := range hosts {
			c.Skew(name, time.Hour) // nobody asks for the wall clock while one of them knows the time
		}
		from := time.Now()
		for time.Since(from) < 19*time.Second {
			leader := c.Leader()
			c.Crash(leader)
			time.Sleep(time.Second)
			c.Restart(leader)
			time.Sleep(time.Second)
			for _, name := range hosts {
				c.WaitFor("read at "+name, 5*time.Second, func() bool { _, err := c.Get(name, "lease"); return err == nil })
			}
			if time.Since(from) < 19*time.Second && !c.exists(leader, "lease") {
				t.Fatalf("the lease ended after %v", time.Since(from))
			}
		}
		time.Sleep(5 * time.Second)
		if c.exists("n1", "lease") {
			t.Errorf("the lease goes on after %v", time.Since(from))
		}
	})
}

func TestOneBadClockDoesNotDecideARestartOfAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(t, 9)
		defer c.Stop()
		c.StartThree()
		c.set("n1", "lease", time.Minute)
		for _, name := range hosts {
			c.Crash(name)
		}
		time.Sleep(30 * time.Second) // an outage counts: this is what the clocks on the wall say
		c.Skew("n1", 24*time.Hour)
		for _, name := range hosts {
			c.Restart(name)
		}
		c.WaitFor("a leader", 5*time.Second, func() bool { _, err := c.Get("n2", "lease"); return err == nil })
		if !c.exists("n2", "lease") {
			t.Fatal("a clock that is a day ahead ended the key")
		}
		time.Sleep(40 * time.Second)
		if c.exists("n3", "lease") {
			t.Error("the key outlives its minute")
		}
	})
}

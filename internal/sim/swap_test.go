package sim

import (
	"testing"
	"testing/synctest"
	"time"
)

// Containers that all start anew may get each other's addresses. Then a member is asked in the name of another one, and may
// even ask itself.
func TestAMemberAtTheAddressOfAnotherIsNoMajority(t *testing.T) {
	skipUnderRaceDetector(t)
	synctest.Test(t, func(t *testing.T) {
		c := New(t, 1)
		defer c.Stop()
		c.StartThree()
		if _, err := c.Incr("n1", "hits", 5); err != nil {
			t.Fatal(err)
		}
		for _, name := range hosts {
			c.Crash(name)
		}
		c.Swap("n1", "n2")
		c.Restart("n1")
		term := c.Node("n1").Local().Term
		for range 1000 {
			time.Sleep(5 * time.Millisecond)
			if leader := c.Leader(); leader != "" {
				t.Fatalf("%s leads, alone of three", leader)
			}
		}
		if now := c.Node("n1").Local().Term; now != term {
			t.Errorf("term %d became %d without a majority", term, now)
		}
		c.Restart("n2")
		c.Restart("n3")
		c.WaitFor("increment", 20*time.Second, func() bool { _, err := c.Incr("n3", "hits", 1); return err == nil })
		for _, name := range []string{"n3", c.Leader()} {
			c.WaitFor("counter at "+name, 20*time.Second, func() bool { got, err := c.Get(name, "hits"); return err == nil && got == 6 })
		}
	})
}

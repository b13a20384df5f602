package cluster

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestContactDecidesHowLongToHope(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c contact
		hopeless := func(since time.Time, want bool) {
			t.Helper()
			if got := c.hopeless(since, time.Now()); got != want {
				t.Errorf("hopeless after %v, lost for %v: %v", time.Since(since), time.Since(c.lost()), got)
			}
		}
		start := time.Now()
		time.Sleep(holdTime - time.Nanosecond)
		hopeless(start, false)
		time.Sleep(time.Nanosecond)
		hopeless(start, true) // whoever leads
		hopeless(time.Now(), false)

		c.failed()
		lost := time.Now()
		time.Sleep(time.Second)
		c.failed() // still the same loss
		if !c.lost().Equal(lost) {
			t.Errorf("lost since %v, want %v", c.lost(), lost)
		}
		hopeless(time.Now(), false)
		time.Sleep(holdTime - time.Second)
		hopeless(time.Now(), true) // newcomers are refused at once
		c.ok()
		hopeless(time.Now(), false)
		if !c.lost().IsZero() {
			t.Error("still lost")
		}
	})
}

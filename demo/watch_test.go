package demo

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestANodeThatIsGoneIsAskedOftenOnlyWhileSomethingGoesOn(t *testing.T) {
	var asked atomic.Int64
	gone := newFake(t, "n1", func(string) string { asked.Add(1); return hangUp }) // outside of virtual time: its sockets hold that up
	for _, test := range []struct {
		keen         bool
		fewest, most int64
	}{
		{false, 9, 11},
		{true, 90, 101},
	} {
		asked.Store(0)
		synctest.Test(t, func(t *testing.T) {
			w := newWatch([]door{gone.door})
			w.keen.Store(test.keen)
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			w.run(ctx, 0)
		})
		if n := asked.Load(); n < test.fewest || n > test.most {
			t.Errorf("something goes on: %v; asked %d times in a second, want %d to %d", test.keen, n, test.fewest, test.most)
		}
	}
}

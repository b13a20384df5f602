package cluster

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestWatermarkWakesThoseWhoseIndexIsReached(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w watermark
		woken := map[uint64]chan error{}
		for _, index := range []uint64{1, 5, 6} {
			ch := make(chan error, 1)
			woken[index] = ch
			go func() { ch <- w.wait(t.Context(), index) }()
		}
		synctest.Wait()
		for _, reached := range []uint64{1, 4, 5, 9} {
			w.reach(reached)
			synctest.Wait()
			for index, ch := range woken {
				select {
				case err := <-ch:
					if err != nil || index > reached {
						t.Errorf("who waits for %d was woken at %d with %v", index, reached, err)
					}
					delete(woken, index)
				default:
					if index <= reached {
						t.Errorf("who waits for %d sleeps on at %d", index, reached)
					}
				}
			}
		}
		if err := w.wait(t.Context(), 9); err != nil || len(w.waiting) != 0 {
			t.Errorf("%v, %d are left", err, len(w.waiting))
		}
	})
}

func TestWatermarkForgetsThoseWhoGiveUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w watermark
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := w.wait(ctx, 3); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("wait = %v", err)
		}
		if len(w.waiting) != 0 {
			t.Errorf("%d are remembered", len(w.waiting))
		}
		w.reach(3) // must not close anything twice
	})
}

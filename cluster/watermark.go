package cluster

import (
	"context"
	"sync"
	"sync/atomic"
)

// watermark is the highest log index that this replica has really applied (the library's AppliedIndex counts what it has
// queued), and who waits for which.
type watermark struct {
	index atomic.Uint64

	mu      sync.Mutex
	waiting map[chan struct{}]uint64 // closed when the index is reached
}

// reach raises the mark, which never falls, and wakes those who waited for it.
func (w *watermark) reach(index uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if index <= w.index.Load() {
		return
	}
	w.index.Store(index)
	for ch, want := range w.waiting {
		if want <= index {
			delete(w.waiting, ch)
			close(ch)
		}
	}
}

// wait returns once index is reached, or with the context's error.
func (w *watermark) wait(ctx context.Context, index uint64) error {
	if w.index.Load() >= index {
		return nil
	}
	ch := make(chan struct{})
	w.mu.Lock()
	if w.index.Load() >= index {
		w.mu.Unlock()
		return nil
	}
	if w.waiting == nil {
		w.waiting = map[chan struct{}]uint64{}
	}
	w.waiting[ch] = index
	w.mu.Unlock()
	select {
	case <-ch:
		return nil
	case <-ctx.Done():
		w.mu.Lock()
		delete(w.waiting, ch)
		w.mu.Unlock()
		return ctx.Err()
	}
}

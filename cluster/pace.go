package cluster

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"

	"github.com/truecount/truecount/fsm"
)

// An image is written while the log is synced a thousand times a second on the same disk, and the counting needs the CPU. So
// it is written block by block, each in its time; and synced every few blocks, so that no sync of the log has to wait until
// much of the image is on disk. What a slow disk has delayed is not made up for.
const (
	imagePace  = 32 << 20  // bytes a second
	paceBlock  = 128 << 10 // bytes written at once
	syncBlocks = 8         // blocks between two syncs
)

var errImageStopped = errors.New("the node is shutting down")

// imageWriter writes images to raft's sinks. Without stop and dir it neither ends early nor syncs before the sink does.
type imageWriter struct {
	dir    string          // of the file store
	stop   <-chan struct{} // closed: give up
	logger hclog.Logger
}

// write writes an image to sink, which is then closed or, on an error, cancelled.
func (w imageWriter) write(sink raft.SnapshotSink, image *fsm.Image) (size int64, err error) {
	paced := &pacedWriter{w: sink, sync: func() error { return nil }, stop: w.stop}
	if w.dir != "" {
		file, err := os.Open(sinkFile(w.dir, sink.ID()))
		if err == nil {
			defer file.Close()
			paced.sync = file.Sync
		} else {
			w.logger.Warn("an image is synced only at its end", "error", err)
		}
	}
	size, err = image.WriteTo(paced)
	if err != nil {
		sink.Cancel()
		return size, err
	}
	return size, sink.Close()
}

// sinkFile is where the library's file store writes an image. It hides its file, but a second descriptor can sync it.
func sinkFile(dir, id string) string { return filepath.Join(dir, snapshotDir, id+".tmp", "state.bin") }

// pacedWriter writes at imagePace. Its Write returns errImageStopped as soon as stop is closed.
type pacedWriter struct {
	w    io.Writer
	sync func() error // what was written so far
	stop <-chan struct{}

	due    time.Time // of the next block
	blocks int
}

func (p *pacedWriter) Write(b []byte) (written int, err error) {
	for len(b) > 0 {
		block := b[:min(len(b), paceBlock)]
		if err := p.wait(len(block)); err != nil {
			return written, err
		}
		n, err := p.w.Write(block)
		written += n
		if err != nil {
			return written, err
		}
		if p.blocks++; p.blocks%syncBlocks == 0 {
			if err := p.sync(); err != nil {
				return written, err
			}
		}
		b = b[len(block):]
	}
	return written, nil
}

// wait returns when size more bytes may be written.
func (p *pacedWriter) wait(size int) error {
	now := time.Now()
	if p.due.Before(now) {
		p.due = now
	}
	pause := time.NewTimer(p.due.Sub(now))
	defer pause.Stop()
	p.due = p.due.Add(time.Duration(size) * time.Second / imagePace)
	select {
	case <-p.stop:
		return errImageStopped
	case <-pause.C:
		return nil
	}
}

package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"
)

// bigWrite is a pipeline in bytes of which a server may not take all before somebody reads its replies: such a one is written
// and read at the same time.
const bigWrite = 64 << 10

// Codes of failures without a first word of their own.
const (
	brokenCode  = "(broken connection)"
	silentCode  = "(no answer)"
	waitCode    = "(WAIT)" // too few replicas
	strangeCode = "(strange reply)"
)

// overtime is how long after its end a phase waits for a pipeline of which replies still come; when it is interrupted, it
// waits no longer than for a single reply.
const overtime = 30 * time.Second

// errOvertime is the end of a pipeline that has taken too much of it.
var errOvertime = errors.New("replies were still coming when the time was over")

// replyKinds are the types of the replies that are no errors.
var replyKinds = [kinds]byte{incr: integer, get: bulk, set: simple}

// batch counts what one arrival of bytes acknowledged: all of it took equally long.
type batch struct {
	from    time.Duration // when the latency begins
	at      time.Duration // of the arrival
	count   [kinds]int64
	missing int64 // reads that found no key
}

// exchange writes the pipeline and reads its replies. from is when its latency begins; 0 is now. A connection that breaks is
// left, and nothing is sent again.
func (w *worker) exchange(ctx context.Context, p *phase, from time.Duration) {
	now := w.clock()
	if from == 0 {
		from = now
	}
	w.link.extend(now)
	w.refused = 0
	err := w.writeAndRead(ctx, p, from)
	if w.tally != nil {
		w.settle()
	}
	if err != nil {
		w.leave(err)
	}
}

func (w *worker) writeAndRead(ctx context.Context, p *phase, from time.Duration) error {
	if len(w.out) < bigWrite {
		if _, err := w.link.Write(w.out); err != nil {
			return err
		}
		return w.read(ctx, p, from)
	}
	written := make(chan error, 1)
	go func() {
		_, err := w.link.Write(w.out)
		written <- err
	}()
	err := w.read(ctx, p, from)
	if err != nil {
		w.link.Close() // ends the writing
	}
	return errors.Join(err, <-written)
}

// read reads the replies to all that was sent. As long as some come, more time is given for the others.
func (w *worker) read(ctx context.Context, p *phase, from time.Duration) error {
	b := batch{from: from}
	defer w.flush(p, &b)
	for i := range w.sent {
		r, err := w.link.next()
		if err != nil {
			if i > 0 && errors.Is(err, os.ErrDeadlineExceeded) && w.clock()-b.at < answerTime {
				return fmt.Errorf("%w: %w", errOvertime, err)
			}
			return err
		}
		if at := w.link.at(); at != b.at {
			w.flush(p, &b)
			b.at = at
			if at < p.end+overtime && ctx.Err() == nil {
				w.link.extend(at)
			}
		}
		w.judge(&b, &w.sent[i], r)
	}
	if w.Wait == 0 {
		return nil
	}
	r, err := w.link.next()
	if err != nil {
		return err
	}
	w.flush(p, &b)
	b.at = w.link.at()
	w.judgeWait(&b, r)
	return nil
}

// judge notes what a reply says of its command.
func (w *worker) judge(b *batch, s *sent, r reply) {
	switch {
	case r.kind == failure:
		w.fail(s, string(r.text))
		return
	case r.kind == null && s.kind == get:
		b.missing++
	case r.kind != replyKinds[s.kind]:
		s.outcome = doubtful
		text := fmt.Sprintf("%v answered %c%s", s.kind, r.kind, r.text)
		w.note(func(f *figures) { f.fail(unknown, strangeCode, text, 1) })
		return
	}
	if s.kind == incr {
		s.value = r.n
		if w.tally != nil {
			w.tally.witness(r.n)
		}
		if w.Wait > 0 {
			return // WAIT will say
		}
	}
	s.outcome = acknowledged
	b.count[s.kind]++
}

// fail notes an error reply.
func (w *worker) fail(s *sent, text string) {
	code := firstWord(text)
	what := familyOf(code)
	s.outcome = rejected
	if what == unknown {
		s.outcome = doubtful
	}
	if what == refused {
		w.refused++
	}
	w.note(func(f *figures) { f.fail(what, code, text, 1) })
}

// judgeWait notes what WAIT says of the increments in front of it.
func (w *worker) judgeWait(b *batch, r reply) {
	outcome, n := acknowledged, int64(0)
	if r.kind != integer || r.n < int64(w.Wait) {
		outcome = doubtful
	}
	for i := range w.sent {
		if s := &w.sent[i]; s.kind == incr && s.outcome == waiting {
			s.outcome = outcome
			n++
		}
	}
	if outcome == acknowledged {
		b.count[incr] += n
		return
	}
	text := fmt.Sprintf("WAIT answered %d of %d replicas", r.n, w.Wait)
	if r.kind != integer {
		text = fmt.Sprintf("WAIT answered %c%s", r.kind, r.text)
	}
	w.note(func(f *figures) { f.fail(unknown, waitCode, text, n) })
}

// flush notes what came together, and empties b.
func (w *worker) flush(p *phase, b *batch) {
	if b.count == [kinds]int64{} {
		return
	}
	p.silence.heard(b.at)
	s := w.shard()
	s.mu.Lock()
	for k, n := range b.count {
		if n > 0 {
			s.now.acknowledge(kind(k), b.at-b.from, n)
		}
	}
	s.now.missing += b.missing
	s.mu.Unlock()
	b.count, b.missing = [kinds]int64{}, 0
}

// settle tells the tally of the increments; those of the same key that stand together at once.
func (w *worker) settle() {
	for i := 0; i < len(w.sent); {
		first := &w.sent[i]
		from, value := i, int64(0)
		for i < len(w.sent) && w.sent[i].key == first.key && w.sent[i].kind == first.kind && w.sent[i].outcome == first.outcome {
			value = max(value, w.sent[i].value)
			i++
		}
		if first.kind == incr {
			w.tally.add(first.key, first.outcome, int64(i-from), value)
		}
	}
}

// leave gives up a connection that broke.
func (w *worker) leave(err error) {
	w.disconnect()
	open := int64(0)
	for i := range w.sent {
		if w.sent[i].outcome == waiting {
			open++
		}
	}
	code := brokenCode
	if errors.Is(err, os.ErrDeadlineExceeded) {
		code = silentCode
	}
	w.note(func(f *figures) { f.fail(unknown, code, w.Nodes[w.node]+": "+brokenText(err), open) })
}

// brokenText says why a connection is of no use any more.
func brokenText(err error) string {
	switch {
	case errors.Is(err, errOvertime):
		return errOvertime.Error()
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Sprintf("no reply within %v", answerTime)
	case errors.Is(err, io.EOF):
		return "it closed the connection"
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "it closed the connection in the middle of a reply"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "the connection was reset"
	}
	return err.Error()
}

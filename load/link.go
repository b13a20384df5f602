package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"time"
)

const (
	dialTime   = 2 * time.Second         // for a connection to stand, and to answer its first words
	answerTime = 5 * time.Second         // for a reply: more than a Truecount node ever takes
	waitTime   = 1000 * time.Millisecond // that WAIT gives the replicas

	minBuffer, maxBuffer = 4 << 10, 64 << 10 // bytes of replies read at once
	bytesPerReply        = 16                // of a buffer that has room for a pipeline's
)

// link is a connection to a node. One worker uses it.
type link struct {
	net.Conn
	replies
	clock    func() time.Duration
	extended time.Duration // when the deadline was last put off
}

func newLink(conn net.Conn, clock func() time.Duration, pipeline int) *link {
	size := min(max(pipeline*bytesPerReply, minBuffer), maxBuffer)
	return &link{Conn: conn, replies: *newReplies(conn, clock, size), clock: clock, extended: clock()}
}

// extend gives the next reply answerTime from now, and up to a second more: setting a deadline each time would cost.
func (l *link) extend(now time.Duration) {
	if now-l.extended >= time.Second {
		l.deadline(now)
	}
}

func (l *link) deadline(now time.Duration) {
	l.extended = now
	_ = l.SetDeadline(time.Now().Add(answerTime + time.Second)) // a connection that is gone says so when it is used
}

// ask sends one command and waits for its reply, which must not be an error.
func (l *link) ask(args ...string) (reply, error) {
	l.extend(l.clock())
	if _, err := l.Write(appendCommand(nil, args...)); err != nil {
		return reply{}, err
	}
	r, err := l.next()
	if err == nil && r.kind == failure {
		return r, refusal(r.text)
	}
	return r, err
}

// refusal is an error reply.
type refusal string

func (r refusal) Error() string { return string(r) }

// dialer opens links.
type dialer struct {
	dial     func(context.Context, string) (net.Conn, error)
	clock    func() time.Duration
	pipeline int
	level    []string // CONSISTENCY and what follows; empty: it is not sent
}

// open connects, sets the level, and makes sure that somebody answers.
func (d *dialer) open(ctx context.Context, addr string) (*link, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	conn, err := d.dial(ctx, addr)
	if err != nil {
		return nil, err
	}
	l := newLink(conn, d.clock, d.pipeline)
	_ = l.SetDeadline(time.Now().Add(dialTime))
	if len(d.level) > 0 {
		if _, err = l.ask(d.level...); errors.As(err, new(refusal)) {
			err = fmt.Errorf("%w; leave --level out, unless it is a Truecount node", err)
		}
	}
	if err == nil {
		_, err = l.ask("PING")
	}
	if err != nil {
		l.Close()
		return nil, err
	}
	l.deadline(d.clock())
	return l, nil
}

// inWords says what err means and what to do.
func inWords(addr string, err error) error {
	var said refusal
	var noHost *net.DNSError
	var failure net.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &said):
		switch firstWord(string(said)) {
		case "NOAUTH", "WRONGPASS":
			return fmt.Errorf("%s wants a password (%s), and bench has none to give: use a server without", addr, said)
		case "LOADING":
			return fmt.Errorf("%s is not ready yet (%s): try again when it is", addr, said)
		}
		return fmt.Errorf("%s answered: %w", addr, err)
	case errors.Is(err, errNotRESP):
		return fmt.Errorf("%s does not speak the Redis protocol: it answered %w", addr, err)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("no answer from %s: connection refused; is a node running there?", addr)
	case errors.Is(err, syscall.EMFILE):
		return fmt.Errorf("no connection to %s: too many open files; raise the limit (ulimit -n) or use fewer --clients", addr)
	case errors.As(err, &noHost):
		return fmt.Errorf("no answer from %s: no such host %q", addr, noHost.Name)
	case errors.As(err, &failure) && failure.Timeout(), errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("no answer from %s in time; is the node overloaded or its network cut?", addr)
	case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return fmt.Errorf("no answer from %s: it closed the connection; is it a node's RESP address, and has it room for so many clients?", addr)
	}
	return fmt.Errorf("no answer from %s: %w", addr, err)
}

package demo

import (
	"context"
	"errors"
	"time"

	"github.com/gomodule/redigo/redis"
)

const (
	dialTime   = time.Second             // connecting, on the same machine
	answerTime = 2500 * time.Millisecond // a node answers each command within two seconds, if only with an error
)

var (
	errGone     = errors.New("the connection was closed before anything was sent")
	errNoAnswer = errors.New("no answer")
)

// link is a connection to a node that notices at once when the node dies, also while nothing is asked: so what is sent to a
// dead node, and would have an unknown outcome, is as little as can be.
type link struct {
	conn    redis.Conn
	replies chan any // what the node answers, an error reply included
	gone    chan struct{}
}

func dial(ctx context.Context, addr string) (*link, error) {
	conn, err := redis.DialContext(ctx, "tcp", addr, redis.DialConnectTimeout(dialTime), redis.DialWriteTimeout(dialTime))
	if err != nil {
		return nil, err
	}
	l := &link{conn: conn, replies: make(chan any, 1), gone: make(chan struct{})}
	go l.listen()
	return l, nil
}

// listen ends when the connection does. At most one command is on its way, so a reply always finds room.
func (l *link) listen() {
	defer close(l.gone)
	for {
		reply, err := l.conn.Receive()
		refusal := redis.Error("")
		switch {
		case errors.As(err, &refusal):
			reply = refusal
		case err != nil:
			return
		}
		l.replies <- reply
	}
}

// close waits until listen has ended.
func (l *link) close() {
	l.conn.Close()
	for {
		select {
		case <-l.replies:
		case <-l.gone:
			return
		}
	}
}

// ask sends a command and returns its reply. An error reply is a redis.Error; errGone: surely not sent; errNoAnswer: it may
// or may not have been executed, and the link is of no use any more.
func (l *link) ask(ctx context.Context, command string, args ...any) (any, error) {
	select {
	case <-l.gone:
		return nil, errGone
	default:
	}
	if l.conn.Send(command, args...) != nil || l.conn.Flush() != nil {
		return nil, errNoAnswer
	}
	patience := time.NewTimer(answerTime)
	defer patience.Stop()
	select {
	case reply := <-l.replies:
		return sorted(reply)
	case <-l.gone:
	case <-patience.C:
	case <-ctx.Done():
	}
	select {
	case reply := <-l.replies: // it came before the end
		return sorted(reply)
	default:
		return nil, errNoAnswer
	}
}

// sorted tells answers from refusals.
func sorted(reply any) (any, error) {
	if refusal, ok := reply.(redis.Error); ok {
		return nil, refusal
	}
	return reply, nil
}

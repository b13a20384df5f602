package resp

import (
	"sync/atomic"
	"time"
)

// Idle clients. With CONFIG SET timeout a connection from which nothing has come for so long is closed, as in Redis: unless
// it waits for a reply, or for messages it has subscribed to. Off, which is the default, it costs nothing.

// idleTick is how often connections are looked at: one is closed at most so much too late.
const idleTick = time.Second

// idle is the setting.
type idle struct {
	nanos   atomic.Int64
	since   atomic.Int64  // when it was last set, by the door's clock: what was heard before was not noted
	changed chan struct{} // holds at most one
}

func newIdle() idle { return idle{changed: make(chan struct{}, 1)} }

func (i *idle) after() time.Duration { return time.Duration(i.nanos.Load()) }

func (i *idle) set(after, now time.Duration) {
	i.since.Store(int64(now))
	i.nanos.Store(int64(after))
	select {
	case i.changed <- struct{}{}:
	default: // it will be looked at in any case
	}
}

// closeIdle is the Server's goroutine for them.
func (s *Server) closeIdle() {
	for {
		var tick <-chan time.Time
		if s.door.idle.after() > 0 {
			tick = time.After(idleTick)
		}
		select {
		case <-s.stop:
			return
		case <-s.door.idle.changed:
		case <-tick:
			for _, c := range s.idlers() {
				c.closeIfIdle()
			}
		}
	}
}

// idlers are the connections that have been silent for too long.
func (s *Server) idlers() (idlers []*conn) {
	after := s.door.idle.after()
	if after == 0 {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		if c.silence() > after {
			idlers = append(idlers, c)
		}
	}
	return idlers
}

// silence is how long nothing has come from the client, and nothing was answered.
func (c *conn) silence() time.Duration {
	d := c.server.door
	return d.clock() - time.Duration(max(c.active.Load(), d.idle.since.Load()))
}

func (c *conn) closeIfIdle() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dead || c.session.unfinished() || c.session.awaitsMessages() || c.silence() <= c.server.door.idle.after() {
		return
	}
	c.server.door.timedOut.Add(1)
	c.close()
	c.changed.Signal()
}

// awaitsMessages reports whether the client waits for messages that answer no command.
func (s *session) awaitsMessages() bool { return s.monitor || s.listening() }

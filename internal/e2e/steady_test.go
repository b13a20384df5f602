//go:build e2e

package e2e

import (
	"sync"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"
)

// steady is a well-behaved client: it increments a key at a steady pace, one increment at a time. An increment's time
// counts from when it was due, so that none is left out because the one before it was slow.
type steady struct {
	node    *process
	key     string
	start   time.Time
	stop    chan struct{}
	running sync.WaitGroup

	mu      sync.Mutex
	samples []sample
	err     error
}

func startSteady(t *testing.T, node *process) *steady {
	t.Helper()
	s := &steady{node: node, key: "steady:" + node.name, start: time.Now(), stop: make(chan struct{})}
	conn := node.client(t)
	s.running.Go(func() { s.count(conn) })
	return s
}

func (s *steady) count(conn redis.Conn) {
	for due := time.Duration(0); ; due += pace {
		select {
		case <-s.stop:
			return
		case <-time.After(due - time.Since(s.start)):
		}
		_, err := conn.Do("INCR", s.key)
		s.mu.Lock()
		if s.err = err; err == nil {
			s.samples = append(s.samples, sample{at: due, took: time.Since(s.start) - due})
		}
		s.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// between are the samples of a span of time.
func (s *steady) between(from, to time.Time) (found []sample) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, x := range s.samples {
		if at := s.start.Add(x.at); at.After(from) && at.Before(to) {
			found = append(found, x)
		}
	}
	return found
}

func (s *steady) end() {
	close(s.stop)
	s.running.Wait()
}

package resp

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestIdleClientsAreClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newPipeListener()
		cluster := newTestCluster(t)
		s := NewServer(Options{Cluster: cluster})
		go func() { _ = s.Serve(l) }()
		defer s.Close()
		early, busy, waiting := newUser(t, l.dial()), newUser(t, l.dial()), newUser(t, l.dial())
		ask := func(u *user, command, reply string) {
			t.Helper()
			u.send(command + "\r\n")
			u.wants(reply)
		}
		for _, u := range []*user{early, busy, waiting} {
			ask(u, "PING", "PONG")
		}
		time.Sleep(time.Hour) // nobody is closed for what was before
		ask(busy, "CONFIG SET timeout 10", "OK")
		waiting.send("INCR a\r\n") // is not answered
		for range 6 {
			time.Sleep(4 * time.Second)
			ask(busy, "PING", "PONG")
			if now := s.Stats().Clients; now < 2 {
				t.Fatalf("%d clients are left", now)
			}
		}
		early.wantsEnd()
		if n := s.Stats().Clients; n != 2 {
			t.Errorf("%d clients are left, want 2", n)
		}
		cluster.step()
		waiting.wants("(integer) 1")
		ask(busy, "CONFIG SET timeout 0", "OK")
		time.Sleep(time.Hour)
		ask(busy, "PING", "PONG")
		ask(waiting, "PING", "PONG")
	})
}

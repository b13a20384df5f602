package resp

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/truecount/truecount/fsm"
)

// boundServer is a Server in virtual time whose Requests the test answers.
type boundServer struct {
	*Server
	t       *testing.T
	cluster *testCluster
	l       *pipeListener
}

func inVirtualTime(t *testing.T, test func(s *boundServer)) {
	synctest.Test(t, func(t *testing.T) {
		s := &boundServer{t: t, cluster: newTestCluster(t), l: newPipeListener()}
		s.Server = NewServer(Options{Cluster: s.cluster, BindGrace: testGrace})
		go func() { _ = s.Serve(s.l) }()
		defer s.Close()
		test(s)
	})
}

// bound is a client that has bound instances.
func (s *boundServer) bound(instances ...string) *user {
	u := newUser(s.t, s.l.dial())
	for _, name := range instances {
		u.send("IC.BIND " + name + "\r\n")
		synctest.Wait()
		s.cluster.give(fsm.Result{Value: fsm.IntValue(1)})
		u.wants("OK")
	}
	s.asked()
	return u
}

const testGrace = 2 * time.Second

// soon is the end of a binding whose client is gone.
func soon(instance string, token int64) farewell {
	return farewell{instance, token, fsm.IntValue(testGrace.Milliseconds())}
}

// wantsFarewells looks at the oldest request: it ends these bindings and does nothing else.
func (s *boundServer) wantsFarewells(all ...farewell) {
	s.t.Helper()
	if s.waiting() == 0 {
		s.t.Fatal("nobody is told")
	}
	var want []byte
	for _, f := range all {
		want = fsm.AppendGroup(want, []fsm.Op{{Kind: fsm.Unbind, Instance: []byte(f.instance), Amount: f.token, Value: f.grace}})
	}
	if got := s.cluster.pending[0]; !got.proposed || !bytes.Equal(got.Groups, want) {
		s.t.Fatalf("%q was asked (proposed: %t), want %q", got.Groups, got.proposed, want)
	}
}

// waiting is how many requests have no answer.
func (s *boundServer) waiting() int {
	synctest.Wait()
	s.cluster.mu.Lock()
	defer s.cluster.mu.Unlock()
	return len(s.cluster.pending)
}

// asked takes what the cluster was asked.
func (s *boundServer) asked() string {
	synctest.Wait()
	s.cluster.mu.Lock()
	defer s.cluster.mu.Unlock()
	got := strings.Join(s.cluster.history, ", ")
	s.cluster.history = nil
	return got
}

func TestTheClusterHearsEachSecondOfANodeWithBindingsAndOfNoOther(t *testing.T) {
	inVirtualTime(t, func(s *boundServer) {
		time.Sleep(time.Hour)
		u := s.bound("i")
		for range 10 {
			time.Sleep(time.Second)
			if got := s.asked(); got != "propose 0" {
				s.t.Fatalf("the cluster was asked %q", got)
			}
			s.cluster.give()
		}
		time.Sleep(3 * time.Second)
		if got := s.asked(); got != "propose 0" {
			s.t.Fatalf("without an answer the cluster was asked %q", got)
		}
		s.cluster.give()
		u.Close()
		s.wantsFarewells(soon("i", 1))
		s.cluster.give(fsm.Result{Value: fsm.IntValue(1)})
		s.asked()
		time.Sleep(time.Hour)
		if got := s.asked(); got != "" {
			s.t.Errorf("without bindings the cluster was asked %q", got)
		}
	})
}

func TestTheEndOfABindingIsToldUntilItIsAnswered(t *testing.T) {
	inVirtualTime(t, func(s *boundServer) {
		u := s.bound("i", "j", "i")
		u.Close()
		for _, err := range []error{fsm.ErrNotApplied, fsm.ErrUnknown, fsm.ErrNoSpace} {
			s.wantsFarewells(soon("i", 1), soon("j", 1))
			s.cluster.fail(err)
			if got := s.asked(); got != "propose 2" {
				s.t.Fatalf("the cluster was asked %q", got)
			}
			time.Sleep(time.Second)
		}
		s.wantsFarewells(soon("i", 1), soon("j", 1))
		v := s.bound() // others that part meanwhile wait
		v.send("IC.BIND k\r\n")
		synctest.Wait()
		v.Close()
		synctest.Wait()
		zero := fsm.Result{Value: fsm.IntValue(0)}
		s.cluster.give(zero, zero)
		s.cluster.give(fsm.Result{Value: fsm.IntValue(1)}) // the IC.BIND
		s.wantsFarewells(soon("k", 2))
		s.cluster.give(zero)
		s.asked()
		time.Sleep(time.Hour)
		if got := s.asked(); got != "" {
			s.t.Errorf("the cluster was asked %q", got)
		}
	})
}

func TestTheEndsThatComeWhileOthersAreToldAreToldNext(t *testing.T) {
	inVirtualTime(t, func(s *boundServer) {
		u, v := s.bound("i"), s.bound("j")
		u.Close()
		s.wantsFarewells(soon("i", 1))
		v.Close()
		s.waiting()
		s.cluster.give(fsm.Result{Value: fsm.IntValue(1)})
		s.wantsFarewells(soon("j", 2))
	})
}

func TestAThousandEndsAreToldAtATime(t *testing.T) {
	inVirtualTime(t, func(s *boundServer) {
		const ends = 2*maxFarewells + 1
		from := binding{token: 7}
		for i := range ends {
			from.instances = append(from.instances, fmt.Sprint(i))
			s.door.bindings.hold()
		}
		s.door.bindings.part(from)
		for _, n := range []int{maxFarewells, maxFarewells, 1} {
			if got, want := s.asked(), fmt.Sprintf("propose %d", n); got != want {
				s.t.Fatalf("the cluster was asked %q, want %q", got, want)
			}
			s.cluster.give(make([]fsm.Result, n)...)
		}
		if got := s.asked(); got != "" {
			s.t.Errorf("the cluster was asked %q", got)
		}
	})
}

// Else the instance would be bound for ever.
func TestTheEndOfABindingIsToldBehindTheBindingThatWasOnItsWay(t *testing.T) {
	for name, end := range map[string]func(s *boundServer, u *user){
		"closed": func(s *boundServer, u *user) { u.Close() },
		"killed": func(s *boundServer, u *user) {
			other := s.bound()
			other.send("CLIENT KILL ID 1\r\n")
			other.wants("(integer) 1")
			u.wantsEnd()
		},
	} {
		t.Run(name, func(t *testing.T) {
			inVirtualTime(t, func(s *boundServer) {
				u := s.bound()
				u.send("IC.BIND i\r\n")
				if got := s.asked(); got != "propose 1" {
					s.t.Fatalf("the cluster was asked %q", got)
				}
				end(s, u)
				time.Sleep(500 * time.Millisecond)
				if got := s.asked(); got != "" {
					s.t.Fatalf("before the binding has an answer the cluster was asked %q", got)
				}
				s.cluster.fail(fsm.ErrUnknown)
				s.wantsFarewells(soon("i", 1))
			})
		})
	}
}

func TestEveryEndButThatOfTheNodeEndsBindings(t *testing.T) {
	for name, end := range map[string]func(s *boundServer, u *user){
		"RESET": func(s *boundServer, u *user) { u.send("RESET\r\n"); u.wants("RESET") },
		"QUIT":  func(s *boundServer, u *user) { u.send("QUIT\r\n"); u.wants("OK") },
		"CLIENT KILL": func(s *boundServer, u *user) {
			other := s.bound()
			other.send("CLIENT KILL ID 1\r\n")
			other.wants("(integer) 1")
		},
		"idle time": func(s *boundServer, u *user) {
			other := s.bound()
			other.send("CONFIG SET timeout 1\r\n")
			other.wants("OK")
			for range 3 {
				time.Sleep(700 * time.Millisecond)
				other.send("PING\r\n")
				other.wants("PONG")
				for s.waiting() > 0 && s.cluster.pending[0].Ops == 0 {
					s.cluster.give()
				}
			}
		},
		"a protocol error": func(s *boundServer, u *user) {
			u.send("*x\r\n")
			u.wants("(error) ERR Protocol error: invalid multibulk length")
		},
	} {
		t.Run(name, func(t *testing.T) {
			inVirtualTime(t, func(s *boundServer) {
				end(s, s.bound("i"))
				s.wantsFarewells(soon("i", 1))
			})
		})
	}
}

func TestANodeThatIsShutDownLeavesItsInstancesTheirLeases(t *testing.T) {
	inVirtualTime(t, func(s *boundServer) {
		s.bound("i")
		if err := s.Shutdown(context.Background()); err != nil {
			s.t.Error(err)
		}
		if got := s.asked(); got != "" {
			s.t.Errorf("the cluster was asked %q", got)
		}
	})
}

// The end of the old binding may be told once more behind the new one.
func TestABindingBehindResetHasAnotherToken(t *testing.T) {
	inVirtualTime(t, func(s *boundServer) {
		u := s.bound("i")
		u.send("RESET\r\n")
		u.wants("RESET")
		s.wantsFarewells(soon("i", 1))
		u.send("IC.BIND i\r\n")
		synctest.Wait()
		s.cluster.fail(fsm.ErrUnknown)
		s.cluster.give(fsm.Result{Value: fsm.IntValue(1)})
		u.wants("OK")
		u.Close()
		s.wantsFarewells(soon("i", 1), soon("i", 2))
	})
}

// The Machine ends the bindings of a node that it has not heard for 5 s.
func TestWhoseBindingMayHaveLapsedIsDisconnectedWhenTheClusterIsBack(t *testing.T) {
	inVirtualTime(t, func(s *boundServer) {
		time.Sleep(time.Hour)
		u, other := s.bound("i"), s.bound()
		other.send("PING\r\n")
		other.wants("PONG")
		silent := func(seconds int) {
			for range seconds {
				time.Sleep(time.Second)
				for s.waiting() > 0 {
					s.cluster.fail(fsm.ErrNotApplied)
				}
			}
			time.Sleep(time.Second)
			if s.waiting() == 0 {
				s.t.Fatal("there is no beat")
			}
			s.cluster.give()
			s.asked()
		}
		silent(2)
		u.send("PING\r\n")
		u.wants("PONG")
		silent(4)
		u.wantsEnd()
		s.wantsFarewells(farewell{"i", 1, fsm.IntValue(fsm.WholeLease)}) // if it hasn't lapsed after all, it has a lease, as it would have then
		s.cluster.give(fsm.Result{Value: fsm.IntValue(0)})
		other.send("PING\r\n")
		other.wants("PONG")
		v := s.bound("i") // whoever binds anew has lost nothing
		time.Sleep(time.Second)
		s.waiting()
		s.cluster.give()
		v.send("PING\r\n")
		v.wants("PONG")
	})
}

// An answer that comes late may be of a Batch that was applied late.
func TestTheSilenceOfANodeIsCountedFromWhenItSpokeLast(t *testing.T) {
	inVirtualTime(t, func(s *boundServer) {
		u := s.bound("i")
		time.Sleep(time.Second)
		s.waiting()
		time.Sleep(mostSilence - time.Second) // since IC.BIND
		s.cluster.give()
		u.wantsEnd()
		s.wantsFarewells(farewell{"i", 1, fsm.IntValue(fsm.WholeLease)})
		s.cluster.give(fsm.Result{Value: fsm.IntValue(0)})

		u = s.bound("j")
		time.Sleep(time.Second)
		s.waiting()
		time.Sleep(3 * time.Second)
		s.cluster.give() // was sent a second behind IC.BIND, and perhaps applied then
		time.Sleep(2 * time.Second)
		s.waiting()
		s.cluster.give()
		u.wantsEnd()
	})
}

func TestATransactionBindsFromItsExecOn(t *testing.T) {
	c := newClient(t, newTestCluster(t))
	c.send("MULTI\r\nIC.BIND i\r\nDISCARD\r\nMULTI\r\nIC.BIND j\r\nIC.BIND k FRESH\r\n")
	if n := len(c.session.bound.instances); n != 0 {
		t.Errorf("%d instances are bound by what is queued", n)
	}
	c.send("EXEC\r\n")
	if got := fmt.Sprint(c.session.bound.instances); got != "[j k]" {
		t.Errorf("%s are bound", got)
	}
	one := fsm.Result{Value: fsm.IntValue(1)}
	c.cluster.give(one, one)
	c.wants("OK", "QUEUED", "OK", "OK", "QUEUED", "QUEUED", "1) OK\n2) OK")
}

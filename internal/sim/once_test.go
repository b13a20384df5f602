package sim

import (
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/truecount/truecount/fsm"
)

// repeaters are clients that send a command again, at another node, until it is answered.
type repeaters struct {
	*troubled
	once     bool
	done     [troubledClients]int64 // commands that were answered
	repeated atomic.Int64
}

func (r *repeaters) session(client int) (id fsm.SessionID) {
	copy(id[:], fmt.Sprintf("client-%d-%d", client, r.seed))
	return id
}

// step counts once, however often that must be said.
func (r *repeaters) step(client int, rng *rand.Rand) {
	n := r.done[client] + 1
	terms := fsm.Terms{}
	if r.once {
		terms.Once = fsm.Once{Session: r.session(client), Sequence: uint64(n), Hash: uint64(n) * 31}
	}
	for !r.broken() {
		a := r.DoOn(hosts[rng.IntN(len(hosts))], fsm.Strong, terms, op(fsm.Incr, "all", 1), op(fsm.Incr, own(client), 1))
		if a.Err != nil {
			r.repeated.Add(1)
			r.Pass(10 * time.Millisecond)
			continue
		}
		r.mu.Lock()
		r.answered++
		r.mu.Unlock()
		if got := a.Results[1]; r.once && (got.Code != fsm.OK || got.Value.Int != n) {
			r.fail("command %d of client %d was answered %v %v", n, client, got.Code, got.Value.Int)
		}
		break
	}
	r.done[client] = n
}

func own(client int) string { return fmt.Sprintf("own-%d", client) }

// doubled is how many increments were too many.
func (r *repeaters) doubled() (doubled int64) {
	for client, n := range r.done {
		own := r.values(own(client))[0].Int
		if own < n {
			r.T.Errorf("client %d has counted %d times, %d are there", client, n, own)
		}
		doubled += own - n
	}
	sum := int64(0)
	for _, n := range r.done {
		sum += n
	}
	if all := r.values("all")[0].Int; all != sum+doubled {
		r.T.Errorf("%d in all, %d commands and %d doubled", all, sum, doubled)
	}
	return doubled
}

func TestCommandsUnderOnceHappenOnceHoweverOftenTheyAreSent(t *testing.T) {
	repeated := int64(0)
	eachTrouble(t, func(r *troubled) {
		c := &repeaters{troubled: r, once: true}
		for client := range troubledClients {
			id := c.session(client)
			r.must(fsm.Op{Kind: fsm.OpenSession, Key: id[:], Amount: 600_000})
		}
		r.suffer(c.step)
		if doubled := c.doubled(); doubled != 0 {
			t.Errorf("%d commands happened twice", doubled)
		}
		t.Logf("%v commands, sent again %d times", c.done, c.repeated.Load())
		repeated += c.repeated.Load()
	})
	if repeated < 100 && *seeds >= 8 { // one run may be lucky
		t.Errorf("commands were sent again %d times: runs like these prove nothing", repeated)
	}
}

// The same clients without it: their repetitions count twice now and then, so the test above could fail.
func TestCommandsThatAreSentAgainWithoutOnceDouble(t *testing.T) {
	doubled := int64(0)
	eachTrouble(t, func(r *troubled) {
		c := &repeaters{troubled: r}
		r.suffer(c.step)
		doubled += c.doubled()
	})
	t.Logf("%d doubled", doubled)
	if doubled == 0 && *seeds >= 8 { // one run may be lucky
		t.Error("nothing was doubled: runs like these prove nothing")
	}
}

// Nobody loses his session because nobody could hear him.
func TestASessionOutlivesOutagesAndEndsWhenItIsIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(t, 51)
		defer c.Stop()
		c.StartThree()
		id := fsm.SessionID{1}
		if a := c.Do("n1", fsm.Strong, fsm.Op{Kind: fsm.OpenSession, Key: id[:], Amount: 10_000}); a.Err != nil {
			t.Fatal(a.Err)
		}
		count := func(sequence uint64) (result fsm.Result) {
			c.WaitFor("an answer", 5*time.Second, func() bool {
				a := c.DoOn("n2", fsm.Strong, fsm.Terms{Once: fsm.Once{Session: id, Sequence: sequence, Hash: sequence}}, op(fsm.Incr, "hits", 1))
				if a.Err == nil {
					result = a.Results[0]
				}
				return a.Err == nil
			})
			return result
		}
		for _, outage := range []func(){
			func() { c.Pass(8 * time.Second) },
			func() { // all are down
				for _, name := range hosts {
					c.Crash(name)
				}
				c.Pass(40 * time.Second)
				for _, name := range hosts {
					c.Restart(name)
				}
			},
			func() { // nobody hears anybody
				for _, name := range hosts {
					c.Net.Isolate(name)
				}
				c.Pass(40 * time.Second)
				c.Net.Heal()
			},
		} {
			if got := count(1); got.Code != fsm.OK || got.Value.Int != 1 {
				t.Fatalf("the first command is answered %v %d", got.Code, got.Value.Int)
			}
			outage()
		}
		if got := count(2); got.Code != fsm.OK || got.Value.Int != 2 {
			t.Fatalf("the second command is answered %v %d", got.Code, got.Value.Int)
		}
		c.Pass(stepBack + 10*time.Second + 2*time.Second)
		if sessions := c.Node("n3").Local().Sessions; sessions != 0 {
			t.Errorf("%d sessions when none is used", sessions)
		}
		if got := count(1); got.Code != fsm.NoSession {
			t.Errorf("behind the end of the session: %v", got.Code)
		}
	})
}

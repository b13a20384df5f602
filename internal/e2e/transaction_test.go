//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gomodule/redigo/redis"
)

const (
	accounts    = 5
	atFirst     = 100 // in each
	transferers = 6
	transfers   = 300 // made before the leader is killed, and after
)

// Transfers between accounts: WATCH both, read both, MULTI, write both, EXEC. Whoever reads all in one MULTI must see the same
// sum at any moment, at any node, also while the leader is killed; and none of the survivors' clients may see an error.
func TestTransactionsAreWholeWhileTheLeaderIsKilled(t *testing.T) {
	c := newCluster(t, 3)
	leader := c.leader(t)
	conn := c[0].client(t)
	for i := range accounts {
		if _, err := conn.Do("SET", account(i), atFirst); err != nil {
			t.Fatal(err)
		}
	}
	survivors := c.without(leader)
	var made, aborted atomic.Int64
	var running sync.WaitGroup
	stop := make(chan struct{})
	failed := make(chan error, transferers+len(survivors))
	for i := range transferers {
		conn := survivors[i%len(survivors)].client(t)
		running.Go(func() { failed <- transferUntil(stop, conn, &made, &aborted) })
	}
	for _, p := range survivors {
		conn := p.client(t)
		running.Go(func() { failed <- auditUntil(stop, conn) })
	}
	enough := func(n int64) func() error {
		return func() error {
			if made.Load() < n {
				return fmt.Errorf("only %d transfers, %d aborted", made.Load(), aborted.Load())
			}
			return nil
		}
	}
	eventually(t, "transfers", enough(transfers))
	leader.kill(t)
	eventually(t, "transfers after the kill", enough(made.Load()+transfers))
	close(stop)
	running.Wait()
	close(failed)
	for err := range failed {
		if err != nil {
			t.Error(err)
		}
	}
	leader.start(t)
	c.waitWhole(t)
	for _, p := range c {
		if sum, err := audit(p.client(t)); err != nil || sum != accounts*atFirst {
			t.Errorf("%s: the sum is %d (%v), want %d", p.name, sum, err, accounts*atFirst)
		}
	}
	t.Logf("%d transfers, %d aborted", made.Load(), aborted.Load())
	if aborted.Load() == 0 {
		t.Error("no transfer was aborted: nothing was proven")
	}
}

func account(i int) string { return fmt.Sprintf("account-%d", i) }

func transferUntil(stop chan struct{}, conn redis.Conn, made, aborted *atomic.Int64) error {
	for {
		select {
		case <-stop:
			return nil
		default:
		}
		from := rand.IntN(accounts)
		to := (from + 1 + rand.IntN(accounts-1)) % accounts
		switch done, err := transfer(conn, account(from), account(to)); {
		case err != nil:
			return err
		case done:
			made.Add(1)
		default:
			aborted.Add(1)
		}
	}
}

func transfer(conn redis.Conn, from, to string) (done bool, err error) {
	if _, err := conn.Do("WATCH", from, to); err != nil {
		return false, err
	}
	held, err := redis.Ints(conn.Do("MGET", from, to))
	if err != nil {
		return false, err
	}
	amount := rand.IntN(10)
	for _, command := range [][]any{{"MULTI"}, {"SET", from, held[0] - amount}, {"SET", to, held[1] + amount}} {
		if err := conn.Send(command[0].(string), command[1:]...); err != nil {
			return false, err
		}
	}
	reply, err := conn.Do("EXEC")
	return reply != nil, err
}

// audit is the sum of all accounts at one moment.
func audit(conn redis.Conn) (sum int, err error) {
	conn.Send("MULTI")
	for i := range accounts {
		conn.Send("GET", account(i))
	}
	held, err := redis.Ints(conn.Do("EXEC"))
	for _, n := range held {
		sum += n
	}
	return sum, err
}

func auditUntil(stop chan struct{}, conn redis.Conn) error {
	for {
		select {
		case <-stop:
			return nil
		default:
		}
		if sum, err := audit(conn); err != nil || sum != accounts*atFirst {
			return errors.Join(err, fmt.Errorf("the sum is %d, want %d", sum, accounts*atFirst))
		}
	}
}

// Keyspace notifications come from every node for every change, whichever node took the command.
func TestChangesAreToldByEveryNode(t *testing.T) {
	c := newCluster(t, 3)
	for _, p := range c {
		if _, err := p.client(t).Do("CONFIG", "SET", "notify-keyspace-events", "KEA"); err != nil {
			t.Fatal(err)
		}
	}
	var listeners []redis.PubSubConn
	for _, p := range c {
		l := redis.PubSubConn{Conn: p.client(t)}
		if err := l.PSubscribe("__keyevent@0__:*"); err != nil {
			t.Fatal(err)
		}
		l.Receive() // that it has subscribed
		listeners = append(listeners, l)
	}
	conn := c[1].client(t)
	for _, command := range []string{"SET a 1 PX 50", "INCR b", "RENAME b c", "DEL c"} {
		words := strings.Fields(command)
		if _, err := conn.Do(words[0], redis.Args{}.AddFlat(words[1:])...); err != nil {
			t.Fatal(err)
		}
	}
	want := "set a, expire a, incrby b, rename_from b, rename_to c, del c, expired a"
	for i, l := range listeners {
		var heard []string
		for len(heard) < 7 {
			switch m := l.ReceiveWithTimeout(answerTime).(type) {
			case redis.Message:
				heard = append(heard, strings.TrimPrefix(m.Channel, "__keyevent@0__:")+" "+string(m.Data))
			case error:
				t.Fatalf("%s told %q, then %v", c[i].name, heard, m)
			}
		}
		// The deadline may pass before the commands behind it are sent.
		got := strings.Join(heard, ", ")
		if !strings.Contains(got, "expired a") || strings.ReplaceAll(strings.ReplaceAll(got, ", expired a", ""), "expired a, ", "") != strings.TrimSuffix(want, ", expired a") {
			t.Errorf("%s told %s, want %s", c[i].name, got, want)
		}
	}
}

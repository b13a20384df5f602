//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"
)

const (
	repeaters       = 12
	aroundARepeat   = 300 // commands done before and after each kill
	nodeDeaths      = 6   // every second one is the leader's
	dropEvery       = 10  // a client closes the connection without waiting for the reply to such a command, and repeats it
	onceKey         = "sold"
	onceInstanceKey = "seats"
)

var errDropped = errors.New("the reply was not waited for")

// repeater is a client with a session, that gives each command under ONCE, at one node after the other until it is answered.
type repeater struct {
	nodes cluster
	id    string // of the session
	whole bool   // each command is a transaction of several writes
	conn  redis.Conn

	sequence int
	replies  []int64 // what the commands answered, each another number
	dropped  int     // the last sequence whose reply was not waited for
	again    int     // how often one was given once more
	err      error   // what ended it; nil: it was told to stop
}

// do gives the next command until it is done.
func (r *repeater) do(give func() (int64, error)) (reply int64, err error) {
	for deadline := time.Now().Add(patience); ; r.again++ {
		if r.conn == nil {
			if conn, err := r.nodes[0].dial(); err == nil {
				r.conn = conn
			}
		}
		if r.conn != nil {
			if reply, err = give(); err == nil {
				return reply, nil
			}
			r.conn.Close()
			r.conn = nil
		}
		for _, no := range []string{"NOSESSION", "ONCEMISMATCH", "ONCEDONE", "ERR", "EXECABORT", "WRONGTYPE"} {
			if err != nil && strings.HasPrefix(err.Error(), no) {
				return 0, err
			}
		}
		if time.Now().After(deadline) {
			return 0, fmt.Errorf("not done within %v: %w", patience, err)
		}
		r.nodes = append(slices.Clone(r.nodes[1:]), r.nodes[0])
		<-time.After(pollEvery) // between two tries
	}
}

// give gives the command of the present sequence, one more of each counter, and returns what INCR answers.
func (r *repeater) give() (int64, error) {
	commands := [][]any{{"ONCE", r.id, r.sequence, "INCR", onceKey}}
	if r.whole {
		commands = [][]any{{"MULTI"}, {"INCR", onceKey}, {"IC.INCRBY", onceInstanceKey, "instance-" + r.id, 1}, {"ONCE", r.id, r.sequence, "EXEC"}}
	}
	for _, command := range commands {
		if err := r.conn.Send(command[0].(string), command[1:]...); err != nil {
			return 0, err
		}
	}
	if err := r.conn.Flush(); err != nil {
		return 0, err
	}
	if r.sequence%dropEvery == 0 && r.dropped != r.sequence {
		r.dropped = r.sequence
		return 0, errDropped
	}
	var reply any
	for range commands {
		var err error
		if reply, err = r.conn.Receive(); err != nil {
			return 0, err
		}
	}
	if !r.whole {
		return redis.Int64(reply, nil)
	}
	replies, err := redis.Values(reply, nil)
	if err != nil {
		return 0, err
	}
	slice, err := redis.Int64s(replies[1], nil)
	if err != nil {
		return 0, err
	}
	if slice[1] != int64(r.sequence) {
		return 0, fmt.Errorf("ERR the slice is %d behind %d commands", slice[1], r.sequence)
	}
	return redis.Int64(replies[0], nil)
}

// onceLoad is clients that count until they are stopped.
type onceLoad struct {
	clients []*repeater
	stop    chan struct{}
	running sync.WaitGroup
	done    atomic.Int64
}

func startOnceLoad(t *testing.T, c cluster) *onceLoad {
	t.Helper()
	l := &onceLoad{stop: make(chan struct{})}
	for i := range repeaters {
		at := i % len(c)
		r := &repeater{nodes: append(slices.Clone(c[at:]), c[:at]...), whole: i%2 == 1}
		id, err := redis.String(c[at].client(t).Do("ONCE", "OPEN"))
		if err != nil {
			t.Fatal(err)
		}
		r.id = id
		l.clients = append(l.clients, r)
		l.running.Go(func() {
			for {
				select {
				case <-l.stop:
					return
				default:
				}
				r.sequence++
				reply, err := r.do(r.give)
				if err != nil {
					r.err = err
					return
				}
				r.replies = append(r.replies, reply)
				l.done.Add(1)
			}
		})
	}
	return l
}

// waitDone waits until n more commands than now are done.
func (l *onceLoad) waitDone(t *testing.T, n int64) {
	t.Helper()
	want := l.done.Load() + n
	eventually(t, fmt.Sprintf("%d commands more", n), func() error {
		if got := l.done.Load(); got < want {
			return fmt.Errorf("%d of %d", got, want)
		}
		return nil
	})
}

// end stops the clients, and wants that each command was done once and told its own answer: of n commands these are 1 to n.
func (l *onceLoad) end(t *testing.T) (single, whole int64) {
	t.Helper()
	close(l.stop)
	l.running.Wait()
	told := map[int64]bool{}
	for i, r := range l.clients {
		if r.err != nil {
			t.Errorf("client %d: command %d: %v", i, r.sequence, r.err)
		}
		for _, reply := range r.replies {
			if told[reply] {
				t.Errorf("%d was told to two commands", reply)
			}
			told[reply] = true
		}
		if r.whole {
			whole += int64(len(r.replies))
		} else {
			single += int64(len(r.replies))
		}
	}
	if len(told) == 0 || slices.Max(slices.Collect(maps.Keys(told))) != single+whole {
		t.Errorf("%d commands were told %d numbers, but not 1 to %[1]d", single+whole, len(told))
	}
	return single, whole
}

// Clients that repeat, behind ONCE, what was not answered, at any node: leaders are killed, and the nodes of the clients, and
// each command has happened once. Then all nodes are killed, and go on from images that have the sessions in them.
func TestARepeatedCommandHappensOnceThroughKills(t *testing.T) {
	c := newCluster(t, 3, "--snapshot-bytes", "1")
	l := startOnceLoad(t, c)
	l.waitDone(t, aroundARepeat)
	for i := range nodeDeaths {
		dying := c.leader(t)
		if i%2 == 1 {
			dying = c.without(dying)[0]
		}
		dying.kill(t)
		l.waitDone(t, aroundARepeat)
		dying.start(t)
		c.waitVoters(t)
		l.waitDone(t, aroundARepeat)
	}
	single, whole := l.end(t)
	again := 0
	for _, r := range l.clients {
		again += r.again
	}
	t.Logf("%d commands and %d transactions, given %d times more", single, whole, again)
	if status, err := c[0].status(); err != nil || status.OnceHits == 0 {
		t.Errorf("no command that was done came again: nothing was proven (%v)", err)
	}
	c.wantOnce(t, single, whole)
	if t.Failed() {
		return
	}

	c.restartFromImages(t)
	for i, r := range l.clients {
		reply, err := r.do(r.give)
		if last := r.replies[len(r.replies)-1]; err != nil || reply != last {
			t.Errorf("client %d: its last command answers %d, %v behind the restart; it was %d", i, reply, err, last)
		}
	}
	c.wantOnce(t, single, whole)
}

func (c cluster) wantOnce(t *testing.T, single, whole int64) {
	t.Helper()
	c.wantCount(t, onceKey, single+whole)
	for _, p := range c {
		total, err := redis.Int64s(p.client(t).Do("IC.GET", onceInstanceKey))
		if err != nil || total[0] != whole {
			t.Errorf("%s at %s: %v, %v, want %d", onceInstanceKey, p.name, total, err, whole)
		}
	}
}

// restartFromImages kills all nodes when each has all that was written until now in an image, and starts them again.
func (c cluster) restartFromImages(t *testing.T) {
	t.Helper()
	status, err := c[0].status()
	if err != nil {
		t.Fatal(err)
	}
	others := startLoad(t, "others", 1, c...) // an image needs some log to be due
	for _, p := range c {
		eventually(t, p.name+" has all in an image", func() error {
			var newest uint64
			for _, line := range imageLine.FindAllStringSubmatch(p.output.String(), -1) {
				index, err := strconv.ParseUint(line[2], 10, 64)
				if err != nil {
					return err
				}
				newest = max(newest, index)
			}
			if newest < status.AppliedIndex {
				return fmt.Errorf("the newest is of %d, not %d", newest, status.AppliedIndex)
			}
			return nil
		})
	}
	others.end()
	for _, p := range c {
		p.cmd.Process.Kill()
	}
	for _, p := range c {
		p.kill(t)
	}
	for _, p := range c {
		p.start(t)
	}
	c.waitVoters(t)
}

//go:build e2e

package e2e

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"
)

// An instance that is to be killed is a process of its own, this test's binary once more. It adds instanceShare to a counter
// and beats until it is killed; behind each answer it prints when it had sent that sign, in nanoseconds.
const (
	instanceVariable = "E2E_INSTANCE" // its name, and that of its counter
	instanceShare    = 5
	outageTime       = shortLease + time.Second // all nodes are down
	leaderDeaths     = 3
)

// runInstance is the main function of such a process.
func runInstance() int {
	name := os.Getenv(instanceVariable)
	conn, err := redis.Dial("tcp", os.Getenv(targetVariable))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	sign := func(command string, args ...any) error {
		at := time.Now()
		if _, err := conn.Do(command, args...); err != nil {
			return err
		}
		fmt.Println(at.UnixNano())
		return nil
	}
	for err = sign("IC.INCRBY", name, name, instanceShare); err == nil; err = sign("IC.HEARTBEAT", name) {
		<-time.After(beatEvery)
	}
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// killedInstance starts such a process, kills it after some signs, and returns when it gave the last one that is known of.
func killedInstance(t *testing.T, name string, p *process, signs int) (last time.Time) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), instanceVariable+"="+name, targetVariable+"="+p.resp)
	cmd.Stderr = os.Stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill() })
	lines := bufio.NewScanner(stdout)
	for n := 0; lines.Scan(); n++ {
		at, err := strconv.ParseInt(lines.Text(), 10, 64)
		if err != nil {
			t.Fatalf("the instance said %q", lines.Text())
		}
		last = time.Unix(0, at)
		if n == signs {
			cmd.Process.Kill()
		}
	}
	cmd.Wait() // "killed"
	return last
}

// Nobody else writes, no node is asked strongly: the share goes by itself.
func TestAnInstanceThatIsKilledLeavesAnUntouchedCounterAtItsLease(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3, shortLeases...)
	v := c.watch(t, "killed", "STALE", instanceShare)
	signs := int(2*shortLease/beatEvery) + 1 // it has lived by its signs for two leases
	last := killedInstance(t, "killed", c[1], signs)
	killed := time.Now()
	v.wantLeft(t, len(c), last.Add(shortLease), killed.Add(shortLease+deathDelay))
	for name, at := range v.left {
		t.Logf("%s: %v after the last sign", name, at.Sub(last).Round(10*time.Millisecond))
	}
	for _, p := range c {
		if total, err := redis.Int64s(p.client(t).Do("IC.GET", "killed")); err != nil || total[0] != 0 {
			t.Errorf("%s: %d, %v", p.name, total, err)
		}
	}
}

// signs are an instance that gives them to some nodes in turn, whichever answers, each time with the same command.
type signs struct {
	stop    chan struct{}
	running sync.WaitGroup
	given   atomic.Int64
}

func (c cluster) giveSigns(t *testing.T, command string, args ...any) *signs {
	s := &signs{stop: make(chan struct{})}
	s.running.Go(func() {
		tick := time.NewTicker(beatEvery)
		defer tick.Stop()
		for n := 0; ; n++ {
			select {
			case <-s.stop:
				return
			case <-tick.C:
			}
			conn, err := c[n%len(c)].dial()
			if err != nil {
				continue
			}
			if _, err := conn.Do(command, args...); err == nil {
				s.given.Add(1)
			}
			conn.Close()
		}
	})
	t.Cleanup(func() {
		close(s.stop)
		s.running.Wait()
	})
	return s
}

// One says so with heartbeats, the other one by reads alone.
func TestWhoSaysThatHeLivesLosesNothingByDyingNodes(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3, shortLeases...)
	client := c[0].client(t)
	for i, name := range []string{"beats", "reads"} {
		if _, err := client.Do("IC.INCRBY", "held", name, 5+i); err != nil {
			t.Fatal(err)
		}
	}
	beats := c.giveSigns(t, "IC.HEARTBEAT", "beats")
	reads := c.giveSigns(t, "IC.GET", "held", "reads")
	v := c.watch(t, "held", "STRONG", 11)
	for range leaderDeaths {
		leader := c.leader(t)
		leader.kill(t)
		c.leader(t)
		leader.start(t)
		c.waitVoters(t)
	}
	for _, p := range c {
		p.cmd.Process.Kill()
	}
	for _, p := range c {
		p.kill(t)
	}
	waitUntil(t, time.Now().Add(outageTime))
	before := [2]int64{beats.given.Load(), reads.given.Load()}
	for _, p := range c {
		p.start(t)
	}
	c.waitVoters(t)
	waitUntil(t, time.Now().Add(rebirth+shortLease+deathDelay)) // leases run again, and one has passed
	if beats.given.Load() == before[0] || reads.given.Load() == before[1] {
		t.Error("no sign was given after the restart: nothing was proven")
	}
	v.wantKept(t, len(c))
	t.Logf("strong answers %v; %d heartbeats, %d reads", v.seen, beats.given.Load(), reads.given.Load())
}

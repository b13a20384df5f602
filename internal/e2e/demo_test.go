//go:build e2e

package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/truecount/truecount/demo"
)

const (
	demoKills    = 20
	demoStopTime = 3 * time.Second
	demoInFlight = 3 + 20 // increments that may be answered while the value is read; a slow machine's
)

// wantFigures compares figures with what was read before and after them.
func wantFigures(t *testing.T, f demo.Figures, before, after int64) {
	t.Helper()
	if f.Lost != 0 || f.Doubled != 0 {
		t.Errorf("%d lost, %d doubled, want none: %+v", f.Lost, f.Doubled, f)
	}
	if f.Value < before || f.Value > after {
		t.Errorf("value %d, but %d was read before and %d after", f.Value, before, after)
	}
	if f.Acknowledged > f.Value || f.Value > f.Acknowledged+f.Unanswered+demoInFlight {
		t.Errorf("value %d does not fit %d acknowledged and %d unanswered", f.Value, f.Acknowledged, f.Unanswered)
	}
}

// wantEvent compares what a command has answered with the event that the demo has told of it.
func wantEvent(t *testing.T, h happening, o demo.Outcome) {
	t.Helper()
	var told demo.Outcome
	if err := json.Unmarshal(h.raw, &told); err != nil || !reflect.DeepEqual(told, o) {
		t.Errorf("the command answered %+v\nbut the demo told %s, %v", o, h.raw, err)
	}
}

func TestADemoIsKilledAndRestartedTwentyTimesAndItsFiguresAreRight(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	s := newPlayground(t).open(t)
	for kill := 1; kill <= demoKills; kill++ {
		node, leader := demo.TheLeader, true
		if random.IntN(2) == 0 {
			candidates := s.nodes(t)
			n := candidates[random.IntN(len(candidates))]
			node, leader = n.ID, n.Role == "leader"
		}
		before := s.value(t)
		o := ask[demo.Outcome](t, s.playground, "kill", node)
		wantFigures(t, o.Figures, before, s.value(t))
		if o.WasLeader != leader || o.Elected != leader || o.Waiting != nil || o.How != "kill -9" || alive(o.PID) {
			t.Errorf("killed %s (leader: %t): %+v", node, leader, o)
		}
		if leader && (o.Leader == o.Node || o.LeaderAfterMs <= 0 || o.LongestWaitMs < o.LeaderAfterMs/2) {
			t.Errorf("after the leader's death: %+v", o)
		}
		wantEvent(t, s.wait(t, "recovered", kill), o)

		before = s.value(t)
		back := ask[demo.Outcome](t, s.playground, "start", o.Node)
		wantFigures(t, back.Figures, before, s.value(t))
		if back.Waiting != nil || back.CaughtUpEntries == 0 || back.CaughtUpAfterMs <= 0 || !alive(back.PID) {
			t.Errorf("started %s: %+v", o.Node, back)
		}
		wantEvent(t, s.wait(t, "caught_up", kill), back)
		if t.Failed() {
			t.Fatalf("after %d kills", kill)
		}
		t.Logf("%2d. %s %s: leader after %d ms, recovered after %d ms, longest wait %d ms, unanswered %d; back after %d ms with %d entries",
			kill, o.Node, node, o.LeaderAfterMs, o.RecoveredAfterMs, o.LongestWaitMs, len(o.UnansweredAt), back.CaughtUpAfterMs, back.CaughtUpEntries)
	}
	last := s.value(t)
	if out, err := s.say("stop"); err != nil {
		t.Fatalf("demo stop: %v: %s", err, out)
	}
	s.waitEnd(t, demoStopTime)
	var f demo.Figures
	if err := json.Unmarshal(s.wait(t, "stopped", 1).raw, &f); err != nil {
		t.Fatal(err)
	}
	wantFigures(t, f, last, f.Value)
	if f.Value > f.Acknowledged+f.Unanswered {
		t.Errorf("at the end, nothing is in flight: %+v", f)
	}
	t.Logf("at the end: %+v", f)
}

func TestADemoShowsIncrementsThatAreDoubledOrLost(t *testing.T) {
	s := newPlayground(t).open(t)
	conn, err := redis.Dial("tcp", s.nodes(t)[0].RESP)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, step := range []struct {
		command string
		want    demo.Figures
	}{
		{"INCR", demo.Figures{Doubled: 1}},
		{"DECR", demo.Figures{Doubled: 1, Lost: 1}},
	} {
		s.waitCount(t, 10)
		if _, err := conn.Do(step.command, demo.Key); err != nil {
			t.Fatal(err)
		}
		eventually(t, fmt.Sprintf("a foreign %s is seen: %+v", step.command, step.want), func() error {
			got := ask[demo.Status](t, s.playground, "status").Figures
			if got.Doubled != step.want.Doubled || got.Lost != step.want.Lost {
				return fmt.Errorf("got %+v", got)
			}
			return nil
		})
	}
	if out, err := s.say("stop"); err != nil {
		t.Fatalf("demo stop: %v: %s", err, out)
	}
	<-s.exited
	said, want := s.stderr.String(), "acknowledged increments lost, 1 doubled: a bug, unless "
	if s.cmd.ProcessState.ExitCode() != 1 || !strings.HasPrefix(said, "truecount: 1 of ") || !strings.Contains(said, want) {
		t.Errorf("ended with %v: %q, want exit code 1 and %q", s.cmd.ProcessState, said, want)
	}
}

func TestADemoThatHasLostItsMajoritySaysSoAndRecovers(t *testing.T) {
	s := newPlayground(t).open(t)
	ask[demo.Outcome](t, s.playground, "kill", "leader")
	second := ask[demo.Outcome](t, s.playground, "kill", "leader")
	w := second.Waiting
	if w == nil || w.Needed != 2 || w.Voters != 3 || len(w.Reachable) != 1 || len(w.Dead) != 2 {
		t.Fatalf("killed the second: %+v, want that writes wait", second)
	}
	wantEvent(t, s.wait(t, "waiting", 1), second)
	out, err := s.say("kill", "leader")
	if err == nil || !strings.Contains(out, "2 of 3 voters are needed, 1 is reachable ("+w.Reachable[0]+")") {
		t.Errorf("kill leader: %v: %s", err, out)
	}
	first := ask[demo.Outcome](t, s.playground, "start", w.Dead[0])
	if first.Waiting != nil || !first.HadWaited || first.Lost != 0 || first.Doubled != 0 || first.RecoveredAfterMs <= 0 || first.Leader == "" {
		t.Errorf("started the first of two: %+v, want a recovery", first)
	}
	wantEvent(t, s.wait(t, "recovered", 2), first)

	for _, n := range s.nodes(t) {
		if n.Role != demo.RoleDead {
			ask[demo.Outcome](t, s.playground, "kill", n.ID)
		}
	}
	if o := ask[demo.Outcome](t, s.playground, "start", "n1"); o.Waiting == nil || len(o.Waiting.Reachable) != 1 {
		t.Errorf("started one after all were killed: %+v, want that writes wait", o)
	}
	if o := ask[demo.Outcome](t, s.playground, "start", "n2"); o.Waiting != nil || !o.HadWaited || o.Lost != 0 || o.Doubled != 0 {
		t.Errorf("started the second after all were killed: %+v, want a recovery", o)
	}
	if o := ask[demo.Outcome](t, s.playground, "start", "n3"); o.Waiting != nil || o.HadWaited {
		t.Errorf("started the third after all were killed: %+v", o)
	}
	for _, test := range [][]string{
		{"kill n9", `there is no node "n9": give n1, n2, n3, or leader`},
		{"start n9", `there is no node "n9"`},
		{"start n1", "n1 is running (pid "},
	} {
		if out, err := s.say(strings.Fields(test[0])...); err == nil || !strings.Contains(out, test[1]) || strings.Count(out, "\n") != 1 {
			t.Errorf("demo %s: %v: %q, want one line with %q", test[0], err, out, test[1])
		}
	}
}

func TestADemoNoticesANodeThatSomebodyElseKills(t *testing.T) {
	s := newPlayground(t).open(t)
	victim := s.nodes(t)[2]
	if err := syscall.Kill(victim.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	var o demo.Outcome
	if err := json.Unmarshal(s.wait(t, "recovered", 1).raw, &o); err != nil {
		t.Fatal(err)
	}
	if o.Node != victim.ID || o.How != "kill -9" || o.Lost != 0 || o.Doubled != 0 {
		t.Errorf("told %+v of the death of %s", o, victim.ID)
	}
	if out, err := s.say("kill", victim.ID); err == nil || !strings.Contains(out, victim.ID+" is dead already") {
		t.Errorf("killed twice: %v: %s", err, out)
	}
}

func TestAKilledDemoLeavesNoProcessAndTheNextOneStarts(t *testing.T) {
	g := newPlayground(t)
	s := g.open(t)
	nodes := s.nodes(t)
	s.cmd.Process.Kill()
	<-s.exited
	within(t, demoStopTime, "the nodes die with the demo", func() error {
		for _, n := range nodes {
			if alive(n.PID) {
				return fmt.Errorf("%s lives", n.ID)
			}
		}
		return nil
	})
	if out, err := g.say("status"); err == nil || !strings.Contains(out, "no demo is running") {
		t.Errorf("status of a dead demo: %v: %s", err, out)
	}
	left := g.folders(t)
	next := g.open(t)
	if now := g.folders(t); len(left) != 1 || len(now) != 1 || now[0] != next.all("ready")[0].DataDir {
		t.Errorf("folders before the next demo %v, with it %v", left, now)
	}
}

func TestASecondDemoIsRefusedAndSIGTERMStopsTheFirst(t *testing.T) {
	g := newPlayground(t)
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", g.port+1))
	if err != nil {
		t.Skip(err)
	}
	defer l.Close()
	s := g.open(t, "--nodes", "5")
	ready := s.all("ready")[0]
	if want := fmt.Sprintf("port %d is taken", g.port+1); !strings.Contains(ready.Notice, want) || len(ready.Nodes) != 5 {
		t.Errorf("%d nodes, notice %q, want %q", len(ready.Nodes), ready.Notice, want)
	}
	if out, err := g.say(); err == nil || !strings.Contains(out, fmt.Sprintf("a demo is running already (pid %d)", s.cmd.Process.Pid)) {
		t.Errorf("a second demo: %v: %s", err, out)
	}
	nodes := s.nodes(t)
	s.cmd.Process.Signal(syscall.SIGTERM)
	s.waitEnd(t, demoStopTime)
	for _, n := range nodes {
		if alive(n.PID) {
			t.Errorf("%s lives on", n.ID)
		}
	}
}

func TestASecondSignalEndsADemoAtOnce(t *testing.T) {
	s := newPlayground(t).open(t, "--nodes", "1")
	node := s.nodes(t)[0]
	if err := syscall.Kill(node.PID, syscall.SIGSTOP); err != nil { // so that the end takes a moment: nobody answers
		t.Fatal(err)
	}
	within(t, demoStopTime, "the demo ends", func() error {
		s.cmd.Process.Signal(os.Interrupt)
		select {
		case <-s.exited:
			return nil
		default:
			return errors.New("it runs")
		}
	})
	if status := s.cmd.ProcessState.Sys().(syscall.WaitStatus); !status.Signaled() {
		t.Errorf("the demo went the long way: %v", s.cmd.ProcessState)
	}
	within(t, demoStopTime, "its node dies with it", func() error {
		if alive(node.PID) {
			return errors.New("it lives")
		}
		return nil
	})
}

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/truecount/truecount/fsm"
)

// village is what a joiner meets: nodes that answer what the test says, and a log.
type village struct {
	answers map[string]func() (fsm.Status, error) // by RESP address
	joins   []error                               // outcomes of the tries to come; the last one stays
	asked   []string                              // peer addresses, in order
	log     bytes.Buffer
}

func (v *village) joiner(addrs ...string) *joiner {
	return &joiner{joined: func() bool { return false },
		addrs: addrs,
		own:   "own:1",
		ask:   func(_ context.Context, addr string) (fsm.Status, error) { return v.answers[addr]() },
		join: func(_ context.Context, peer string) error {
			v.asked = append(v.asked, peer)
			err := v.joins[0]
			if len(v.joins) > 1 {
				v.joins = v.joins[1:]
			}
			return err
		},
		log: hclog.New(&hclog.LoggerOptions{Output: &v.log}),
	}
}

func ledBy(peer string) func() (fsm.Status, error) {
	return func() (fsm.Status, error) { return fsm.Status{Leader: &fsm.Address{Peer: peer}}, nil }
}

func member(peer string) func() (fsm.Status, error) {
	return func() (fsm.Status, error) {
		return fsm.Status{Members: []fsm.Member{{Address: fsm.Address{Peer: peer}}}}, nil
	}
}

func silent() (fsm.Status, error) { return fsm.Status{}, errors.New("no answer") }

func TestAJoinerAsksTheLeaderOrElseAMember(t *testing.T) {
	v := &village{joins: []error{errors.New("not the leader"), nil}, answers: map[string]func() (fsm.Status, error){
		"down:1": silent, "led:1": ledBy("leader:2"), "leaderless:1": member("member:2"),
	}}
	if err := v.joiner("down:1", "leaderless:1", "led:1").run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if want := []string{"member:2", "leader:2"}; !slices.Equal(v.asked, want) {
		t.Errorf("asked to be let in at %v, want %v", v.asked, want)
	}
}

func TestAJoinerGoesOnUntilTheClusterIsThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start, rounds := time.Now(), 0
		v := &village{joins: []error{nil}, answers: map[string]func() (fsm.Status, error){"late:1": func() (fsm.Status, error) {
			rounds++
			if time.Since(start) < time.Minute {
				return silent()
			}
			return ledBy("leader:2")()
		}}}
		if err := v.joiner("late:1", "own:1").run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if waited := time.Since(start); waited > time.Minute+joinMaxWait {
			t.Errorf("joined after %v, want within %v of the minute", waited, joinMaxWait)
		}
		if atLeast := int(time.Minute / joinMaxWait); rounds < atLeast || rounds > int(time.Minute/joinMinWait) {
			t.Errorf("%d rounds in a minute, want at least %d", rounds, atLeast)
		}
		if lines := strings.Count(v.log.String(), "\n"); lines != 2 {
			t.Errorf("%d log lines, want one for each address and reason:\n%s", lines, &v.log)
		}
	})
}

func TestARefusedJoinerGivesUpAtOnce(t *testing.T) {
	refusal := fmt.Errorf("%w: a node named n2 is a member already", fsm.ErrRefused)
	v := &village{joins: []error{refusal}, answers: map[string]func() (fsm.Status, error){"led:1": ledBy("leader:2")}}
	if err := v.joiner("led:1").run(t.Context()); !errors.Is(err, fsm.ErrRefused) {
		t.Errorf("error %v, want the refusal", err)
	}
	if len(v.asked) != 1 {
		t.Errorf("asked %d times, want once", len(v.asked))
	}
}

func TestAJoinerStopsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		v := &village{answers: map[string]func() (fsm.Status, error){"down:1": silent}}
		if err := v.joiner("down:1").run(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v, want the end of the context", err)
		}
	})
}

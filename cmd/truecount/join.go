package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/truecount/truecount/fsm"
)

const (
	joinAskTime = time.Second            // connecting to a node, and its answer about the cluster
	joinTryTime = 5 * time.Second        // one try; the leader answers sooner, if only that other joins are in front
	joinMinWait = 200 * time.Millisecond // between two rounds over all addresses
	joinMaxWait = 2 * time.Second
)

// joiner brings a node with an empty directory into the cluster behind any of some addresses.
type joiner struct {
	addrs  []string                                                   // RESP addresses, tried in turn
	own    string                                                     // this node's, which may stand among them
	ask    func(ctx context.Context, addr string) (fsm.Status, error) // who knows the way to the leader
	join   func(ctx context.Context, peer string) error               // asks to be let in; fsm.ErrRefused is final
	joined func() bool                                                // somebody else has seen to it
	log    hclog.Logger
}

// run returns nil when the node was accepted, an error when it was refused or ctx has ended. What fails otherwise is
// logged, once for each address and reason, and tried again.
func (j *joiner) run(ctx context.Context) error {
	logged := map[string]string{}
	for wait := 2 * joinMinWait; ; wait = min(2*wait, joinMaxWait) {
		for _, addr := range j.addrs {
			if j.joined() {
				return nil
			}
			err := j.try(ctx, addr)
			if err == nil || errors.Is(err, fsm.ErrRefused) || ctx.Err() != nil {
				return err
			}
			if logged[addr] != err.Error() {
				logged[addr] = err.Error()
				j.log.Warn("not joined yet, trying on", "node", addr, "reason", err)
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(joinMinWait + rand.N(wait-joinMinWait)): // jitter: nodes started together part ways
		}
	}
}

func (j *joiner) try(ctx context.Context, addr string) error {
	if addr == j.own {
		return errors.New("this is the joining node's own address")
	}
	status, err := j.ask(ctx, addr)
	if err != nil {
		return err
	}
	peer := wayIn(status)
	if peer == "" {
		return fmt.Errorf("%s is in no cluster yet", addr)
	}
	ctx, cancel := context.WithTimeout(ctx, joinTryTime)
	defer cancel()
	return j.join(ctx, peer)
}

// wayIn is the peer address to ask: the leader's, else any member's, who may know it by then. Empty: none is known.
func wayIn(status fsm.Status) string {
	if status.Leader != nil && status.Leader.Peer != "" {
		return status.Leader.Peer
	}
	for _, member := range status.Members {
		if member.Peer != "" {
			return member.Peer
		}
	}
	return ""
}

package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/truecount/truecount/fsm"
	"github.com/truecount/truecount/transport"
)

// Changes of members are asked for at any node and made by the leader, one at a time:
//
//	Join, Remove, Leave, Transfer, move     at the node that was told to
//	  change ─ askForChange                   to who leads, or to who may know, until it is made, refused, or time is up
//	    makeChange                            at the leader                                     member.go
//	      admit · remove · transfer
//	tend                                    finishes what a leader that died has left behind    tend.go
//
// Every change may be asked for again: what is made already is "made".
type changeRequest struct {
	Kind   changeKind // of old builds: empty, to join
	Target string     `json:",omitempty"` // remove, transfer: name or server id; transfer: empty for any

	// Who joins, or has moved to other addresses.
	ID, Name, RESP, Peer, Version string `json:",omitempty"`
	Nonvoter                      bool   `json:",omitempty"` // never to vote
	Cluster                       string `json:",omitempty"` // whose member it is already; empty: of none that it would not give up
}

type changeKind string

const (
	changeJoin     changeKind = ""
	changeMove     changeKind = "move"
	changeRemove   changeKind = "remove"
	changeTransfer changeKind = "transfer"
)

// changeReply is the answer: made, if the last three are empty.
type changeReply struct {
	Cluster string // to who joins: the cluster's id
	Refused string // never
	Retry   string // not now, or not here
	Leader  string `json:",omitempty"` // with Retry: the peer address of who leads
}

func (r changeReply) made() bool { return r.Refused == "" && r.Retry == "" }

// ErrReopen: the node has given up its own cluster to be a member of another one. It answers nothing any more, and must be
// closed and opened again.
var ErrReopen = errors.New("this node has joined, and must be opened anew")

const (
	changePause   = 100 * time.Millisecond  // between two tries
	changeTimeout = 5 * time.Second         // for raft to take up a change of members
	queueTimeout  = 1500 * time.Millisecond // for the changes in front of it; the one who asks waits little longer
	answerTimeout = 4 * time.Second         // for an answer of who was asked: queueTimeout, a commit, or a transfer
)

// Remove takes a member, named by its name or server id, out of the cluster for ever: its directory can't come back. It
// returns when that is done. An error that wraps fsm.ErrRefused says what stands against it.
func (n *Node) Remove(ctx context.Context, target string) error {
	if s, found := n.member(target); found {
		target = string(s.ID) // repeated under a name, it would be refused, or be that of a successor
	}
	return n.change(ctx, changeRequest{Kind: changeRemove, Target: target})
}

// Leave takes this node out of its cluster, having handed leadership over if it leads. When it returns nil the node answers
// nothing any more and should be closed.
func (n *Node) Leave(ctx context.Context) error {
	if !n.Joined() {
		return fmt.Errorf("%w: this node belongs to no cluster", fsm.ErrRefused)
	}
	err := n.change(ctx, changeRequest{Kind: changeRemove, Target: n.id.ID})
	if err != nil && !n.out.Load() {
		return err
	}
	return n.becomeRemoved()
}

// TransferTo makes another voter the leader: target, by name or server id, or any if it is empty. It returns when the
// leader has handed over.
func (n *Node) TransferTo(ctx context.Context, target string) error {
	return n.change(ctx, changeRequest{Kind: changeTransfer, Target: target})
}

// change gets the leader to make a change.
func (n *Node) change(ctx context.Context, q changeRequest) error {
	lost := false // an answer: it may be made or not
	hint, reason := "", "no leader is known"
	for {
		r, err := n.askForChange(ctx, q, hint)
		switch {
		case err != nil:
			lost = lost || !errors.Is(err, transport.ErrNotSent)
			hint, reason = "", err.Error()
		case r.made():
			return nil
		case r.Refused != "":
			return fmt.Errorf("%w: %s", fsm.ErrRefused, r.Refused)
		default:
			hint, reason = r.Leader, r.Retry
		}
		if n.out.Load() {
			return n.Removal() // nobody will answer it
		}
		select {
		case <-ctx.Done():
			if lost {
				return fmt.Errorf("%w: %s", fsm.ErrUnknown, reason)
			}
			return fmt.Errorf("%w: no leader has made the change in time (%s); is a majority of the voters up?", fsm.ErrNotApplied, reason)
		case <-n.ctx.Done():
			return errClosing
		case <-time.After(changePause):
		}
	}
}

// askForChange asks once: this node itself if it leads, else who leads, else every member in turn, for one of them may know.
func (n *Node) askForChange(ctx context.Context, q changeRequest, hint string) (changeReply, error) {
	if _, ready := n.leader.ready(); ready {
		return n.makeChange(q), nil
	}
	to, known := n.route()
	switch {
	case hint != "":
		return n.askMember(ctx, transport.Control, hint, q)
	case known && to.id != n.id.ID:
		return n.askMember(ctx, transport.Control, to.addr, q)
	}
	reply, err := changeReply{Retry: "no leader is known"}, error(nil)
	for _, addr := range n.waysIn() {
		reply, err = n.askMember(ctx, transport.Control, addr, q)
		if err == nil && (reply.Retry == "" || reply.Leader != "") || ctx.Err() != nil {
			break
		}
	}
	return reply, err
}

// waysIn are the peer addresses at which other members were last known.
func (n *Node) waysIn() (addrs []string) {
	for _, s := range n.servers() {
		if string(s.ID) != n.id.ID {
			addrs = append(addrs, string(s.Address))
		}
	}
	if via := n.identity().Via; len(addrs) == 0 && via != "" {
		return []string{via}
	}
	return addrs
}

func (n *Node) askMember(ctx context.Context, stream transport.Stream, addr string, q changeRequest) (r changeReply, err error) {
	method := byte(methodChange)
	if q.Kind == changeJoin {
		method = methodJoin
	}
	err = n.ask(ctx, stream, addr, method, q, &r)
	return r, err
}

// ask calls a method whose question and answer are JSON. An error that wraps transport.ErrNotSent says that the question
// was never heard.
func (n *Node) ask(ctx context.Context, stream transport.Stream, addr string, method byte, question, answer any) error {
	data, err := json.Marshal(question)
	if err != nil {
		return err
	}
	type reply struct {
		data []byte
		err  error
	}
	got := make(chan reply, 1)
	n.port.Link(stream, addr).Call(method, data, func(data []byte, err error) { got <- reply{data, err} })
	defer func() {
		if stream == transport.Join && !n.isConfigured(addr) {
			n.port.Forget(addr) // no member's: nobody else would
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	select {
	case r := <-got:
		if r.err != nil {
			return r.err
		}
		if json.Unmarshal(r.data, answer) != nil {
			return fmt.Errorf("%s: %w", addr, errWire)
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("no answer from %s", addr)
	}
}

package demo

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"syscall"
)

const maxAnswer = 1 << 20 // bytes of one answer

// request is one line from a client to the demo, answer the line back.
type request struct {
	Do   string `json:"do"` // doKill, doStart, doStatus or doStop
	Node string `json:"node,omitempty"`
}

const (
	doKill   = "kill"
	doStart  = "start"
	doStatus = "status"
	doStop   = "stop"
)

type answer struct {
	Outcome *Outcome `json:"outcome,omitempty"`
	Status  *Status  `json:"status,omitempty"`
	Error   string   `json:"error,omitempty"`
}

// TheLeader stands for whichever node leads.
const TheLeader = "leader"

// Status is what a demo is and does at present.
type Status struct {
	PID           int     `json:"pid"`
	DataDir       string  `json:"data_dir"` // with the nodes' logs, n1.log and so on
	Key           string  `json:"key"`
	Nodes         []Node  `json:"nodes"`
	RatePerSecond float64 `json:"rate_per_second"` // of the last second
	Figures               // of the last comparison
}

// Control speaks with the demo that runs. It is not for use by several goroutines at once.
type Control struct {
	conn  net.Conn
	lines *bufio.Reader
}

// Dial connects to this user's demo. The error says in one line that none is running.
func Dial(ctx context.Context) (*Control, error) {
	if err := checkPlace(placeDir()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "unix", socketPath())
	switch {
	case err == nil:
		return &Control{conn: conn, lines: bufio.NewReaderSize(conn, maxAnswer)}, nil
	case errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED):
		return nil, errors.New("no demo is running: start one with truecount demo, in another terminal")
	}
	return nil, fmt.Errorf("the demo does not answer: %w", err)
}

// Close ends the conversation, not the demo.
func (c *Control) Close() error { return c.conn.Close() }

// Kill kills a node's process, as kill -9 does, and returns when counting has recovered, or it is clear that it can't.
// The node is an id or TheLeader.
func (c *Control) Kill(ctx context.Context, node string) (Outcome, error) {
	return c.act(ctx, request{doKill, node})
}

// Start starts a node that is dead, with the data it had, and returns when it has caught up, or it is clear that it has to
// wait for others.
func (c *Control) Start(ctx context.Context, id string) (Outcome, error) {
	return c.act(ctx, request{doStart, id})
}

// Nodes are the demo's nodes, in the order of their ids.
func (c *Control) Nodes(ctx context.Context) ([]Node, error) {
	status, err := c.Status(ctx)
	return status.Nodes, err
}

// Status is what the demo knows of itself.
func (c *Control) Status(ctx context.Context) (Status, error) {
	a, err := c.ask(ctx, request{Do: doStatus})
	if err != nil {
		return Status{}, err
	}
	if a.Status == nil {
		return Status{}, errStrange
	}
	return *a.Status, nil
}

// Stop ends the demo, and returns its last status when its nodes are dead and its data is removed.
func (c *Control) Stop(ctx context.Context) (Status, error) {
	a, err := c.ask(ctx, request{Do: doStop})
	if err != nil {
		return Status{}, err
	}
	if a.Status == nil {
		return Status{}, errStrange
	}
	return *a.Status, nil
}

func (c *Control) act(ctx context.Context, r request) (Outcome, error) {
	a, err := c.ask(ctx, r)
	if err != nil {
		return Outcome{}, err
	}
	if a.Outcome == nil {
		return Outcome{}, errStrange
	}
	return *a.Outcome, nil
}

var errStrange = errors.New("the demo answered something else: is it of another version? End it with Ctrl-C")

func (c *Control) ask(ctx context.Context, r request) (answer, error) {
	defer context.AfterFunc(ctx, func() { c.conn.Close() })()
	line, err := json.Marshal(r)
	if err != nil {
		return answer{}, err
	}
	if _, err = c.conn.Write(append(line, '\n')); err == nil {
		line, err = c.lines.ReadSlice('\n')
	}
	if ctx.Err() != nil {
		return answer{}, ctx.Err()
	}
	if err != nil {
		return answer{}, errors.New("the demo ended before it answered")
	}
	var a answer
	if json.Unmarshal(line, &a) != nil {
		return answer{}, errStrange
	}
	if a.Error != "" {
		return answer{}, errors.New(a.Error)
	}
	return a, nil
}

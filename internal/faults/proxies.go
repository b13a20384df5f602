package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

const (
	frontPort  = 27379 // of every host: what its node tells the others
	pieceSize  = 16 << 10
	mostPieces = 16 // of one direction of a connection, on their way
	holdEvery  = 5 * time.Millisecond
)

// proxies is a network for who has no rights: all hosts are on the loopback, and each node tells the others an address in
// front of its peer port, where this program takes connections and passes them on. Between nodes there are streams then, not
// packets: a link that is cut holds back what is sent and delivers it afterwards, as TCP does by sending again.
type proxies struct {
	loopback
	fronts  []net.Listener
	ways    [hostsAtMost][hostsAtMost]way // from, to
	ctx     context.Context
	cancel  context.CancelFunc
	running sync.WaitGroup
	who     func(conn net.Conn) int // the host that has dialed; -1: nobody any more
	passed, held,
	delayed, reset atomic.Int64

	lines lines
}

func newProxies(n int, why string) (*proxies, error) {
	if _, err := os.Stat(socketTable); err != nil {
		return nil, fmt.Errorf("a proxy can't tell who dials: %w", err)
	}
	l, err := newLoopback(n, why)
	if err != nil {
		return nil, err
	}
	p := &proxies{loopback: *l}
	p.who = p.dialer
	p.ctx, p.cancel = context.WithCancel(context.Background())
	for _, h := range p.all {
		h.front = h.address(frontPort)
		front, err := net.Listen("tcp", h.front)
		if err != nil {
			p.close()
			return nil, err
		}
		p.fronts = append(p.fronts, front)
	}
	for i := range n {
		p.running.Go(func() { p.accept(i) })
	}
	return p, nil
}

func (p *proxies) name() string { return "proxy" }

func (p *proxies) lacks(l link) string {
	if l.loss > 0 || l.dup > 0 {
		return "a proxy carries streams, of which nothing is lost or doubled (" + p.why + ")"
	}
	return ""
}

func (p *proxies) set(from, to int, l link) { p.ways[from][to].set(l) }

func (p *proxies) counted() traffic {
	return traffic{unit: "piece", passed: p.passed.Load(), held: p.held.Load(), delayed: p.delayed.Load(), reset: p.reset.Load()}
}

func (p *proxies) accept(to int) {
	for {
		conn, err := p.fronts[to].Accept()
		if err != nil {
			return
		}
		p.running.Go(func() { p.serve(conn, to) })
	}
}

// serve carries a connection to a host's node until either side ends. It takes both ways to open one.
func (p *proxies) serve(client net.Conn, to int) {
	defer client.Close()
	from := p.who(client)
	if from < 0 || from == to {
		return
	}
	out, back := &p.ways[from][to], &p.ways[to][from]
	if p.pass(out) || p.pass(back) {
		if p.who(client) != from {
			return // it has given up, and a packet that opens a connection is not kept
		}
	}
	node, err := new(net.Dialer).DialContext(p.ctx, "tcp", p.all[to].address(peerPort))
	if err != nil {
		hangUp(client)
		return
	}
	defer node.Close()
	if !p.lines.keep(client, node) {
		return // closed in between: nobody would end it
	}
	defer p.lines.forget(client, node)
	end := func() { hangUp(client); hangUp(node) }
	var both sync.WaitGroup
	both.Go(func() { p.stream(client, node, out, end) })
	both.Go(func() { p.stream(node, client, back, end) })
	both.Wait()
}

// pass waits until a way is not cut, and reports whether that took time.
func (p *proxies) pass(w *way) (held bool) {
	for w.get().cut && p.ctx.Err() == nil {
		if !held {
			held = true
			p.held.Add(1)
		}
		wait(p.ctx, holdEvery)
	}
	return held
}

// piece is what was read at once.
type piece struct {
	data []byte
	due  time.Time
}

// stream carries one direction of a connection, and its end. What breaks it ends the whole connection.
func (p *proxies) stream(from, to net.Conn, w *way, end func()) {
	queue := make(chan piece, mostPieces)
	var failed atomic.Bool
	p.running.Go(func() {
		defer close(queue)
		for {
			data := make([]byte, pieceSize)
			n, err := from.Read(data)
			if n > 0 && !failed.Load() {
				queue <- piece{data[:n], time.Now().Add(p.lateness(w, n))}
			}
			if err != nil {
				if !errors.Is(err, io.EOF) {
					end()
				}
				return
			}
		}
	})
	for piece := range queue {
		wait(p.ctx, time.Until(piece.due))
		p.pass(w)
		if failed.Load() {
			continue
		}
		if l := w.get(); l.reset > 0 && rand.Float64() < l.reset {
			p.reset.Add(1)
			failed.Store(true)
			end()
			continue
		}
		p.passed.Add(1)
		if _, err := to.Write(piece.data); err != nil {
			failed.Store(true)
			end()
		}
	}
	p.pass(w)
	if tcp, ok := to.(*net.TCPConn); ok {
		tcp.CloseWrite() // an error says that it is closed
	}
}

// lateness is how much later n bytes arrive than they were sent. It waits while a slow link has enough to send.
func (p *proxies) lateness(w *way, n int) time.Duration {
	for w.backlog() > maxQueue && p.ctx.Err() == nil {
		wait(p.ctx, holdEvery)
	}
	l := w.get()
	late := l.delay
	if l.jitter > 0 {
		late += rand.N(l.jitter)
	}
	if l.rate > 0 {
		late += w.take(n)
	}
	if late > 0 {
		p.delayed.Add(1)
	}
	return late
}

func (p *proxies) close() {
	p.cancel()
	p.lines.end()
	for _, front := range p.fronts {
		front.Close()
	}
	p.running.Wait()
	p.loopback.close()
}

package main

import (
	"context"
	"io"
	"net"
	"sync"
	"sync/atomic"
)

// door lets clients in to the RESP port of a host, from the harness's own network. It can cut them off: before a request
// gets in, or between a request and its reply.
type door struct {
	host     *host
	listener net.Listener
	ctx      context.Context
	cancel   context.CancelFunc
	running  sync.WaitGroup

	mute    atomic.Bool  // requests go in, replies don't come out
	swallow atomic.Int64 // bytes of replies that were thrown away
	severed atomic.Int64 // connections

	mu    sync.Mutex
	conns map[net.Conn]struct{} // both ends of each
}

func openDoor(h *host) (*door, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	d := &door{host: h, listener: listener, conns: map[net.Conn]struct{}{}}
	d.ctx, d.cancel = context.WithCancel(context.Background())
	d.running.Go(d.accept)
	return d, nil
}

func (d *door) addr() string { return d.listener.Addr().String() }

func (d *door) accept() {
	for {
		client, err := d.listener.Accept()
		if err != nil {
			return
		}
		d.running.Go(func() { d.serve(client) })
	}
}

// serve carries bytes both ways until either side ends.
func (d *door) serve(client net.Conn) {
	defer client.Close()
	node, err := d.host.dial(d.ctx, respPort)
	if err != nil {
		return
	}
	defer node.Close()
	d.keep(client, node)
	defer d.forget(client, node)
	if d.ctx.Err() != nil {
		return // closed in between: nobody would end it
	}
	ended := make(chan struct{}, 2)
	go func() {
		io.Copy(node, client) // an error is an end
		ended <- struct{}{}
	}()
	go func() {
		io.Copy(&muffler{door: d, to: client}, node)
		ended <- struct{}{}
	}()
	<-ended
	client.Close()
	node.Close()
	<-ended
}

// muffler hands on what a node answers, unless the door is mute.
type muffler struct {
	door *door
	to   io.Writer
	lost bool // it has kept something back: what comes later would be taken for that
}

func (m *muffler) Write(p []byte) (int, error) {
	if m.lost = m.lost || m.door.mute.Load(); m.lost {
		m.door.swallow.Add(int64(len(p)))
		return len(p), nil
	}
	return m.to.Write(p)
}

func (d *door) keep(conns ...net.Conn) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, c := range conns {
		d.conns[c] = struct{}{}
	}
}

func (d *door) forget(conns ...net.Conn) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, c := range conns {
		delete(d.conns, c)
	}
}

// sever ends all connections, and returns how many there were.
func (d *door) sever() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	for c := range d.conns {
		if tcp, ok := c.(*net.TCPConn); ok {
			tcp.SetLinger(0) // a reset, as of a host that went away
		}
		c.Close()
	}
	n := len(d.conns) / 2
	d.severed.Add(int64(n))
	return n
}

func (d *door) close() {
	d.cancel()
	d.listener.Close()
	d.sever()
	d.running.Wait()
}

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
	lines   lines
}

func openDoor(h *host) (*door, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	d := &door{host: h, listener: listener}
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
	if !d.lines.keep(client, node) {
		return // closed in between: nobody would end it
	}
	defer d.lines.forget(client, node)
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

func (d *door) close() {
	d.cancel()
	d.listener.Close()
	d.lines.end()
	d.running.Wait()
}

package main

import (
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

const maxPacket = 1 << 16

// tun is a network in which every packet between two hosts passes through this program, which forwards, drops, delays or
// doubles it. Each host is a network namespace with one TUN device.
type tun struct {
	all   []*host
	wires []io.ReadWriteCloser
	ways  [hostsAtMost][hostsAtMost]way // from, to
	ends  sync.WaitGroup
	passed, dropped, delayed,
	doubled atomic.Int64
}

func newTun(n int) (*tun, error) {
	t := new(tun)
	for i := range n {
		ip := net.IPv4(10, 201, 0, byte(i+1))
		h, err := newHost(i, ip, func() error {
			wire, err := enterOwnNetwork(ip)
			if err == nil {
				t.wires = append(t.wires, wire)
			}
			return err
		})
		if err != nil {
			t.close()
			return nil, err
		}
		t.all = append(t.all, h)
	}
	for i := range n {
		t.ends.Go(func() { t.carry(i) })
	}
	return t, nil
}

func (t *tun) name() string   { return "tun" }
func (t *tun) hosts() []*host { return t.all }

func (t *tun) lacks(l link) string {
	if l.reset > 0 {
		return "packets are carried, not connections (--net proxy does it)"
	}
	return ""
}

func (t *tun) set(from, to int, l link) {
	t.ways[from][to].set(l)
}

func (t *tun) counted() traffic {
	return traffic{unit: "packet", passed: t.passed.Load(), dropped: t.dropped.Load(), delayed: t.delayed.Load(), doubled: t.doubled.Load()}
}

// carry forwards what a host sends, until its wire is closed.
func (t *tun) carry(from int) {
	packet := make([]byte, maxPacket)
	for {
		n, err := t.wires[from].Read(packet)
		if err != nil {
			return
		}
		if n < 20 || packet[0]>>4 != 4 {
			continue // nobody speaks IPv6 here but to discover neighbours
		}
		to := int(packet[19]) - 1 // of 10.201.0.x
		if to < 0 || to >= len(t.wires) || to == from {
			continue
		}
		t.forward(&t.ways[from][to], to, packet[:n])
	}
}

// forward does to a packet what the link does to it.
func (t *tun) forward(w *way, to int, packet []byte) {
	l := w.get()
	if l.cut || l.loss > 0 && rand.Float64() < l.loss || w.backlog() >= maxQueue {
		t.dropped.Add(1)
		return
	}
	wait := l.delay + w.take(len(packet))
	t.send(to, packet, l, wait)
	if l.dup > 0 && rand.Float64() < l.dup {
		t.doubled.Add(1)
		t.send(to, packet, l, wait)
	}
}

func (t *tun) send(to int, packet []byte, l link, wait time.Duration) {
	if l.jitter > 0 {
		wait += rand.N(l.jitter)
	}
	t.passed.Add(1)
	if wait <= 0 {
		t.wires[to].Write(packet) // a host that can't take it has lost it, as on a real wire
		return
	}
	t.delayed.Add(1)
	own := append([]byte{}, packet...)
	time.AfterFunc(wait, func() { t.wires[to].Write(own) })
}

func (t *tun) close() {
	for _, w := range t.wires {
		w.Close()
	}
	t.ends.Wait()
	for _, h := range t.all {
		h.close()
	}
}

package main

import (
	"math/rand/v2"
	"net"
)

// loopback is a network without faults between the nodes: each host is an address of the loopback. proxies stand on it.
type loopback struct {
	all []*host
	why string // there is no better one
}

func newLoopback(n int, why string) (*loopback, error) {
	l := &loopback{why: why}
	third := byte(rand.IntN(256)) // another run may be under way
	for i := range n {
		h, err := newHost(i, net.IPv4(127, 201, third, byte(i+1)), func() error { return nil })
		if err != nil {
			l.close()
			return nil, err
		}
		l.all = append(l.all, h)
	}
	return l, nil
}

func (l *loopback) name() string         { return "loopback" }
func (l *loopback) hosts() []*host       { return l.all }
func (l *loopback) lacks(link) string    { return l.why }
func (l *loopback) set(_, _ int, _ link) {}
func (l *loopback) counted() traffic     { return traffic{} }

func (l *loopback) close() {
	for _, h := range l.all {
		h.close()
	}
}

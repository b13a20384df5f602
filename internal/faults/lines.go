package main

import (
	"net"
	"sync"
)

// lines are the connections that a door or a proxy carries, both ends of each. The zero value is ready.
type lines struct {
	mu   sync.Mutex
	ends map[net.Conn]struct{}
	over bool // no more are taken
}

// keep takes a connection, and reports whether it may be carried.
func (l *lines) keep(client, node net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over {
		return false
	}
	if l.ends == nil {
		l.ends = map[net.Conn]struct{}{}
	}
	l.ends[client], l.ends[node] = struct{}{}, struct{}{}
	return true
}

func (l *lines) forget(client, node net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.ends, client)
	delete(l.ends, node)
}

// sever ends all connections, and returns how many there were.
func (l *lines) sever() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := len(l.ends) / 2
	for c := range l.ends {
		hangUp(c)
	}
	clear(l.ends)
	return n
}

// end severs all, and lets no more be taken.
func (l *lines) end() {
	l.mu.Lock()
	l.over = true
	l.mu.Unlock()
	l.sever()
}

// hangUp ends a connection as a host does that has lost it: by a reset.
func hangUp(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		tcp.SetLinger(0)
	}
	conn.Close()
}

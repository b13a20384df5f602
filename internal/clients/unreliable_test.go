package clients

import (
	"bytes"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"testing"
)

// fate is what becomes of a request that increments, on its way through a network that fails.
type fate int32

const (
	passes fate = iota
	cut         // the connection breaks before the server has it
	lost        // the connection breaks when the server has answered
	late        // the reply is not there before the client has given up
	held        // the request reaches the server after the client has given up
	fates
)

// perMille is how often each fate is drawn.
var perMille = [fates]int{cut: 50, lost: 50, late: 10, held: 10}

// unreliable stands between clients and servers. Each connection goes to some server.
type unreliable struct {
	net.Listener
	servers []string

	mu    sync.Mutex
	rng   *rand.Rand
	drawn [fates]int
}

func newUnreliable(t *testing.T, seed uint64, servers ...string) *unreliable {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	u := &unreliable{Listener: l, servers: servers, rng: rand.New(rand.NewPCG(seed, 1))}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			go u.relay(client)
		}
	}()
	return u
}

// relay ends when both sides have. A client has one request, or pipeline, on its way at a time.
func (u *unreliable) relay(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", u.server())
	if err != nil {
		return // it is dead
	}
	defer server.Close()
	var now atomic.Int32 // the fate of the request
	gone, answered := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(answered)
		defer client.Close()
		relayChunks(client, server, func([]byte) bool {
			if fate(now.Load()) == late {
				<-gone
			}
			return fate(now.Load()) != lost
		})
	}()
	relayChunks(server, client, func(chunk []byte) bool {
		f := u.draw(chunk)
		now.Store(int32(f))
		if f == held {
			_, _ = client.Read(make([]byte, 1)) // ends when the client gives up
		}
		return f != cut
	})
	client.Close()
	close(gone)
	_ = server.(*net.TCPConn).CloseWrite() // an error means that it is dead
	<-answered
}

func (u *unreliable) server() string {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.servers[u.rng.IntN(len(u.servers))]
}

func (u *unreliable) draw(chunk []byte) fate {
	if !bytes.Contains(chunk, []byte("\r\nINCR\r\n")) {
		return passes
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	n := u.rng.IntN(1000)
	for f, share := range perMille {
		if n -= share; n < 0 {
			u.drawn[f]++
			return fate(f)
		}
	}
	u.drawn[passes]++
	return passes
}

package transport

import (
	"fmt"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/truecount/truecount/internal/memnet"
)

// crowds are ways to keep a listener busy without the secret.
func crowds() map[string]func(net.Conn) {
	until := func(conn net.Conn, pause time.Duration, next func(i int) []byte) {
		for i := 0; ; i++ {
			if _, err := conn.Write(next(i)); err != nil {
				return
			}
			time.Sleep(pause)
		}
	}
	whole := hello(Control, Identity{"house", "a"})
	return map[string]func(net.Conn){
		"silent":             func(net.Conn) {},
		"silent after hello": func(conn net.Conn) { _, _ = conn.Write(whole) },
		"a byte each second": func(conn net.Conn) {
			until(conn, time.Second, func(i int) []byte { return whole[i%len(whole):][:1] })
		},
		"endless noise": func(conn net.Conn) { until(conn, time.Millisecond, func(int) []byte { return make([]byte, 64<<10) }) },
		"endless proof": func(conn net.Conn) {
			_, _ = conn.Write(whole)
			until(conn, time.Millisecond, func(int) []byte { return make([]byte, 64<<10) })
		},
	}
}

func TestAnHonestPeerGetsThroughAnyCrowdOfStrangers(t *testing.T) {
	const crowd = 1000
	for name, behave := range crowds() {
		inVirtualTime(t, func(t *testing.T, n *memnet.Network) {
			_ = n.Delay(time.Millisecond, time.Millisecond)
			b := open(t, n, "b")
			var strangers sync.WaitGroup
			for range crowd { // one each 100 µs
				conn := stranger(t, n, "b")
				strangers.Go(func() { behave(conn) })
				time.Sleep(100 * time.Microsecond)
			}
			for i := range 20 { // a dial and two round trips, and one for the call
				link := open(t, n, fmt.Sprint("honest", i)).Link(Control, addrOf("b"))
				if got := ask(link, "x"); got.err != nil || got.after > 8*time.Millisecond {
					t.Fatalf("%s: the call of peer %d ended with %v after %v", name, i, got.err, got.after)
				}
				conn := stranger(t, n, "b")
				strangers.Go(func() { behave(conn) })
			}
			b.mu.Lock()
			if len(b.strangers) > maxStrangers || len(b.conns) > maxStrangers+20 {
				t.Errorf("%s: %d strangers among %d connections", name, len(b.strangers), len(b.conns))
			}
			b.mu.Unlock()
			time.Sleep(handshakeTimeout)
			synctest.Wait()
			if len(b.strangers) != 0 || len(b.conns) != 20 || seatsOf(b, Control) != 20 {
				t.Errorf("%s: after the time of a handshake %d strangers are left, %d connections, %d seats", name,
					len(b.strangers), len(b.conns), seatsOf(b, Control))
			}
			strangers.Wait()
		})
	}
}

func TestOneMoreStrangerPushesOutTheOldest(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, n *memnet.Network) {
		open(t, n, "b")
		var strangers []net.Conn
		for range maxStrangers {
			strangers = append(strangers, stranger(t, n, "b"))
			time.Sleep(time.Millisecond)
		}
		strangers[3].Close() // makes room for one
		synctest.Wait()
		stranger(t, n, "b")
		synctest.Wait()
		for _, conn := range strangers[:2] {
			start := time.Now()
			stranger(t, n, "b")
			expectHangUp(t, conn)
			if time.Since(start) != 0 {
				t.Errorf("it was closed after %v", time.Since(start))
			}
		}
		send(t, strangers[2], appendRecord(knock(t, strangers[2], Control), appendFrame(nil, 1, 1, nil)))
	})
}

// The owner may take his time, while he starts. Strangers can't push out those who wait for him.
func TestThoseWhoWaitForTheOwnerAreBoundedAndKeepTheirPlace(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, n *memnet.Network) {
		started := make(chan struct{})
		b := open(t, n, "b", admitting(func(Stream, Identity) error {
			<-started
			return nil
		}))
		var waiting []<-chan error
		dial := func() <-chan error {
			done := make(chan error, 1)
			conn := stranger(t, n, "b")
			go func() { done <- sayHello(conn, secret, Control, Identity{"house", "a"}) }()
			return done
		}
		for range maxServed {
			waiting = append(waiting, dial())
		}
		synctest.Wait()
		if err := <-dial(); err == nil || err.Error() != "refused by the peer: 128 connections for stream 'C' are open" {
			t.Errorf("one more: %v", err)
		}
		for range 2 * maxStrangers {
			stranger(t, n, "b")
			synctest.Wait()
		}
		close(started)
		for i, done := range waiting {
			if err := <-done; err != nil {
				t.Errorf("number %d: %v", i, err)
			}
		}
		if seatsOf(b, Control) != maxServed {
			t.Errorf("%d seats are taken", seatsOf(b, Control))
		}
	})
}

package main

import (
	"io"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// wire is a host's in memory: what is put into sent is read from it, what arrives is kept.
type wire struct {
	sent chan []byte

	mu    sync.Mutex
	marks []byte // the last byte of each packet that has arrived
}

func (w *wire) arrived() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return string(w.marks)
}

func (w *wire) Read(p []byte) (int, error) {
	packet, ok := <-w.sent
	if !ok {
		return 0, io.EOF
	}
	return copy(p, packet), nil
}

func (w *wire) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.marks = append(w.marks, p[len(p)-1])
	return len(p), nil
}

func (w *wire) Close() error { close(w.sent); return nil }

// packet is one of IPv4 to a host, of 100 bytes; mark is its last.
func packet(to int, mark byte) []byte {
	p := make([]byte, 100)
	p[0], p[19], p[99] = 0x45, byte(to+1), mark
	return p
}

// switched is a tun of three hosts in memory.
func switched(t *testing.T, test func(n *tun, wires []*wire)) {
	synctest.Test(t, func(*testing.T) {
		n := new(tun)
		var wires []*wire
		for i := range 3 {
			wires = append(wires, &wire{sent: make(chan []byte)})
			n.wires = append(n.wires, wires[i])
		}
		for i := range 3 {
			n.ends.Go(func() { n.carry(i) })
		}
		test(n, wires)
		n.close()
	})
}

func TestAPacketGoesWhereItIsSentAndNowhereElse(t *testing.T) {
	switched(t, func(n *tun, wires []*wire) {
		six := packet(1, 9)
		six[0] = 0x60
		for _, p := range [][]byte{packet(1, 1), packet(2, 2), packet(0, 3), packet(3, 4), packet(-1, 5), packet(1, 6)[:19], six} {
			wires[0].sent <- p
		}
		wires[1].sent <- packet(0, 7)
		synctest.Wait()
		for i, want := range []string{"\x07", "\x01", "\x02"} {
			if got := wires[i].arrived(); got != want {
				t.Errorf("at host %d: packets %q, want %q", i+1, got, want)
			}
		}
		if c := n.counted(); c.passed != 3 || c.dropped != 0 {
			t.Errorf("counted %+v, want 3 passed", c)
		}
	})
}

func TestALinkIsBadInItsDirectionOnly(t *testing.T) {
	for _, c := range []struct {
		name  string
		link  link
		want  string // of three packets, at once
		later string // a second afterwards; any: all three, in any order
		proof string
	}{
		{"good", link{}, "abc", "abc", ""},
		{"cut", link{cut: true}, "", "", "3 packets dropped"},
		{"all lost", link{loss: 1}, "", "", "3 packets dropped"},
		{"doubled", link{dup: 1}, "aabbcc", "aabbcc", "3 packets doubled"},
		{"late", link{delay: 100 * time.Millisecond}, "", "any", "3 packets delayed, 0 dropped"},
		{"slow", link{rate: 500}, "a", "abc", "2 packets delayed, 0 dropped"},     // 200 ms a packet
		{"very slow", link{rate: 100}, "a", "a", "0 packets delayed, 2 dropped"},  // a second a packet: too long to wait for
		{"cut and slow", link{cut: true, rate: 100}, "", "", "3 packets dropped"}, // what is cut takes no time
		{"reset", link{reset: 1}, "abc", "abc", ""},                               // it carries no connections
		{"late and slow", link{delay: 10 * time.Millisecond, rate: 500}, "", "abc", "3 packets delayed, 0 dropped"},
	} {
		t.Run(c.name, func(t *testing.T) {
			switched(t, func(n *tun, wires []*wire) {
				n.set(0, 1, c.link)
				for _, mark := range []byte("abc") {
					wires[0].sent <- packet(1, mark)
					wires[1].sent <- packet(0, mark)
					wires[0].sent <- packet(2, mark)
				}
				synctest.Wait()
				if got := wires[1].arrived(); got != c.want {
					t.Errorf("%q has arrived, want %q", got, c.want)
				}
				time.Sleep(time.Second)
				synctest.Wait()
				got := []byte(wires[1].arrived())
				if c.later == "any" {
					slices.Sort(got)
					c.later = "abc"
				}
				if string(got) != c.later {
					t.Errorf("later %q has arrived, want %q", got, c.later)
				}
				if wires[0].arrived() != "abc" || wires[2].arrived() != "abc" {
					t.Errorf("other links: %q and %q, want abc", wires[0].arrived(), wires[2].arrived())
				}
				if got := n.counted().proof(c.link); got != c.proof {
					t.Errorf("proof %q, want %q", got, c.proof)
				}
			})
		})
	}
}

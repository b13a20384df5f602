// Package memnet is a network in memory, with delays, cuts, bad links and dead hosts, for clusters in virtual time (testing/synctest).
//
//	Network.Dial             travels there and back, then makes two Conns; hangs while the path is cut
//	    Listener.Accept      takes the far Conn out of a bounded backlog
//	Conn.Write               waits for room in the Window, then
//	    Conn.sendLocked      queues a segment with its time of arrival, or holds it while the path is cut
//	Conn.Read                waits for the arrival of the first segment
//	Delay                    the latency of the segments sent from now on
//	Cut, CutOneWay, Isolate  hold what is on its way and what is sent later, silently; dials hang
//	Shape(from, to, Link)    latency, losses, a bounded rate and flipped bits in one direction
//	Break                    resets the connections between two hosts
//	Heal                     lets all of it go on
//	Counts                   what befell whom: the proof that a fault acted
//	Kill                     the host's Conns end with a reset on the far side, its listeners close
//
// Rules. One mutex, the Network's, guards everything; methods that need it end in Locked. It is never held across a wait:
// waits are on a sync.Cond of it, on channels or on timers, so they block durably in a synctest bubble. The package starts no
// goroutine, and a timer exists only while a call waits; after Close nothing is left. Inside a bubble the Network, too, must be
// made there. Within one host there is no delay and no cut. Limits: Window bytes on their way per direction (then Write waits),
// Backlog connections that nobody has accepted (then Dial waits).
//
// Tests: conn_test.go (net.Conn's contract), dial_test.go, fault_test.go and link_test.go (each fault), all in virtual time.
package memnet

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	// Window is the most bytes of one direction of a Conn that are written and not yet read: both socket buffers and the path.
	Window = 256 << 10
	// Backlog is the most connections of a Listener that wait for Accept.
	Backlog = 128

	firstPort = 49152 // of the ports the Network gives out
)

// ErrAddress is wrapped by the errors for addresses that are not "host:port".
var ErrAddress = errors.New("memnet: bad address")

// Network connects hosts. A host is the part of an address before the port ("n1" of "n1:17379") and exists by being named.
// All methods may be called concurrently.
type Network struct {
	mu        sync.Mutex
	rng       *rand.Rand
	listeners map[string]*Listener
	conns     map[uint64]*Conn // both ends of every pair that has an open end
	lastConn  uint64
	lastPort  int
	lives     map[string]int // by host: how often it was killed
	cuts      map[path]bool
	isolated  map[string]bool
	lo, hi    time.Duration // of Delay
	links     map[path]Link
	busy      map[path]time.Time // when what was sent over a Link with a Rate will have left
	counts    map[path]*Counts
	changed   chan struct{} // closed and replaced when a hanging Dial should look again
}

// path is one direction between two hosts.
type path struct{ from, to string }

// New makes a Network without delays or cuts. All delays are drawn from rng, which belongs to the Network from then on; nil
// is a fixed seed.
func New(rng *rand.Rand) *Network {
	if rng == nil {
		rng = rand.New(rand.NewPCG(0, 0))
	}
	return &Network{
		rng:       rng,
		listeners: make(map[string]*Listener),
		conns:     make(map[uint64]*Conn),
		lastPort:  firstPort - 1,
		lives:     make(map[string]int),
		cuts:      make(map[path]bool),
		isolated:  make(map[string]bool),
		links:     make(map[path]Link),
		busy:      make(map[path]time.Time),
		counts:    make(map[path]*Counts),
		changed:   make(chan struct{}),
	}
}

// Listen takes connections to addr, "host:port"; port 0 draws a free one. Errors: ErrAddress, EADDRINUSE.
func (n *Network) Listen(addr string) (net.Listener, error) {
	host, port, err := split(addr)
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: networkName, Err: err}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if port == 0 {
		addr = n.nextAddrLocked(host)
	}
	if n.listeners[addr] != nil {
		return nil, &net.OpError{Op: "listen", Net: networkName, Addr: Addr(addr), Err: os.NewSyscallError("bind", syscall.EADDRINUSE)}
	}
	l := &Listener{n: n, addr: addr, cond: sync.NewCond(&n.mu)}
	n.listeners[addr] = l
	return l, nil
}

// Dial connects from a host (a port behind it is ignored: the connection gets its own) to a listening address. It takes the
// delay there and back. Errors: ErrAddress; ECONNREFUSED if nobody listens; ctx's error, which is the only end of a dial over a
// cut path or to a full Backlog; ETIMEDOUT if a Link loses it too often; net.ErrClosed if from is killed meanwhile. The Conn
// returned is a *Conn.
func (n *Network) Dial(ctx context.Context, from, to string) (net.Conn, error) {
	fail := func(err error) error { return &net.OpError{Op: "dial", Net: networkName, Addr: Addr(to), Err: err} }
	src := hostOf(from)
	dst, port, err := split(to)
	if err != nil {
		return nil, fail(err)
	}
	if src == "" || port == 0 {
		return nil, fail(fmt.Errorf("%w: from %q to %q", ErrAddress, from, to))
	}
	life := n.life(src)
	for {
		if err := n.travel(ctx, src, dst); err != nil {
			return nil, fail(err)
		}
		c, changed, err := n.connect(src, to, life)
		if err != nil {
			return nil, fail(err)
		}
		if c != nil {
			return c, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, fail(ctx.Err())
		}
	}
}

// travel waits for one round trip.
func (n *Network) travel(ctx context.Context, from, to string) error {
	n.mu.Lock()
	trip := n.delayLocked(from, to) + n.delayLocked(to, from)
	there, failed := n.redialLocked(from, to)
	back, failedBack := n.redialLocked(to, from)
	n.mu.Unlock()
	if failed == nil {
		failed = failedBack
	}
	if trip += there + back; trip == 0 || ctx.Err() != nil {
		return ctx.Err()
	}
	timer := time.NewTimer(trip)
	defer timer.Stop()
	select {
	case <-timer.C:
		return failed
	case <-ctx.Done():
		return ctx.Err()
	}
}

// connect makes the pair if all is well now. Without a Conn and without an error the caller tries again after changed.
func (n *Network) connect(from, to string, life int) (c *Conn, changed <-chan struct{}, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	dst := hostOf(to)
	if n.lives[from] != life {
		return nil, nil, net.ErrClosed
	}
	if n.severedLocked(from, dst) || n.severedLocked(dst, from) {
		n.countsLocked(from, dst).Hung++
		return nil, n.changed, nil
	}
	l := n.listeners[to]
	if l == nil {
		return nil, nil, os.NewSyscallError("connect", syscall.ECONNREFUSED)
	}
	if len(l.queue) >= Backlog {
		return nil, n.changed, nil
	}
	near, far := n.pairLocked(n.nextAddrLocked(from), to)
	l.queue = append(l.queue, far)
	l.cond.Signal()
	return near, nil, nil
}

func (n *Network) pairLocked(from, to string) (near, far *Conn) {
	near = &Conn{n: n, id: n.lastConn + 1, local: from, remote: to, cond: sync.NewCond(&n.mu)}
	far = &Conn{n: n, id: n.lastConn + 2, local: to, remote: from, cond: sync.NewCond(&n.mu), peer: near}
	near.peer = far
	n.lastConn += 2
	n.conns[near.id], n.conns[far.id] = near, far
	return near, far
}

// connsLocked lists the Conns in the order they were made, so that the same seed draws the same delays.
func (n *Network) connsLocked() []*Conn {
	list := make([]*Conn, 0, len(n.conns))
	for _, id := range slices.Sorted(maps.Keys(n.conns)) {
		list = append(list, n.conns[id])
	}
	return list
}

// nextAddrLocked is an address of host that was never given out and nobody listens on. Port numbers may pass 65535: they are
// names here, and a name used twice would confuse a reader of logs.
func (n *Network) nextAddrLocked(host string) string {
	for {
		n.lastPort++
		addr := host + ":" + strconv.Itoa(n.lastPort)
		if n.listeners[addr] == nil {
			return addr
		}
	}
}

func (n *Network) life(host string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.lives[host]
}

// changedLocked lets hanging Dials look again.
func (n *Network) changedLocked() {
	close(n.changed)
	n.changed = make(chan struct{})
}

// split takes "host:port" apart.
func split(addr string) (host string, port int, err error) {
	host, name, found := cutLast(addr)
	port, err = strconv.Atoi(name)
	if !found || host == "" || err != nil || port < 0 {
		return "", 0, fmt.Errorf("%w: %q is not host:port", ErrAddress, addr)
	}
	return host, port, nil
}

// hostOf is the host of an address, or of a bare host name.
func hostOf(addr string) string {
	host, _, _ := cutLast(addr)
	return host
}

func cutLast(addr string) (host, port string, found bool) {
	i := strings.LastIndexByte(addr, ':')
	if i < 0 {
		return addr, "", false
	}
	return addr[:i], addr[i+1:], true
}

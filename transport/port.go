package transport

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// Handler answers one call of a peer: reply must be called at most once, from any goroutine; a call that is never
// answered ends with the connection. It runs on the connection's goroutine and must not block. payload is the Handler's.
type Handler func(from string, method byte, payload []byte, reply func([]byte))

// Config is what a Port is made of. All but Logf must be set.
type Config struct {
	Listener net.Listener
	Dial     func(ctx context.Context, addr string) (net.Conn, error)
	Me       func() Identity                          // asked at every handshake
	Admit    func(stream Stream, from Identity) error // nil: welcome. Its text is told to the peer
	Handlers map[Stream]Handler                       // of the Streams that are served; others but Raft are refused
	Logf     func(format string, args ...any)         // refused peers
}

// Port is a node's peer port.
type Port struct {
	config Config
	raft   chan net.Conn
	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	slots  chan struct{}            // a token per handshake under way
	seats  map[Stream]chan struct{} // a token per connection that is served; only what Handlers has is in it
	wg     sync.WaitGroup

	mu    sync.Mutex
	conns map[net.Conn]struct{} // all that are open, in both directions
	links map[linkKey]*Link
	done  bool
}

type linkKey struct {
	stream Stream
	addr   string
}

// NewPort starts accepting.
func NewPort(config Config) *Port {
	ctx, cancel := context.WithCancel(context.Background())
	p := &Port{
		config: config,
		raft:   make(chan net.Conn),
		ctx:    ctx,
		cancel: cancel,
		slots:  make(chan struct{}, maxHandshakes),
		seats:  map[Stream]chan struct{}{},
		conns:  map[net.Conn]struct{}{},
		links:  map[linkKey]*Link{},
	}
	for stream := range config.Handlers {
		p.seats[stream] = make(chan struct{}, maxServed)
	}
	p.wg.Go(p.accept)
	return p
}

// Addr is the address the Port listens on.
func (p *Port) Addr() net.Addr { return p.config.Listener.Addr() }

// Close ends the Port, every connection and every call.
func (p *Port) Close() error {
	p.mu.Lock()
	if p.done {
		p.mu.Unlock()
		return nil
	}
	p.done = true
	p.cancel()
	err := p.config.Listener.Close()
	for conn := range p.conns {
		conn.Close()
	}
	p.mu.Unlock()
	p.wg.Wait()
	return err
}

// AcceptRaft waits for the next connection of a peer's raft. After Close it returns net.ErrClosed.
func (p *Port) AcceptRaft() (net.Conn, error) {
	select {
	case conn := <-p.raft:
		return conn, nil
	case <-p.ctx.Done():
		return nil, net.ErrClosed
	}
}

// DialRaft opens a connection for raft to the peer port at addr. The end of ctx ends the dial and its handshake, not the
// connection that they gave. A refusal wraps ErrRefused.
func (p *Port) DialRaft(ctx context.Context, addr string) (net.Conn, error) {
	return p.dial(ctx, Raft, addr)
}

// Link is the one connection for calls of a Stream to the peer port at addr; it is made when first needed, and again
// after it broke.
func (p *Port) Link(stream Stream, addr string) *Link {
	p.mu.Lock()
	defer p.mu.Unlock()
	key := linkKey{stream, addr}
	l := p.links[key]
	if l == nil {
		l = &Link{port: p, stream: stream, addr: addr, pending: map[uint64]*call{}}
		p.links[key] = l
	}
	return l
}

func (p *Port) dial(ctx context.Context, stream Stream, addr string) (net.Conn, error) {
	raw, err := p.config.Dial(ctx, addr)
	if err != nil {
		return nil, err
	}
	conn, err := p.track(raw)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	deadline := time.Now().Add(handshakeTimeout)
	err = errors.Join(conn.SetDeadline(deadline), sayHello(conn, stream, p.config.Me()), conn.SetDeadline(time.Time{}))
	if !stop() {
		err = ctx.Err()
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

func (p *Port) accept() {
	for {
		raw, err := p.config.Listener.Accept()
		if err != nil {
			select {
			case <-p.ctx.Done():
				return
			case <-time.After(acceptPause): // out of file descriptors, say: don't spin
				continue
			}
		}
		select {
		case p.slots <- struct{}{}:
		default:
			raw.Close()
			continue
		}
		conn, err := p.track(raw)
		if err != nil {
			<-p.slots
			return
		}
		p.wg.Go(func() { p.welcome(conn) })
	}
}

const acceptPause = 50 * time.Millisecond

// welcome shakes hands and hands the connection to whom it is for.
func (p *Port) welcome(conn net.Conn) {
	stream, from, err := p.shake(conn)
	<-p.slots
	if err != nil {
		conn.Close()
		if p.config.Logf != nil && p.ctx.Err() == nil {
			p.config.Logf("peer %s refused: %v", conn.RemoteAddr(), err)
		}
		return
	}
	if stream != Raft {
		p.serve(conn, from.Node, p.config.Handlers[stream])
		p.leave(stream)
		return
	}
	select {
	case p.raft <- conn:
	case <-p.ctx.Done():
		conn.Close()
	}
}

func (p *Port) shake(conn net.Conn) (Stream, Identity, error) {
	if err := conn.SetDeadline(time.Now().Add(handshakeTimeout)); err != nil {
		return 0, Identity{}, err
	}
	stream, from, err := hearHello(conn)
	if err != nil {
		return 0, Identity{}, err
	}
	refusal := p.seat(stream, from)
	err = errors.Join(refusal, answerHello(conn, refusal), conn.SetDeadline(time.Time{}))
	if err != nil && refusal == nil {
		p.leave(stream)
	}
	return stream, from, err
}

// seat gives an admitted peer its seat, which it must leave. The error is the refusal.
func (p *Port) seat(stream Stream, from Identity) error {
	seats, known := p.seats[stream]
	if !known && stream != Raft {
		return fmt.Errorf("unknown stream %q", byte(stream))
	}
	if err := p.config.Admit(stream, from); err != nil || stream == Raft {
		return err
	}
	select {
	case seats <- struct{}{}:
		return nil
	default:
		return fmt.Errorf("%d connections for stream %q are open", maxServed, byte(stream))
	}
}

func (p *Port) leave(stream Stream) {
	if stream != Raft {
		<-p.seats[stream]
	}
}

// maxServed bounds the connections of a Stream but Raft: Join lets strangers in. A member needs one.
const maxServed = 128

// serve answers a peer's calls until its connection ends. At most maxCalls are unanswered, or their replies unwritten; then
// it stops reading.
func (p *Port) serve(conn net.Conn, from string, handle Handler) {
	slots := make(chan struct{}, maxCalls)
	out := newOutbox(conn, func(frames int) {
		for range frames {
			<-slots
		}
	})
	p.wg.Go(out.run)
	defer out.close()
	in := bufio.NewReaderSize(conn, 64<<10)
	for {
		call, method, payload, err := readFrame(in)
		if err != nil {
			return
		}
		select {
		case slots <- struct{}{}:
		case <-out.ended:
			return
		case <-p.ctx.Done():
			return
		}
		handle(from, method, payload, func(reply []byte) { out.add(call, 0, reply) })
	}
}

const maxCalls = 1024 // under way on one connection

// start runs a job that Close waits for. After Close it does not, and answers false.
func (p *Port) start(job func()) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.done {
		return false
	}
	p.wg.Go(job)
	return true
}

// track makes Close close the connection, too.
func (p *Port) track(raw net.Conn) (net.Conn, error) {
	conn := &trackedConn{Conn: raw, port: p}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.done {
		raw.Close()
		return nil, net.ErrClosed
	}
	p.conns[conn.Conn] = struct{}{}
	return conn, nil
}

type trackedConn struct {
	net.Conn
	port *Port
}

func (c *trackedConn) Close() error {
	c.port.mu.Lock()
	delete(c.port.conns, c.Conn)
	c.port.mu.Unlock()
	return c.Conn.Close()
}

package transport

import (
	"bufio"
	"context"
	"errors"
	"net"
	"sync"
	"time"
)

// Handler answers one call of a peer: reply must be called at most once, from any goroutine; a call that is never
// answered ends with the connection. It runs on the connection's goroutine and must not block. payload is the Handler's.
type Handler func(from string, method byte, payload []byte, reply func([]byte))

// Config is what a Port is made of. All but Told, Secret, Logf and Damaged must be set.
type Config struct {
	Listener net.Listener
	Told     string // address at which others reach the Listener; empty: its own
	Dial     func(ctx context.Context, addr string) (net.Conn, error)
	Secret   []byte                                   // what all peers must know; empty: anybody may say who he is
	Me       func() Identity                          // asked at every handshake
	Admit    func(stream Stream, from Identity) error // nil: welcome. Its text is told to the peer
	Handlers map[Stream]Handler                       // of the Streams that are served; others but Raft are refused
	Logf     func(format string, args ...any)         // refused peers
	Damaged  func(peer string, err error)             // a connection was ended for bytes that were changed on their way; may be nil
}

// Port is a node's peer port.
type Port struct {
	config Config
	raft   chan net.Conn
	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu        sync.Mutex
	conns     map[*trackedConn]struct{} // all that are open, in both directions
	strangers []*trackedConn            // of them, those that have not proven themselves; oldest first
	seats     map[Stream]int            // taken, of maxServed; what is not in it is refused
	links     map[linkKey]*Link
	done      bool
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
		conns:  map[*trackedConn]struct{}{},
		seats:  map[Stream]int{Raft: 0},
		links:  map[linkKey]*Link{},
	}
	for stream := range config.Handlers {
		p.seats[stream] = 0
	}
	p.wg.Go(p.accept)
	return p
}

// Addr is the address at which others reach the Port.
func (p *Port) Addr() net.Addr {
	if p.config.Told != "" {
		return told(p.config.Told)
	}
	return p.config.Listener.Addr()
}

// told is an address that was given as text, and may hold a host's name.
type told string

func (t told) Network() string { return "tcp" }
func (t told) String() string  { return string(t) }

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
	for c := range p.conns {
		c.Conn.Close()
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
		l.ctx, l.forget = context.WithCancel(p.ctx)
		p.links[key] = l
	}
	return l
}

// Forget closes the Links to addr and drops them: their calls end with ErrBroken or ErrNotSent, and so do later ones. Link
// makes new ones. What raft has dialed is left to raft, which may still have to tell a member that it was removed.
func (p *Port) Forget(addr string) {
	p.mu.Lock()
	var links []*Link
	for key, l := range p.links {
		if key.addr == addr {
			links = append(links, l)
			delete(p.links, key)
		}
	}
	p.mu.Unlock()
	for _, l := range links {
		l.close()
	}
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
	err = errors.Join(conn.SetDeadline(deadline), sayHello(conn, p.config.Secret, stream, p.config.Me()), conn.SetDeadline(time.Time{}))
	if !stop() {
		err = ctx.Err()
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return p.checked(conn, addr), nil
}

// checked is a connection behind its handshake.
func (p *Port) checked(c *trackedConn, peer string) net.Conn {
	r := &records{Conn: c}
	if p.config.Damaged != nil {
		r.damaged = func(err error) { p.config.Damaged(peer, err) }
	}
	return r
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
		c, err := p.knock(raw)
		if err != nil {
			return
		}
		p.wg.Go(func() { p.welcome(c) })
	}
}

const acceptPause = 50 * time.Millisecond

// welcome shakes hands and hands the connection to whom it is for.
func (p *Port) welcome(c *trackedConn) {
	stream, from, err := p.shake(c)
	if err != nil {
		c.Close()
		if p.config.Logf != nil && p.ctx.Err() == nil {
			p.config.Logf("peer %s refused: %v", c.RemoteAddr(), err)
		}
		return
	}
	conn := p.checked(c, from.Node)
	if stream != Raft {
		p.serve(conn, from.Node, p.config.Handlers[stream])
		return
	}
	select {
	case p.raft <- conn:
	case <-p.ctx.Done():
		conn.Close()
	}
}

func (p *Port) shake(c *trackedConn) (Stream, Identity, error) {
	if err := c.SetDeadline(time.Now().Add(handshakeTimeout)); err != nil {
		return 0, Identity{}, err
	}
	x, stream, from, err := hearHello(c, p.config.Secret)
	if err != nil {
		return 0, Identity{}, err
	}
	refusal := p.seat(c, stream, from.Node)
	if refusal == nil {
		refusal = p.config.Admit(stream, from)
	}
	if refusal != nil {
		return 0, Identity{}, x.refuse(refusal)
	}
	return stream, from, errors.Join(x.welcome(), c.SetDeadline(time.Time{}))
}

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

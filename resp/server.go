package resp

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/tidwall/redcon"

	"github.com/truecount/truecount/fsm"
)

// Options of a Server. All but Cluster may be zero.
type Options struct {
	Cluster    Cluster                          // who answers; required
	Version    string                           // our own version, for INFO; default "unknown"
	Now        func() time.Time                 // the wall clock, for what is told to people; default time.Now
	MaxClients int                              // connections at a time; default 10,000
	MaxHeld    int64                            // bytes of buffers of all connections; default 256 MiB. See held.go
	Limits     Limits                           // of one command on the wire
	Password   []byte                           // that clients must log in with; empty: none
	Facade     Facade                           // for clients that look for other nodes; default NoFacade
	BindGrace  time.Duration                    // that a bound instance has when its connection has ended; default none
	MasterName string                           // what clients of SentinelFacade call the cluster; default "mymaster"
	Logf       func(format string, args ...any) // of what an operator should know; default: nowhere
}

func (o *Options) version() string {
	if o.Version == "" {
		return "unknown"
	}
	return o.Version
}

func (o *Options) now() func() time.Time {
	if o.Now == nil {
		return time.Now
	}
	return o.Now
}

func (o *Options) maxClients() int {
	if o.MaxClients <= 0 {
		return defaultMaxClients
	}
	return o.MaxClients
}

func (o *Options) maxHeld() int64 {
	if o.MaxHeld <= 0 {
		return defaultMaxHeld
	}
	return o.MaxHeld
}

func (o *Options) logf() func(string, ...any) {
	if o.Logf == nil {
		return func(string, ...any) {}
	}
	return o.Logf
}

// Stats counts what a Server has done since it was made.
type Stats struct {
	Clients  int64  // connected now
	Accepted uint64 // connections
	Rejected uint64 // connections beyond MaxClients
	Commands uint64 // taken, refused ones included
	BytesIn  uint64 // read from sockets
	BytesOut uint64 // written to sockets
	Held     int64  // bytes of buffers of all connections now
	Unread   uint64 // connections cut off because they did not read their replies
	Overheld uint64 // connections cut off because all together held too much, and they the most
	Foreign  uint64 // connections cut off because they spoke HTTP
	Overrun  uint64 // connections cut off because messages came faster than they read
	Half     uint64 // connections cut off in the middle of a command
	Lost     uint64 // keyspace events that nobody was told of, because they came too fast
}

// door is what all sessions of a Server share.
type door struct {
	cluster     Cluster
	facade      *facade
	gate        gate
	table       *table
	version     string
	now         func() time.Time
	started     time.Time
	password    password
	switchboard switchboard // of messages
	keyspace    keyspace
	crowd       crowd                // all connections; set by NewServer
	monitors    atomic.Int64         // connections that MONITOR
	clock       func() time.Duration // since the door was made; never 0
	drawSession func() fsm.SessionID // of ONCE
	mostClients int64                // as many as the process was started for
	maxClients  atomic.Int64         // no more than that
	setting     sync.Mutex           // held while settings change
	idle        idle
	bindings    *bindings
	heartbeats  *heartbeats

	errors    errorTally
	slowlog   slowlog
	latency   latencyMonitor
	watched   atomic.Int64 // see rewatch
	untracked atomic.Bool  // latency-tracking no
	pulse     pulse
	base      atomic.Pointer[counters] // what was counted before CONFIG RESETSTAT

	runID        string        // 40 hexadecimal digits, others each time
	systemMemory uint64        // bytes; 0: not known
	peak         atomic.Uint64 // the most memory that INFO has told of
	timedOut     atomic.Uint64 // connections closed because they were idle
	hits, misses atomic.Uint64 // keys that reads have found, and not found

	port                                            atomic.Int64 // of the newest listener; 0 unless TCP
	clients, held                                   atomic.Int64
	accepted, rejected, commands, bytesIn, bytesOut atomic.Uint64
	unread, overheld, foreign, overrun, half        atomic.Uint64
}

func newDoor(o *Options) *door {
	now, began, f := o.now(), time.Now(), newFacade(o)
	d := &door{
		cluster: o.Cluster, facade: f, gate: gate{cluster: o.Cluster, behind: tightFor}, table: newTable(f.families()), version: o.version(),
		runID: newRunID(), systemMemory: systemMemory(),
		now: now, started: now(), mostClients: int64(o.maxClients()), idle: newIdle(), password: newPassword(o.Password),
		clock: func() time.Duration { return max(1, time.Since(began)) }, drawSession: drawSession,
	}
	f.publish = func(channel, message []byte) int { return d.switchboard.publish(channels, channel, message) }
	d.maxClients.Store(d.mostClients)
	d.base.Store(&counters{})
	d.bindings, d.heartbeats = newBindings(o.Cluster, o.BindGrace), newHeartbeats(o.Cluster)
	d.slowlog.micros.Store(defaultSlowMicros)
	d.slowlog.length.Store(defaultSlowLength)
	d.rewatch()
	return d
}

func newRunID() string {
	var id [20]byte
	_, _ = rand.Read(id[:]) // it never fails
	return hex.EncodeToString(id[:])
}

// tracked reports whether the latency of commands is counted.
func (d *door) tracked() bool { return !d.untracked.Load() }

func (d *door) stats() Stats {
	return Stats{
		Clients: d.clients.Load(), Accepted: d.accepted.Load(), Rejected: d.rejected.Load(),
		Commands: d.commands.Load(), BytesIn: d.bytesIn.Load(), BytesOut: d.bytesOut.Load(),
		Held: d.held.Load(), Unread: d.unread.Load(), Overheld: d.overheld.Load(), Foreign: d.foreign.Load(),
		Overrun: d.overrun.Load(), Half: d.half.Load(), Lost: d.keyspace.dropped.Load(),
	}
}

// Server speaks the Redis protocol to clients. Make one with NewServer; start it with Serve, on as many listeners as
// wanted; end it with Shutdown or Close. All methods may be called from any goroutine.
type Server struct {
	door    *door
	limits  Limits
	maxHeld int64
	lanes   lanes
	logf    func(string, ...any)

	noticeAccept, noticeFull, noticeUnread, noticeHeld, noticeForeign, noticeOverrun, noticeHalf, noticeLost notice

	relieving atomic.Bool // relieve is at work
	watching  sync.Once   // closeIdle and facade.watch were started

	mu        sync.Mutex
	listeners map[net.Listener]struct{}
	conns     map[*conn]struct{}
	lastID    int64
	stop      chan struct{} // closed when no more connections are taken
	stopping  bool

	running sync.WaitGroup // goroutines of connections, and the facade's
}

// NewServer makes a Server.
func NewServer(o Options) *Server {
	s := &Server{
		door: newDoor(&o), limits: o.Limits, maxHeld: o.maxHeld(), lanes: newLanes(), logf: o.logf(),
		listeners: map[net.Listener]struct{}{}, conns: map[*conn]struct{}{}, stop: make(chan struct{}),
	}
	s.door.crowd = s
	s.door.keyspace.lost = func() {
		s.noticeLost.log(s.logf, "resp: keyspace events are lost: more than %d wait to be told, or %d MiB of keys", maxEvents, maxEventBytes>>20)
	}
	return s
}

// Stats tells what the Server has done.
func (s *Server) Stats() Stats { return s.door.stats() }

// acceptPause is how long a Server waits when it is short of file descriptors or memory.
const acceptPause = 50 * time.Millisecond

// Serve takes connections from l and answers them until Shutdown or Close, and returns nil then. Another error of the
// listener ends it, and is returned. It closes l.
func (s *Server) Serve(l net.Listener) error {
	defer l.Close()
	if !s.listen(l) {
		return nil
	}
	defer s.forget(l)
	for {
		nc, err := l.Accept()
		if err == nil {
			s.lanes.enter() // newcomers must not crowd out those who are there
			s.admit(nc)
			s.lanes.leave()
			continue
		}
		if !passing(err) {
			select {
			case <-s.stop:
				return nil
			default:
				return err
			}
		}
		s.noticeAccept.log(s.logf, "resp: accept: %v", err)
		select {
		case <-s.stop:
			return nil
		case <-time.After(acceptPause):
		}
	}
}

// passing reports whether an error of Accept is about the moment, or about one connection, and not about the listener.
func passing(err error) bool {
	for _, passing := range [...]syscall.Errno{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.ECONNABORTED, syscall.EPERM} {
		if errors.Is(err, passing) {
			return true
		}
	}
	return false
}

func (s *Server) listen(l net.Listener) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping {
		return false
	}
	s.watching.Do(func() {
		s.running.Go(s.closeIdle)
		s.running.Go(func() { s.door.bindings.run(s.stop, s.closeBound) })
		if s.door.facade.kind != NoFacade {
			s.running.Go(func() { s.door.facade.watch(s.stop) })
		}
	})
	s.listeners[l] = struct{}{}
	if a, ok := l.Addr().(*net.TCPAddr); ok {
		s.door.port.Store(int64(a.Port))
	}
	return true
}

func (s *Server) forget(l net.Listener) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.listeners, l)
}

// admit starts a connection, or turns it away in Redis's words.
func (s *Server) admit(nc net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.stopping:
		nc.Close()
	case int64(len(s.conns)) >= s.door.maxClients.Load():
		s.door.rejected.Add(1)
		s.noticeFull.log(s.logf, "resp: client %s is turned away: %d are connected, and that is the limit", nc.RemoteAddr(), len(s.conns))
		s.running.Go(func() { turnAway(nc) })
	default:
		s.door.accepted.Add(1)
		s.door.clients.Add(1)
		s.lastID++
		c := newConn(s, nc, s.lastID)
		s.conns[c] = struct{}{}
		s.running.Go(func() {
			c.serve()
			s.leave(c)
		})
	}
}

// turnAwayPatience bounds how long a connection that is not taken may cost a goroutine.
const turnAwayPatience = 100 * time.Millisecond

func turnAway(nc net.Conn) {
	defer nc.Close()
	// Errors change nothing: the connection is closed in any case.
	_ = nc.SetWriteDeadline(time.Now().Add(turnAwayPatience))
	_, _ = nc.Write(redcon.AppendError(nil, "ERR max number of clients reached"))
}

func (s *Server) leave(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
	s.door.clients.Add(-1)
}

// Shutdown stops taking connections and commands, answers the commands that were taken, and closes everything. When ctx
// ends first it closes what is left, and returns the error of ctx.
func (s *Server) Shutdown(ctx context.Context) error {
	s.end((*conn).finish)
	done := make(chan struct{})
	go func() {
		s.running.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		s.Close()
		<-done
		return ctx.Err()
	}
}

// Close closes listeners and connections at once and waits for their goroutines. Requests that are on their way in the
// cluster go on; nobody hears of them.
func (s *Server) Close() {
	s.end((*conn).abort)
	s.running.Wait()
}

// end stops the listeners and tells every connection how to end.
func (s *Server) end(each func(*conn)) {
	s.door.closeKeyspace()
	s.door.bindings.close()
	s.mu.Lock()
	if !s.stopping {
		s.stopping = true
		close(s.stop)
	}
	for l := range s.listeners {
		l.Close()
	}
	conns := make([]*conn, 0, len(s.conns))
	for c := range s.conns {
		conns = append(conns, c)
	}
	s.mu.Unlock()
	for _, c := range conns { // without s.mu: a conn's lock is taken first by those that leave
		each(c)
	}
}

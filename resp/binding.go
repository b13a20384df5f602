package resp

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/truecount/truecount/fsm"
)

// Bound instances. IC.BIND ties an instance to its connection. The Machine lets it live while Batches of this process come; so
// while there is any, at least an empty one is proposed each second. When a client is gone, however that came, the Machine is told,
// again and again until it has answered: else the instance would live as long as the process. When the process is shut down nobody
// is told: its clients will come back, to other nodes, and each of their instances keeps its lease meanwhile.
//
// When the Machine has heard nothing of this node for 5 s, it has ended its bindings (fsm/binding.go), and the clients, still
// connected, don't know. So their connections are closed as soon as the cluster can be reached again: they come back and bind anew,
// here or elsewhere, within the lease that each instance keeps, be it that the Machine has ended nothing: nobody's
// leases run while the whole cluster is away. (To bind for them could take an instance away from whoever has bound it since.)
//
// What must hold: the end of a binding is proposed behind the IC.BIND that made it, and has a token of its own, so that it never
// ends a later one.

const (
	maxBound     = 100         // instances that a connection binds
	maxNodeBound = 100_000     // that all connections of a node bind, with those of which the Machine has to be told still
	maxFarewells = 1_000       // in one Request
	bindingBeat  = time.Second // how often the Machine hears of a node that has bindings, or is told again

	mostSilence = 4500 * time.Millisecond // of this node, after which its bindings may have ended: 5 s, less what clocks may differ
)

// binding is what a connection has bound since it began, or since its last RESET.
type binding struct {
	token     int64 // that no other has in this process; 0: nothing was bound
	instances []string
	lapsed    bool // perhaps: the client is cut off for no fault of its own
}

// IC.BIND instance [FRESH]
func parseICBind(_ *command, args [][]byte, to *call) error {
	s := to.session
	op := fsm.Op{Kind: fsm.Bind, Instance: args[1]}
	switch {
	case len(args) == 2:
	case len(args) != 3 || !is(args[2], "FRESH"):
		return errSyntax
	default:
		op.Flags = fsm.Fresh
	}
	if err := s.mayBind(op.Instance); err != nil {
		return err
	}
	if s.bound.token == 0 {
		s.bound.token = s.door.bindings.tokens.Add(1)
	}
	op.Amount = s.bound.token
	to.ops = append(to.ops, op)
	to.binds, to.render = true, replyOK
	return checkInstance(op.Instance)
}

// mayBind is why an instance can't be bound, too. What is bound already may be bound again.
func (s *session) mayBind(instance []byte) error {
	n := len(s.bound.instances)
	if s.multi != nil {
		n += s.multi.bound
	}
	switch {
	case slices.Contains(s.bound.instances, string(instance)):
		return nil
	case n >= maxBound:
		return replyError(fmt.Sprintf("ERR too many instances are bound: a connection may bind %d; use another one", maxBound))
	case !s.door.bindings.room(1):
		return errNodeBound()
	}
	return nil
}

func errNodeBound() replyError {
	return replyError(fmt.Sprintf("ERR too many instances are bound: all connections of this node together may bind %d; use another node", maxNodeBound))
}

// bind remembers what these Ops bind: from now on it may have been done.
func (s *session) bind(ops []fsm.Op) {
	for i := range ops {
		name := ops[i].Instance
		if ops[i].Kind == fsm.Bind && !slices.Contains(s.bound.instances, string(name)) {
			s.bound.instances = append(s.bound.instances, string(name))
			s.door.bindings.hold()
		}
	}
}

// unbind is for a client that is gone, or wants to be as new. Nothing that binds may be on its way.
func (s *session) unbind() {
	if len(s.bound.instances) > 0 {
		s.door.bindings.part(s.bound)
	}
	s.bound = binding{}
}

func (b *binding) holds() int {
	n := 0
	for _, name := range b.instances {
		n += perArg + len(name)
	}
	return n
}

// bindings are those of a node.
type bindings struct {
	cluster Cluster
	grace   time.Duration // that an instance has when its connection has ended
	tokens  atomic.Int64
	changed chan struct{} // holds at most one

	mu      sync.Mutex
	held    int        // instances that connections have bound
	parted  []farewell // of which the Machine must be told, the oldest first
	request fsm.Request
	telling int  // so many of parted are in request
	busy    bool // request is on its way
	closed  bool // the node ends: nobody is told any more

	sent   time.Time // when request was
	heard  time.Time // at this moment or later the Machine has heard of this node
	lapsed bool      // it had not for too long before: who has bound something must come back
}

// farewell is the end of a binding.
type farewell struct {
	instance string
	token    int64
	grace    fsm.Value // that the instance has, if the Machine has not ended the binding before
}

func newBindings(cluster Cluster, grace time.Duration) *bindings {
	b := &bindings{cluster: cluster, grace: grace, changed: make(chan struct{}, 1)}
	b.request.Done = b.told
	return b
}

// room reports whether n more may be bound.
func (b *bindings) room(n int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.held+len(b.parted)+n <= maxNodeBound
}

// hold counts an instance that was bound.
func (b *bindings) hold() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.held++; b.held == 1 {
		b.heard = time.Now() // by what binds it
		b.wake()
	}
}

// part takes over what a connection had bound.
func (b *bindings) part(from binding) {
	grace := fsm.IntValue(b.grace.Milliseconds())
	if from.lapsed {
		grace = fsm.IntValue(fsm.WholeLease)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.held -= len(from.instances)
	if b.closed {
		return
	}
	for _, name := range from.instances {
		b.parted = append(b.parted, farewell{name, from.token, grace})
	}
	b.wake()
}

func (b *bindings) wake() {
	select {
	case b.changed <- struct{}{}:
	default: // it is awake
	}
}

// close ends it: what is bound stays so until its lease ends.
func (b *bindings) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed, b.parted = true, nil
}

// run is the Server's goroutine for them, until stop is closed. part ends the connections that have bound something.
func (b *bindings) run(stop <-chan struct{}, part func()) {
	for {
		if b.lapse() {
			part()
		}
		var beat <-chan time.Time
		if b.any() {
			beat = time.After(bindingBeat)
		}
		select {
		case <-stop:
			return
		case <-b.changed:
			b.tell(false)
		case <-beat:
			b.tell(true)
		}
	}
}

func (b *bindings) any() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.held+len(b.parted) > 0
}

// lapse reports, once, whether what was bound may have lapsed.
func (b *bindings) lapse() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	lapsed := b.lapsed
	b.lapsed = false
	return lapsed
}

// tell proposes farewells, if there are any; else, if the Machine must hear of the node, nothing.
func (b *bindings) tell(beat bool) {
	b.mu.Lock()
	if b.busy || b.closed || len(b.parted) == 0 && (!beat || b.held == 0) {
		b.mu.Unlock()
		return
	}
	b.busy, b.sent = true, time.Now()
	b.request.Reset()
	b.telling = min(len(b.parted), maxFarewells)
	for _, f := range b.parted[:b.telling] {
		b.request.Add(fsm.Op{Kind: fsm.Unbind, Instance: []byte(f.instance), Amount: f.token, Value: f.grace})
	}
	b.mu.Unlock()
	b.cluster.Propose(&b.request)
}

// told forgets those farewells that the Machine has answered, be it that they came too late. The others are told again with the
// next beat.
func (b *bindings) told(r *fsm.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.busy = false
	if r.Err != nil || b.closed {
		return
	}
	if b.held > 0 && time.Since(b.heard) >= mostSilence {
		b.lapsed = true
		b.wake()
	}
	if b.sent.After(b.heard) {
		b.heard = b.sent
	}
	if b.parted = b.parted[b.telling:]; len(b.parted) == 0 {
		b.parted = nil
		return
	}
	b.wake()
}

// closeBound closes the connections that have bound something.
func (s *Server) closeBound() {
	s.mu.Lock()
	conns := slices.Collect(maps.Keys(s.conns))
	s.mu.Unlock()
	n := 0
	for _, c := range conns { // without s.mu: a conn's lock is taken first by those that leave
		if c.closeIfBound() {
			n++
		}
	}
	if n > 0 {
		s.logf("resp: %d clients with bound instances are cut off: the cluster has not heard this node for %v, which may have ended their bindings", n, mostSilence)
	}
}

func (c *conn) closeIfBound() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dead || len(c.session.bound.instances) == 0 {
		return false
	}
	c.session.bound.lapsed = true
	c.close()
	c.changed.Signal()
	return true
}

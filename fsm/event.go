package fsm

// Event is a change of a key, in the words of Redis's keyspace notifications.
type Event struct {
	Name string // set, incrby, incrbyfloat, append, setrange, del, expire, persist, expired, rename_from, rename_to, copy_to, flush; park, return
	Key  []byte // valid during the call; nil for flush
}

// Observe calls sink for each change that Apply makes from now on, in order, from within Apply: sink must not block, and must
// not call the Machine. nil: no more. A SET with a deadline is two Events, as in Redis. The sink is no part of the state: it
// is not in images, and what it hears on one node another does not hear if it went through an image meanwhile.
func (m *Machine) Observe(sink func(Event)) { m.observer = sink }

// tell says what op, a write on one key, did.
func (m *Machine) tell(op *Op, does effect, old *item) {
	switch {
	case does != drops:
	case op.Kind == Set || op.Kind == SetIf: // in Redis the new item is there until somebody looks
		for _, name := range [...]string{kindFacts[op.Kind].event, "expire", "expired"} {
			m.observer(Event{name, op.Key})
		}
		return
	case old.value.Kind != Nil:
		m.observer(Event{"del", op.Key})
		return
	default:
		return
	}
	name := kindFacts[op.Kind].event
	if op.Kind == IncrEx && op.decimals() {
		name = kindFacts[Add].event
	}
	if op.Kind != GetExpire {
		m.observer(Event{name, op.Key})
	}
	switch {
	case op.Kind == Expire:
	case op.Expiry.Mode.counts() && (op.Kind != IncrEx || op.Flags&NX == 0 || old.deadline == 0):
		m.observer(Event{"expire", op.Key})
	case op.Expiry.Mode == Forever && old.deadline != 0:
		m.observer(Event{"persist", op.Key})
	}
}

func (m *Machine) tellMove(op *Op) {
	if op.Kind == Copy {
		m.observer(Event{"copy_to", op.target()})
		return
	}
	m.observer(Event{"rename_from", op.Key})
	m.observer(Event{"rename_to", op.target()})
}

// ended says that the time of key has come.
func (m *Machine) ended(key []byte) {
	m.expired++
	if m.observer != nil {
		m.observer(Event{"expired", key})
	}
}

package fsm

import (
	"slices"
	"strings"
)

// binding ties an instance to a connection of a node: while the connection is there, and the node is heard of, it is alive. The
// zero value is none.
type binding struct {
	origin      string // whose Batch has bound it
	incarnation uint64
	token       int64 // the connection, in the node's words
	since       int64 // on the lease clock
}

func (b *binding) given() bool { return b.origin != "" }

// presence is what the ledger knows of a node that may have bindings. Moments are on the lease clock.
type presence struct {
	origin      string
	incarnation uint64
	began       int64 // this incarnation was first heard of
	heard       int64 // last
	lapsed      int64 // after the last silence of maxSilence or more: when it had lasted that long; 0: there was none
	removed     bool
	ended       int64 // if removed
}

// WholeLease is what an Unbind gives an instance that is to have a lease, as long as that is, in place of milliseconds.
const WholeLease = -1

// maxSilence is after how many milliseconds without a Batch the bindings of a node end. One that has any sends a Batch, be it
// empty, each second.
const maxSilence = 5_000

// hear takes note that a Batch of a node was applied. Before anything has a lease, nobody cares.
func (l *ledger) hear(n Number, removed bool) {
	if l.empty() {
		return
	}
	p := l.presence(n.Origin)
	p.removed = p.removed || removed // before there was a ledger to take note of it
	if l.now-p.heard >= maxSilence && p.incarnation != 0 {
		p.lapsed = p.heard + maxSilence
	}
	if n.Incarnation > p.incarnation {
		p.incarnation, p.began = n.Incarnation, l.now
	}
	p.heard = l.now
}

// presence returns the record of a node, which it makes if need be. It is valid until the next call.
func (l *ledger) presence(origin string) *presence {
	at, found := l.findPresence(origin)
	if !found {
		l.presences = slices.Insert(l.presences, at, presence{origin: origin, heard: l.now})
	}
	return &l.presences[at]
}

func (l *ledger) findPresence(origin string) (at int, found bool) {
	return slices.BinarySearchFunc(l.presences, origin, func(p presence, origin string) int {
		return strings.Compare(p.origin, origin)
	})
}

// expel takes note that a node was removed for ever.
func (l *ledger) expel(origin string) {
	if l.empty() {
		return
	}
	if p := l.presence(origin); !p.removed {
		p.removed, p.ended = true, l.now
	}
}

// broken reports whether a binding has ended with its node, not by the connection's end; if so, since when. Once broken it stays
// so.
func (l *ledger) broken(b *binding) (since int64, broken bool) {
	at, found := l.findPresence(b.origin)
	if !found {
		panic("BUG: a binding of a node that was never heard of")
	}
	p := &l.presences[at]
	first := func(moment int64, holds bool) {
		if holds && (!broken || moment < since) {
			since, broken = moment, true
		}
	}
	first(p.lapsed, p.lapsed > b.since)
	first(p.heard+maxSilence, l.now-p.heard >= maxSilence)
	first(p.began, p.incarnation != b.incarnation)
	first(p.ended, p.removed)
	return since, broken
}

// bind ties the instance to the connection that op names, on the node whose Batch this is.
func (l *ledger) bind(op *Op, from Number, removed bool) Result {
	row, known := l.renew(op.Instance, 0)
	if !known {
		row = l.admit(op.Instance)
	} else if op.Flags&Fresh != 0 {
		row, _ = l.clear(row)
	}
	l.hear(from, removed)
	row.binding = binding{origin: from.Origin, incarnation: from.Incarnation, token: op.Amount, since: l.now}
	l.instances.Set(row)
	return Result{Value: truth(true)}
}

// unbind ends a binding whose connection has ended, if it is the one that holds: the instance has a moment to be bound again,
// or to speak. If its node says that it was away, a lease, as if the binding had broken.
func (l *ledger) unbind(op *Op, from Number) Result {
	number, known := l.numberOf(op.Instance)
	if !known {
		return Result{Value: truth(false)}
	}
	row := l.instance(number)
	b := &row.binding
	if b.origin != from.Origin || b.incarnation != from.Incarnation || b.token != op.Amount || row.state != Alive {
		return Result{Value: truth(false)}
	}
	if _, broken := l.broken(b); broken {
		return Result{Value: truth(false)}
	}
	l.leave(&row)
	row.binding, row.bare = binding{}, op.Value.Int != WholeLease
	row.deadline = l.now + l.leaseOf(&row)
	if row.bare {
		row.deadline = l.now + min(max(op.Value.Int, 0), MaxLease)
	}
	l.enter(row)
	return Result{Value: truth(true)}
}

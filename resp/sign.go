package resp

import (
	"sync"

	"github.com/truecount/truecount/fsm"
)

// Signs of life by reads. A read that names an instance is a sign of life of it, but a read changes nothing: the Machine answers it and
// tells the door what is to be done (fsm.Sign).
//
//	due  a third of the lease has passed: a Heartbeat follows, in the background
//	now  the instance is not alive, or its slice was taken away: a living instance would get another answer. So the read is
//	     proposed, which is a sign in itself and brings the slice back. A read by STALE takes a majority then, too
//
// A unit that reads instance counters alone is proposed as it is, and what the Batch answers are its answers: sign and read are
// one moment. Of one that reads other keys, too, only the reads of such instances are proposed, for a Batch has room for less than
// one may read, and on a low disk takes nothing but signs; then all of the unit is read once more.

const (
	maxBeats    = 1_000  // Heartbeats in one Request
	maxDue      = 10_000 // instances that wait for theirs; those beyond are asked for again by their next read
	maxRevivals = 3      // rounds of a unit: one is enough but for a Batch whose answers were full, and an instance that dies meanwhile
)

// revive notes for which instances of the unit a Heartbeat is due, and collects the reads of those that must speak now; it
// reports whether there are any.
func (u *unit) revive(due *heartbeats) bool {
	if !u.signs || u.writes > 0 || u.request.Err != nil || u.revivals == maxRevivals {
		return false // in a Batch the read itself was the sign
	}
	rest := u.request.Results
	for i := range u.slots {
		s := &u.slots[i]
		mine, ok := rest.Take(s.ops)
		if !ok {
			break
		}
		if s.command == nil || !s.signs {
			continue
		}
		fsm.EachSign(u.request.Groups[s.from:s.to], mine, func(op *fsm.Op, sign fsm.Sign) {
			switch sign {
			case fsm.SignDue:
				due.add(op.Instance)
			case fsm.SignNow:
				s.late = true
				u.again.Add(*op)
			}
		})
	}
	if u.again.Ops == 0 {
		return false
	}
	if fsm.OnlySigns(u.request.Groups) {
		u.again.Groups, u.again.Ops = append(u.again.Groups[:0], u.request.Groups...), u.request.Ops
	}
	u.reviving = true
	u.revivals++
	return true
}

// revived takes what the Batch has answered, now that the unit's instances have spoken; or makes the unit ready to be read once
// more, and reports that it has to be.
func (u *unit) revived() (again bool) {
	for i := range u.slots {
		u.slots[i].late = false
	}
	again = u.again.Ops < u.request.Ops
	a := answers{rest: u.again.Results}
	for range u.again.Ops {
		again = a.next().Code == fsm.ReadLater || again
	}
	u.request.Results, u.request.Verified = u.again.Results, u.again.Verified
	if again {
		u.request.Results, u.request.Verified = nil, false
	}
	u.again.Reset()
	u.reviving = false
	return again
}

// heartbeats are those that this node sends for instances whose clients only read, one Request at a time.
type heartbeats struct {
	cluster Cluster

	mu      sync.Mutex
	waiting map[string]struct{}
	sent    map[string]struct{} // in request, while it is on its way; else nil
	request fsm.Request
}

func newHeartbeats(cluster Cluster) *heartbeats {
	h := &heartbeats{cluster: cluster, waiting: map[string]struct{}{}}
	h.request.Done = h.done
	return h
}

// add sees to it that a Heartbeat of the instance is on its way soon, unless too many are. It doesn't wait for it.
func (h *heartbeats) add(instance []byte) {
	h.mu.Lock()
	_, waits := h.waiting[string(instance)]
	_, sent := h.sent[string(instance)]
	if waits || sent || len(h.waiting) >= maxDue {
		h.mu.Unlock()
		return
	}
	h.waiting[string(instance)] = struct{}{}
	h.mu.Unlock()
	h.send()
}

func (h *heartbeats) send() {
	h.mu.Lock()
	if h.sent != nil || len(h.waiting) == 0 {
		h.mu.Unlock()
		return
	}
	h.request.Reset()
	h.sent = map[string]struct{}{}
	for name := range h.waiting {
		if len(h.sent) == maxBeats {
			break
		}
		h.sent[name] = struct{}{}
		delete(h.waiting, name)
		h.request.Add(fsm.Op{Kind: fsm.Heartbeat, Instance: []byte(name)})
	}
	h.mu.Unlock()
	h.cluster.Propose(&h.request)
}

// done goes on. What failed is not repeated: the next read of the same client asks for it.
func (h *heartbeats) done(*fsm.Request) {
	h.mu.Lock()
	h.sent = nil
	h.mu.Unlock()
	h.send()
}

package resp

import (
	"sync"

	"github.com/truecount/truecount/fsm"
)

// Signs of life by reads. A read that names an instance is a sign of life of it, but a read changes nothing: the Machine answers it and
// tells the door what is to be done (fsm.Sign).
//
//	due  a third of the lease has passed: a Heartbeat follows, in the background
//	now  the instance is not alive, or its slice was taken away: the read is proposed and answered again, for a living
//	     instance would get another answer. So a read by STALE takes a majority then, too

const (
	maxBeats = 1_000  // Heartbeats in one Request
	maxDue   = 10_000 // instances that wait for theirs; those beyond are asked for again by their next read
)

// revive collects the reads of a unit whose instances must speak now, notes for which a Heartbeat is due, and reports whether
// there are any of the former. Whole commands are asked again, as by late.
func (u *unit) revive(due *heartbeats) bool {
	if !u.signs || u.writes > 0 || u.request.Err != nil {
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
		group := u.request.Groups[s.from:s.to]
		fsm.EachSign(group, mine, func(instance []byte, sign fsm.Sign) {
			switch sign {
			case fsm.SignDue:
				due.add(instance)
			case fsm.SignNow:
				s.late = true
			}
		})
		if s.late {
			u.again.Groups = append(u.again.Groups, group...)
			u.again.Ops += s.ops
		}
	}
	u.revived = u.again.Ops > 0
	return u.revived
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

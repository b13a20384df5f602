package cluster

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"math"
	"time"

	"github.com/truecount/truecount/fsm"
	"github.com/truecount/truecount/transport"
)

// What nodes ask of each other, by stream. The numbers and forms are spoken between builds: append only.
//
//	Batches  batch       a Batch                               → one byte answerKind; results: uvarint index, Results; else: text
//	Control  readIndex   uvarint the asker's term, one byte settle → one byte ok; ok: uvarint index, uvarint stamp; else: text
//	         echo        nothing                               → uvarint term, uvarint applied index, uvarint wall clock,
//	                                                             uvarint pending ms, uvarint slow ms, uvarint spaceState,
//	                                                             uvarint length and id of the leader, and of who answers
//	         trial       nothing                               → as echo, after a small write; or nothing
//	         status      nothing                               → fsm.Status as JSON
//	         change      changeRequest as JSON                 → changeReply as JSON
//	Join     join        changeRequest as JSON                 → changeReply as JSON
//	         invite      peer address to join at, as JSON      → changeReply as JSON
//	         removed     nothing                               → whether the asker was removed, as JSON
const (
	methodBatch     = 1
	methodReadIndex = 2
	methodEcho      = 3
	methodStatus    = 4
	methodJoin      = 5
	methodChange    = 6
	methodInvite    = 7
	methodRemoved   = 8
	methodTrial     = 9
)

var errWire = errors.New("undecodable message from a peer")

// handlers answer the calls of peers. None blocks: what takes time goes on in a goroutine of the node.
func (n *Node) handlers() map[transport.Stream]transport.Handler {
	return map[transport.Stream]transport.Handler{
		transport.Batches: n.handleBatch,
		transport.Control: n.handleControl,
		transport.Join:    n.handleJoin,
	}
}

func (n *Node) handleBatch(from string, method byte, payload []byte, reply func([]byte)) {
	answered := func(a answer) { reply(appendAnswer(nil, a)) }
	b, err := fsm.DecodeBatch(payload)
	switch {
	case method != methodBatch || err != nil:
		answered(answer{kind: answerRefused, reason: errWire.Error()})
	case b.Number.Origin != from:
		answered(answer{kind: answerRefused, reason: "a batch of " + b.Number.Origin + " sent by " + from})
	default:
		n.leader.offer(offer{b.Number, payload, answered})
	}
}

func (n *Node) handleControl(from string, method byte, payload []byte, reply func([]byte)) {
	switch method {
	case methodReadIndex:
		term, settle, ok := decodeIndexQuery(payload)
		if !ok {
			reply(appendConfirmed(nil, confirmed{}, errWire))
			return
		}
		n.confirmAsLeader(from, term, settle, func(c confirmed, err error) { reply(appendConfirmed(nil, c, err)) })
	case methodEcho:
		reply(appendEcho(nil, n.ownEcho()))
	case methodTrial:
		n.trial(func(e echo, ok bool) {
			if !ok {
				reply(nil)
				return
			}
			reply(appendEcho(nil, e))
		})
	case methodStatus:
		n.wg.Go(func() {
			data, _ := json.Marshal(n.surveyed()) // plain data: it can't fail
			reply(data)
		})
	case methodChange:
		n.wg.Go(func() {
			var question changeRequest
			answer := changeReply{Refused: errWire.Error()}
			if json.Unmarshal(payload, &question) == nil && (question.Kind != changeMove || question.ID == from) {
				answer = n.makeChange(question)
			}
			data, _ := json.Marshal(answer) // plain data: it can't fail
			reply(data)
		})
	default:
		reply(nil) // a newer build's question: what it decodes to is its own error
	}
}

// sendBatch delivers a copy of this node's Batch to who leads.
func (n *Node) sendBatch(to target, number fsm.Number, data []byte, answered func(answer)) {
	if to.id == n.id.ID {
		n.leader.offer(offer{number, data, answered})
		return
	}
	n.port.Link(transport.Batches, to.addr).Call(methodBatch, data, func(reply []byte, err error) {
		switch {
		case errors.Is(err, transport.ErrNotSent):
			answered(answer{kind: answerRefused, reason: err.Error()})
		case err != nil:
			answered(answer{kind: answerLost, reason: err.Error()})
		default:
			answered(decodeAnswer(reply))
		}
	})
}

func appendAnswer(dst []byte, a answer) []byte {
	dst = append(dst, byte(a.kind))
	if a.kind == answerResults {
		return append(binary.AppendUvarint(dst, a.index), a.results...)
	}
	return append(dst, a.reason...)
}

// decodeAnswer takes what can't be read as a loss: the copy may have been accepted.
func decodeAnswer(data []byte) answer {
	if len(data) == 0 {
		return answer{kind: answerLost, reason: errWire.Error()}
	}
	a := answer{kind: answerKind(data[0])}
	data = data[1:]
	switch a.kind {
	case answerResults:
		index, size := binary.Uvarint(data)
		if size <= 0 {
			return answer{kind: answerLost, reason: errWire.Error()}
		}
		a.index, a.results = index, fsm.Results(data[size:])
	case answerSuperseded, answerRefused, answerLost, answerNoSpace:
		a.reason = string(data)
	default:
		return answer{kind: answerLost, reason: errWire.Error()}
	}
	return a
}

func appendIndexQuery(dst []byte, term uint64, settle bool) []byte {
	dst = binary.AppendUvarint(dst, term)
	if settle {
		return append(dst, 1)
	}
	return append(dst, 0)
}

func decodeIndexQuery(data []byte) (term uint64, settle, ok bool) {
	term, size := binary.Uvarint(data)
	if size <= 0 || len(data) != size+1 {
		return 0, false, false
	}
	return term, data[size] == 1, true
}

func appendConfirmed(dst []byte, c confirmed, err error) []byte {
	if err != nil {
		return append(append(dst, 0), err.Error()...)
	}
	return binary.AppendUvarint(binary.AppendUvarint(append(dst, 1), c.index), uint64(c.stamp))
}

func decodeConfirmed(data []byte) (confirmed, error) {
	if len(data) > 0 && data[0] == 0 {
		return confirmed{}, errors.New("the leader says: " + string(data[1:]))
	}
	numbers, _, ok := uvarints(data[min(1, len(data)):], 2)
	if !ok || data[0] != 1 {
		return confirmed{}, errWire
	}
	return confirmed{index: numbers[0], stamp: int64(numbers[1])}, nil
}

func appendEcho(dst []byte, e echo) []byte {
	dst = appendUvarints(dst, e.term, e.applied, uint64(e.wall))
	if !e.disk.known {
		return dst
	}
	dst = appendUvarints(dst, uint64(e.disk.pending.Milliseconds()), uint64(e.disk.slow.Milliseconds()), uint64(e.disk.space))
	return appendText(appendText(dst, e.leader), e.id)
}

// decodeEcho takes the echo of an older build, which ends after the wall clock, for one that says nothing of the rest.
func decodeEcho(data []byte) (echo, error) {
	numbers, rest, ok := uvarints(data, 3)
	if !ok {
		return echo{}, errWire
	}
	e := echo{term: numbers[0], applied: numbers[1], wall: int64(numbers[2])}
	if len(rest) == 0 {
		return e, nil
	}
	numbers, rest, ok = uvarints(rest, 3)
	if ok {
		e.leader, rest, ok = text(rest)
	}
	if ok {
		e.id, _, ok = text(rest)
	}
	if !ok {
		return echo{}, errWire
	}
	e.disk = diskEcho{known: true, pending: milliseconds(numbers[0]), slow: milliseconds(numbers[1]),
		space: spaceState(min(numbers[2], math.MaxUint8))}
	return e, nil
}

// milliseconds is a peer's duration; what can't be one is very long.
func milliseconds(n uint64) time.Duration {
	return time.Duration(min(n, uint64(time.Hour.Milliseconds()))) * time.Millisecond
}

func appendUvarints(dst []byte, numbers ...uint64) []byte {
	for _, number := range numbers {
		dst = binary.AppendUvarint(dst, number)
	}
	return dst
}

func appendText(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

func text(data []byte) (s string, rest []byte, ok bool) {
	numbers, rest, ok := uvarints(data, 1)
	if !ok || numbers[0] > uint64(len(rest)) {
		return "", nil, false
	}
	return string(rest[:numbers[0]]), rest[numbers[0]:], true
}

// uvarints reads count numbers, at most three.
func uvarints(data []byte, count int) (numbers [3]uint64, rest []byte, ok bool) {
	for i := range count {
		number, size := binary.Uvarint(data)
		if size <= 0 {
			return numbers, nil, false
		}
		numbers[i], data = number, data[size:]
	}
	return numbers, data, true
}

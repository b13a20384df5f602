package cluster

import (
	"encoding/binary"
	"encoding/json"
	"errors"

	"github.com/truecount/truecount/fsm"
	"github.com/truecount/truecount/transport"
)

// What nodes ask of each other, by stream. The numbers and forms are spoken between builds: append only.
//
//	Batches  batch       a Batch                               → one byte answerKind; results: uvarint index, Results; else: text
//	Control  readIndex   uvarint the asker's term, one byte settle → one byte ok; ok: uvarint index, uvarint stamp; else: text
//	         echo        nothing                               → uvarint term, uvarint applied index, uvarint wall clock
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
	case answerSuperseded, answerRefused, answerLost:
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
	numbers, ok := uvarints(data, 1, 2)
	if !ok || data[0] != 1 {
		return confirmed{}, errWire
	}
	return confirmed{index: numbers[0], stamp: int64(numbers[1])}, nil
}

func appendEcho(dst []byte, e echo) []byte {
	return binary.AppendUvarint(binary.AppendUvarint(binary.AppendUvarint(dst, e.term), e.applied), uint64(e.wall))
}

func decodeEcho(data []byte) (echo, error) {
	numbers, ok := uvarints(data, 0, 3)
	if !ok {
		return echo{}, errWire
	}
	return echo{term: numbers[0], applied: numbers[1], wall: int64(numbers[2])}, nil
}

// uvarints reads count numbers behind the first skip bytes.
func uvarints(data []byte, skip, count int) (numbers [3]uint64, ok bool) {
	data = data[min(skip, len(data)):]
	for i := range count {
		number, size := binary.Uvarint(data)
		if size <= 0 {
			return numbers, false
		}
		numbers[i], data = number, data[size:]
	}
	return numbers, true
}

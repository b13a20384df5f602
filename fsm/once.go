package fsm

import "encoding/binary"

// SessionID names a session: a client's window of commands that are done at most once, however often they are sent. It is
// drawn at random by the node that opens it, and the zero value is none.
type SessionID [16]byte

// Once says which command of its session a group is. The zero value: of none, so the group is applied whenever it comes.
type Once struct {
	Session  SessionID
	Sequence uint64 // at least 1
	Hash     uint64 // of the command; the same Sequence with another one is a mistake
}

// Given reports whether the group is a command of a session.
func (o Once) Given() bool { return o.Session != SessionID{} }

func (o Once) append(dst []byte) []byte {
	dst = append(dst, o.Session[:]...)
	dst = binary.AppendUvarint(dst, o.Sequence)
	return binary.LittleEndian.AppendUint64(dst, o.Hash)
}

func (d *decoder) takeOnce() (o Once) {
	if len(d.rest) < len(o.Session) {
		d.fail()
		return Once{}
	}
	d.rest = d.rest[copy(o.Session[:], d.rest):]
	o.Sequence = d.uvarint()
	if len(d.rest) < 8 || !o.Given() || o.Sequence == 0 {
		d.fail()
		return Once{}
	}
	o.Hash, d.rest = binary.LittleEndian.Uint64(d.rest), d.rest[8:]
	return o
}

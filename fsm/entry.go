package fsm

import (
	"encoding/binary"
	"fmt"
)

// EntryKind tells the Entries apart. Stored in the log: append only.
type EntryKind uint8

const (
	Ordinary EntryKind = 1 // Batches, or none: an Entry without Batches only moves machine time and ends what is due
	Opener   EntryKind = 2 // the first Entry of a leader in its term; carries a hash key, used if the Machine has none yet
	Deaf     EntryKind = 3 // as Ordinary, of a leader that takes no Batches now: nobody could say that he lives
)

const entryVersion = 1

// Entry is what one Raft log entry holds.
type Entry struct {
	Kind    EntryKind
	Stamp   int64    // the leader's clock, milliseconds since the Unix epoch
	HashKey [16]byte // Opener only: random bytes
	Batches [][]byte // encoded Batches, at most one of each origin
}

// An Entry is encoded as
//
//	one byte version (1), one byte kind
//	uvarint stamp
//	16 bytes hash key                          if the kind is Opener
//	per Batch: uvarint length, Batch           to the end

// Append appends the encoded Entry.
func (e *Entry) Append(dst []byte) []byte {
	dst = append(dst, entryVersion, byte(e.Kind))
	dst = binary.AppendUvarint(dst, uint64(e.Stamp))
	if e.Kind == Opener {
		dst = append(dst, e.HashKey[:]...)
	}
	for _, b := range e.Batches {
		dst = binary.AppendUvarint(dst, uint64(len(b)))
		dst = append(dst, b...)
	}
	return dst
}

// DecodeEntry reads what Append wrote; the Batches point into data and are decoded by Apply. Errors wrap ErrFormat and
// name the version.
func DecodeEntry(data []byte) (Entry, error) {
	d := decoder{rest: data}
	version := d.byte()
	e := Entry{Kind: EntryKind(d.byte()), Stamp: int64(d.uvarint())}
	if version != entryVersion || e.Kind < Ordinary || e.Kind > Deaf {
		return Entry{}, fmt.Errorf("%w: entry of version %d, kind %d (this build knows version %d, kinds 1 to 3)",
			ErrFormat, version, e.Kind, entryVersion)
	}
	if e.Kind == Opener {
		d.failed = d.failed || copy(e.HashKey[:], d.rest) < len(e.HashKey)
		d.rest = d.rest[min(len(e.HashKey), len(d.rest)):]
	}
	for len(d.rest) > 0 {
		e.Batches = append(e.Batches, d.bytes())
	}
	if d.failed {
		return Entry{}, fmt.Errorf("%w: entry of %d bytes is cut off", ErrFormat, len(data))
	}
	return e, nil
}

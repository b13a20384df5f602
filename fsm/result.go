package fsm

import "encoding/binary"

// Code is how an Op ended. Stored with Results, in images and in replies between nodes: append only.
type Code uint8

const (
	OK         Code = 0 // done
	Skipped    Code = 1 // a condition (NX, XX) did not hold; nothing changed
	NotInteger Code = 2 // the key holds something that is not an int64; nothing changed
	Overflow   Code = 3 // the sum, or what was added, leaves the int64 range; nothing changed
	WrongType  Code = 4 // the key holds a kind of value that this operation is not for; nothing changed
	BadExpiry  Code = 5 // the deadline can't be expressed in an int64 of milliseconds; nothing changed
	ReadLater  Code = 6 // a read that found too much in its Batch's Results (MaxResults): read again after the Batch
	TooLong    Code = 7 // a key or value beyond its limit slipped past a door; nothing changed
	NoRoom     Code = 8 // the registry is full, or a Set with SetGet found its Batch's Results full; nothing changed
	// FullBytes: Limits.Bytes leaves no room for this write, or for another one of its group; nothing changed. Value: the limit
	FullBytes Code = 9
	// FullKeys: the same of Limits.Keys
	FullKeys    Code = 10
	NodeRemoved Code = 11 // the Node that would be registered was removed for ever; nothing changed
	NotNumber   Code = 12 // the key holds no number, or a number to add or compare with is none; nothing changed
	Digits      Code = 13 // a number has more digits than we keep (decimal.go); nothing changed
	Aborted     Code = 14 // a Condition of its group did not hold, so none of the group's Ops was applied
	NoSuchKey   Code = 15 // there is no such key to rename; nothing changed
	StaleEpoch  Code = 16 // the key is in another epoch than the Op is meant for; nothing changed. Value: its epoch

	// A Once did not let its group be applied. All three stand for every Op of the group.
	NoSession    Code = 17 // there is no such session, or the sequence is below its window: whether it was done is not known any more
	OnceMismatch Code = 18 // the sequence was another command; nothing changed
	OnceDone     Code = 19 // it was done, and the answer is not remembered any more

	// FullInstances: Limits.Instances leaves no room for another instance; nothing changed. Value: the limit
	FullInstances Code = 20
	// FullSessions: the same of Limits.Sessions
	FullSessions Code = 21

	codes = 22
)

var codeNames = [codes]string{"ok", "skipped", "not-integer", "overflow", "wrong-type", "bad-expiry", "read-later",
	"too-long", "no-room", "full-bytes", "full-keys", "node-removed", "not-number", "digits", "aborted", "no-such-key",
	"stale-epoch", "no-session", "once-mismatch", "once-done", "full-instances", "full-sessions"}

// String is the code's name in scripts and messages. Doors have their own texts.
func (c Code) String() string {
	if int(c) < len(codeNames) {
		return codeNames[c]
	}
	return "unknown"
}

// Result is the outcome of one Op as data, the same on every replica. What Value holds stands beside each Kind.
type Result struct {
	Code  Code
	Value Value
}

// MaxResults bounds the encoded Results of one Batch, in bytes, but for decimals. Reads that ride may fill half of it and then
// answer ReadLater, for they can be read again. The old values that writes answer can't: MaxWeight bounds those before they are
// proposed, so that they and the few bytes of every other Op fit into the rest. One that slipped past that answers NoRoom.
//
// Decimals are not so few bytes: 4,000 of them can take as much as old values may, and 16,384 in one transaction, which goes
// alone, 2 MiB. So a write of a group of several is refused only beyond mostResults, where no door lets one get: the others of
// its group are applied.
//
// The reads of a group that writes, too, can't be read again either, so their weight counts like that of its writes, and
// they are refused only if it is more than MaxWeight allows (weight.go).
const (
	MaxResults = 1 << 20
	MaxWeight  = MaxResults/2 - 64<<10 // of the Requests in a Batch

	maxReads    = MaxResults / 2
	mostResults = 3 << 20 // what follows must fit into a frame between nodes
)

// A Result is encoded as
//
//	one byte: code << 4 | value kind
//	one byte code                              if the one above is 15
//	Int:  zigzag varint
//	Text, List: uvarint length, bytes
func appendResult(dst []byte, r Result) []byte {
	if r.Code < farCode {
		dst = append(dst, byte(r.Code)<<4|byte(r.Value.Kind))
	} else {
		dst = append(dst, farCode<<4|byte(r.Value.Kind), byte(r.Code))
	}
	switch r.Value.Kind {
	case Int:
		dst = binary.AppendVarint(dst, r.Value.Int)
	case Text, List:
		dst = binary.AppendUvarint(dst, uint64(len(r.Value.Text)))
		dst = append(dst, r.Value.Text...)
	}
	return dst
}

const farCode = 15 // stands for a Code in a byte of its own

// Results are the encoded outcomes of the Ops of a Batch or of a Query, one per Op, in order. Next walks them.
type Results []byte

// Next takes the first Result off. ok is false at the end, and for bytes that are cut off or hold a kind of value that
// this build does not know; rs stays as it is then. A Code may be newer than this build. The Result's Text points into rs.
func (rs *Results) Next() (r Result, ok bool) {
	b := *rs
	if len(b) == 0 {
		return Result{}, false
	}
	r.Code, r.Value.Kind = Code(b[0]>>4), ValueKind(b[0]&15)
	b = b[1:]
	if r.Code == farCode {
		if len(b) == 0 {
			return Result{}, false
		}
		r.Code, b = Code(b[0]), b[1:]
	}
	switch r.Value.Kind {
	case Nil:
	case Int:
		n, size := binary.Varint(b)
		if size <= 0 {
			return Result{}, false
		}
		r.Value.Int, b = n, b[size:]
	case Text, List:
		n, size := binary.Uvarint(b)
		if size <= 0 || n > uint64(len(b)-size) {
			return Result{}, false
		}
		end := size + int(n)
		r.Value.Text, b = b[size:end:end], b[end:]
	default:
		return Result{}, false
	}
	*rs = b
	return r, true
}

// Take cuts off the first n Results. ok is false if there are fewer.
func (rs *Results) Take(n int) (first Results, ok bool) {
	all := *rs
	for ; n > 0; n-- {
		if _, ok := rs.Next(); !ok {
			return nil, false
		}
	}
	return all[:len(all)-len(*rs)], true
}

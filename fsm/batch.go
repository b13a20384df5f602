package fsm

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Bounds of a Batch. One group may exceed the first two alone, up to MaxGroup.
const (
	MaxBatchOps   = 4000      // Ops in a Batch
	MaxBatchBytes = 128 << 10 // encoded bytes of the groups of a Batch
	MaxGroup      = 1 << 20   // encoded bytes of one group: one command or one MULTI
)

// ErrFormat is wrapped by every decoding error. In the log it means bytes from a newer build or a damaged disk, and stops
// the node.
var ErrFormat = errors.New("undecodable")

// A group is encoded as
//
//	uvarint number of Ops << 1 | extended
//	one byte parts                             if extended: conditions (1), a Once (2)
//	16 bytes session, uvarint sequence, 8 bytes hash           if it has a Once
//	conditions                                 if it has them (condition.go)
//	per Op: one byte kind
//	        uvarint key length, key            if the kind has a key
//	        uvarint length, instance           if the kind has an instance
//	        zigzag varint amount               if the kind has an amount
//	        one byte value kind, zigzag varint | uvarint length, bytes     if it has a value
//	        uvarint flags                      if it has flags
//	        one byte expiry mode, zigzag varint millis (unless the mode is NoExpiry or Forever)     if it can expire
//	        one byte comparator, one byte value kind, zigzag varint | uvarint length, bytes         if it compares
//	        two of: one byte value kind, zigzag varint | uvarint length, bytes (Nil: the byte alone) if it has bounds
//	        uvarint epoch + 1, or 0 if none is given                                                if it may have one

// AppendGroup appends the encoded group of ops: Ops that are applied one after the other with nothing between them.
func AppendGroup(dst []byte, ops []Op) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(ops))<<1)
	for i := range ops {
		dst = appendOp(dst, &ops[i])
	}
	return dst
}

func appendOp(dst []byte, op *Op) []byte {
	facts := &kindFacts[op.Kind]
	dst = append(dst, byte(op.Kind))
	if facts.key {
		dst = binary.AppendUvarint(dst, uint64(len(op.Key)))
		dst = append(dst, op.Key...)
	}
	if facts.instance {
		dst = binary.AppendUvarint(dst, uint64(len(op.Instance)))
		dst = append(dst, op.Instance...)
	}
	if facts.amount {
		dst = binary.AppendVarint(dst, op.Amount)
	}
	if facts.value {
		dst = appendValue(dst, op.Value)
	}
	if facts.flags {
		dst = binary.AppendUvarint(dst, uint64(op.Flags))
	}
	if facts.ex {
		dst = append(dst, byte(op.Expiry.Mode))
		if op.Expiry.Mode.counts() {
			dst = binary.AppendVarint(dst, op.Expiry.Millis)
		}
	}
	if facts.compare {
		dst = appendValue(append(dst, byte(op.Compare)), op.Than)
	}
	if facts.bounds {
		dst = appendValue(appendValue(dst, op.Low), op.High)
	}
	if facts.epoch {
		dst = appendEpoch(dst, op.Epoch)
	}
	return dst
}

// appendValue encodes an Int, a Text, or Nil where there may be none.
func appendValue(dst []byte, v Value) []byte {
	dst = append(dst, byte(v.Kind))
	switch v.Kind {
	case Nil:
		return dst
	case Int:
		return binary.AppendVarint(dst, v.Int)
	}
	dst = binary.AppendUvarint(dst, uint64(len(v.Text)))
	return append(dst, v.Text...)
}

// decoder takes values off the front of encoded bytes. After the first mistake every further take gives zero, and failed
// stays set, so callers check once at the end of a unit.
type decoder struct {
	rest       []byte
	failed     bool
	conditions []byte // of the group whose head was taken last, encoded
	once       Once   // of the same; zero: none
}

func (d *decoder) byte() byte {
	if len(d.rest) == 0 {
		d.failed = true
		return 0
	}
	b := d.rest[0]
	d.rest = d.rest[1:]
	return b
}

func (d *decoder) uvarint() uint64 {
	n, size := binary.Uvarint(d.rest)
	if size <= 0 {
		d.fail()
		return 0
	}
	d.rest = d.rest[size:]
	return n
}

func (d *decoder) varint() int64 {
	n, size := binary.Varint(d.rest)
	if size <= 0 {
		d.fail()
		return 0
	}
	d.rest = d.rest[size:]
	return n
}

func (d *decoder) bytes() []byte {
	n := d.uvarint()
	if n > uint64(len(d.rest)) {
		d.fail()
		return nil
	}
	b := d.rest[:n:n]
	d.rest = d.rest[n:]
	return b
}

// group takes the head of a group: its number of Ops, its Once, and its conditions, which stay encoded. Each Op has at least one byte,
// so a count that passes is no larger than the input.
func (d *decoder) group() (ops int) {
	head := d.uvarint()
	d.conditions, d.once = nil, Once{}
	if head&1 != 0 {
		d.terms(d.byte())
	}
	if head>>1 > uint64(len(d.rest)) {
		d.fail()
		return 0
	}
	return int(head >> 1)
}

func (d *decoder) op(op *Op) {
	*op = Op{Kind: Kind(d.byte())}
	if !op.Kind.valid() {
		d.fail()
		return
	}
	facts := &kindFacts[op.Kind]
	if facts.key {
		op.Key = d.bytes()
	}
	if facts.instance {
		op.Instance = d.bytes()
		d.failed = d.failed || len(op.Instance) == 0 && !facts.lone
	}
	if facts.amount {
		op.Amount = d.varint()
	}
	if facts.value {
		op.Value = d.value()
	}
	if facts.flags {
		op.Flags = d.flags()
	}
	if facts.ex {
		op.Expiry = d.expiry()
	}
	if facts.compare {
		op.Compare, op.Than = d.comparator(), d.value()
	}
	if facts.bounds {
		op.Low, op.High = d.optional(), d.optional()
	}
	if facts.epoch {
		op.Epoch = d.epoch()
	}
}

// skip takes n Ops, and returns how many there are.
func (d *decoder) skip(n int) (ops int) {
	var op Op
	for ; ops < n; ops++ {
		if d.op(&op); d.failed {
			break
		}
	}
	return ops
}

func (d *decoder) flags() Flags {
	flags := d.uvarint()
	if flags >= uint64(flagsEnd) {
		d.fail()
	}
	return Flags(flags)
}

func (d *decoder) expiry() (e Expiry) {
	e.Mode = ExpiryMode(d.byte())
	switch {
	case e.Mode.counts():
		e.Millis = d.varint()
	case e.Mode != NoExpiry && e.Mode != Forever:
		d.fail()
	}
	return e
}

func appendEpoch(dst []byte, e Epoch) []byte {
	if !e.Given {
		return append(dst, 0)
	}
	return binary.AppendUvarint(dst, e.Number+1)
}

func (d *decoder) epoch() Epoch {
	n := d.uvarint()
	if n == 0 {
		return Epoch{}
	}
	return Epoch{Number: n - 1, Given: true}
}

func (d *decoder) comparator() Comparator {
	c := Comparator(d.byte())
	if c == 0 || c >= comparators {
		d.fail()
	}
	return c
}

// value takes an Int or a Text.
func (d *decoder) value() Value {
	switch kind := ValueKind(d.byte()); kind {
	case Int:
		return Value{Kind: kind, Int: d.varint()}
	case Text:
		return Value{Kind: kind, Text: d.bytes()}
	}
	d.fail()
	return Value{}
}

// optional takes an Int, a Text or Nil.
func (d *decoder) optional() Value {
	if len(d.rest) > 0 && ValueKind(d.rest[0]) == Nil {
		d.rest = d.rest[1:]
		return Value{}
	}
	return d.value()
}

func (d *decoder) fail() { d.failed, d.rest = true, nil }

// Number identifies a Batch: the origin that made it, and its place in what that origin has ever sent. Numbers of one
// origin are ordered by incarnation, then sequence.
type Number struct {
	Origin      string
	Incarnation uint64
	Sequence    uint64
}

// After reports whether n comes after m in the order of one origin.
func (n Number) After(m Number) bool {
	return n.Incarnation > m.Incarnation || n.Incarnation == m.Incarnation && n.Sequence > m.Sequence
}

// A Batch is encoded as
//
//	uvarint length, origin
//	uvarint incarnation, uvarint sequence
//	uvarint number of Ops in all groups
//	groups to the end

// AppendBatch appends the encoded Batch of groups that AppendGroup has encoded, ops Ops in all. The same bytes go to
// every leader that is asked to commit it.
func AppendBatch(dst []byte, number Number, ops int, groups ...[]byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(number.Origin)))
	dst = append(dst, number.Origin...)
	dst = binary.AppendUvarint(dst, number.Incarnation)
	dst = binary.AppendUvarint(dst, number.Sequence)
	dst = binary.AppendUvarint(dst, uint64(ops))
	for _, g := range groups {
		dst = append(dst, g...)
	}
	return dst
}

// Batch is a decoded head with the groups still encoded. It points into the bytes it was decoded from.
type Batch struct {
	Number Number
	Ops    int
	Groups []byte
}

// DecodeBatch reads a Batch and checks every Op in it, so that what a leader embeds can't stop the nodes that apply it.
// Errors wrap ErrFormat.
func DecodeBatch(data []byte) (Batch, error) {
	b, err := decodeBatchHead(data)
	if err != nil {
		return Batch{}, err
	}
	if n, ok := CountOps(b.Groups); !ok || n != b.Ops {
		return Batch{}, fmt.Errorf("%w: batch %d of %s", ErrFormat, b.Number.Sequence, b.Number.Origin)
	}
	return b, nil
}

func decodeBatchHead(data []byte) (Batch, error) {
	d := decoder{rest: data}
	b := Batch{Number: Number{Origin: string(d.bytes()), Incarnation: d.uvarint(), Sequence: d.uvarint()}}
	ops := d.uvarint()
	b.Groups = d.rest
	if d.failed || ops > uint64(len(b.Groups)) || b.Number.Incarnation == 0 || b.Number.Origin == "" {
		return Batch{}, fmt.Errorf("%w: batch of %d bytes", ErrFormat, len(data))
	}
	b.Ops = int(ops)
	return b, nil
}

// CountOps walks encoded groups and counts their Ops; ok is false if they are not what AppendGroup writes.
func CountOps(groups []byte) (ops int, ok bool) {
	d := decoder{rest: groups}
	var op Op
	for len(d.rest) > 0 {
		n := d.group()
		for i := 0; i < n && !d.failed; i++ {
			d.op(&op)
		}
		ops += n
	}
	return ops, !d.failed
}

// CutGroup splits encoded groups after the first one. What is not a group comes back whole.
func CutGroup(groups []byte) (first, rest []byte) {
	d := decoder{rest: groups}
	var op Op
	for n := d.group(); n > 0; n-- {
		d.op(&op)
	}
	if d.failed {
		return groups, nil
	}
	return groups[:len(groups)-len(d.rest)], d.rest
}

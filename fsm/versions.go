package fsm

import (
	"encoding/binary"

	"github.com/dchest/siphash"
)

// versions is when keys were last changed: a log index for each of 65,536 buckets, which the top bits of a key's hash choose.
// It is for WATCH. Keys that share a bucket share its index, so a transaction may be aborted because of another key: one
// too many does no harm, one too few would (docs/decisions/0024-watched-versions.md).
//
// The pages that a snapshot can see are copied before they are changed, like branches.
type versions struct {
	generation uint64
	flushed    uint64 // the index that all buckets are raised to
	pages      [versionPages]*versionPage
}

type versionPage struct {
	generation uint64
	last       [versionBuckets / versionPages]uint64
}

const (
	versionBuckets = 1 << 16
	versionPages   = 1 << 8
)

// touch notes that a key with this hash was changed at index, which is not below any noted before.
func (v *versions) touch(hash, index uint64) {
	p := v.pages[hash>>56]
	if p == nil || p.generation != v.generation {
		p = v.writable(hash)
	}
	p.last[hash>>48&0xff] = index
}

func (v *versions) writable(hash uint64) *versionPage {
	page := &v.pages[hash>>56]
	if *page == nil {
		*page = &versionPage{generation: v.generation}
		return *page
	}
	c := **page
	c.generation = v.generation
	*page = &c
	return &c
}

// flush notes that every key was changed at index.
func (v *versions) flush(index uint64) {
	*v = versions{generation: v.generation, flushed: index}
}

// last is the index at which a key with this hash may have been changed last.
func (v *versions) last(hash uint64) uint64 {
	if p := v.pages[hash>>56]; p != nil {
		return max(v.flushed, p.last[hash>>48&0xff])
	}
	return v.flushed
}

// freeze returns the versions as they are now.
func (v *versions) freeze() *versions {
	frozen := *v
	v.generation++
	return &frozen
}

// ascend visits the buckets that were touched since the flush, in order.
func (v *versions) ascend(visit func(bucket, index uint64)) {
	for i, p := range v.pages {
		if p == nil {
			continue
		}
		for j, index := range p.last {
			if index > v.flushed {
				visit(uint64(i)<<8|uint64(j), index)
			}
		}
	}
}

// The block of an image is encoded as
//
//	uvarint flushed
//	per bucket that was touched since: uvarint bucket, uvarint index     in order, to the end
func (v *versions) append(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, v.flushed)
	v.ascend(func(bucket, index uint64) {
		dst = binary.AppendUvarint(binary.AppendUvarint(dst, bucket), index)
	})
	return dst
}

// versions takes all that is left: the versions of an image of index.
func (d *decoder) versions(index uint64) *versions {
	v := &versions{flushed: d.uvarint()}
	if v.flushed > index {
		d.fail()
	}
	for next := uint64(0); len(d.rest) > 0; {
		bucket, at := d.uvarint(), d.uvarint()
		if bucket < next || bucket >= versionBuckets || at <= v.flushed || at > index {
			d.fail()
			return v
		}
		v.touch(bucket<<48, at)
		next = bucket + 1
	}
	return v
}

// digest is the part of Machine.Digest that is about versions.
func (v *versions) digest(k0, k1 uint64) (sum uint64) {
	var body [16]byte
	add := func(bucket, index uint64) {
		binary.LittleEndian.PutUint64(body[:8], bucket)
		binary.LittleEndian.PutUint64(body[8:], index)
		sum += siphash.Hash(k0, k1, body[:])
	}
	add(versionBuckets, v.flushed)
	v.ascend(add)
	return sum
}

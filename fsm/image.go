package fsm

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"slices"

	"github.com/tidwall/btree"
)

// An image is the whole Machine as bytes: for snapshots and, some day, backups.
//
//	8 bytes magic "TRUECNT" and format version 1
//	blocks: one byte kind
//	        uint32 length of the body
//	        uint32 CRC-32C of kind and body
//	        body
//
//	head    index, opened, now, keyed, writes, hash key             first
//	items   many of: key, deadline, value                           in hash order, about imageBlock bytes a block
//	origin  origin, incarnation, sequence, Results                  one a block, in order
//	removed the same, without Results: of a removed node            among them
//	node    id and registration                                     one a block, in order
//	limits  bytes, keys                                             if ever set
//	versions when keys were last changed (versions.go)              once
//	lease   the lease clock                                         if it ever ran
//	ledger  instance counters: several kinds (ledgerimage.go)       if there ever was one
//	session what one has done (window.go)                           one a block, in order
//	end     number of items, origins, nodes, and of sessions if any last
const (
	imageMagic = "TRUECNT\x01"
	imageBlock = 256 << 10 // body bytes after which an items block is closed
	maxBlock   = 16 << 20  // body bytes beyond which a block is damaged for sure

	blockHead     = 1
	blockItems    = 2
	blockOrigin   = 3
	blockNode     = 4
	blockLimits   = 5 // this one and the next came later: an image without them has no limits and nobody removed
	blockRemoved  = 6
	blockVersions = 7 // came later still: in an image without it every key counts as changed at the image's index
	blockEnd      = 9

	blockLease     = 15 // these and the following came with instance counters: an image without them has none
	blockLedger    = 10
	blockInstances = 11
	blockCounters  = 12
	blockSlices    = 13
	blockParked    = 14
	blockSession   = 16
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Image is a Machine as it was at one moment. It stays as it is while the Machine goes on, and may be written from
// another goroutine.
type Image struct {
	head     head
	branches *branches
	items    int
	origins  []origin
	nodes    []Node
	limits   Limits
	limited  bool
	versions *versions
	lease    leaseClock
	ledger   *ledger
	sessions *btree.BTreeG[seat]
}

// Freeze takes the Machine's Image, in a time that does not depend on the number of keys: from now on the Machine clones
// each branch and each shard of its table before it first touches it.
func (m *Machine) Freeze() *Image {
	return &Image{head: m.head(), branches: m.table.freeze(), items: m.table.count,
		origins: slices.Clone(m.origins), nodes: slices.Clone(m.nodes),
		limits: m.limits, limited: m.limited, versions: m.versions.freeze(),
		lease: m.lease, ledger: m.ledger.copy(), sessions: m.sessions.freeze()}
}

// Index is the log index that the Image stands for.
func (im *Image) Index() uint64 { return im.head.index }

// WriteTo writes the image.
func (im *Image) WriteTo(w io.Writer) (int64, error) {
	bw := &blockWriter{w: bufio.NewWriterSize(w, 1<<20)}
	bw.raw([]byte(imageMagic))
	bw.block(blockHead, im.head.append(nil))
	var body []byte
	im.branches.ascend(0, func(_ uint64, key []byte, it item) bool {
		body = appendItem(body, key, it)
		if len(body) >= imageBlock {
			bw.block(blockItems, body)
			body = body[:0]
		}
		return bw.err == nil
	})
	if len(body) > 0 {
		bw.block(blockItems, body)
	}
	for i := range im.origins {
		bw.block(im.origins[i].block(), im.origins[i].append(nil))
	}
	for i := range im.nodes {
		bw.block(blockNode, im.nodes[i].appendBlock(nil))
	}
	if im.limited {
		bw.block(blockLimits, im.limits.append(nil))
	}
	bw.block(blockVersions, im.versions.append(nil))
	if im.lease != (leaseClock{}) {
		bw.block(blockLease, im.lease.append(nil))
	}
	im.ledger.write(bw)
	im.sessions.Scan(func(held seat) bool {
		body = held.session.append(body[:0], held.id)
		bw.block(blockSession, body)
		return bw.err == nil
	})
	bw.block(blockEnd, im.totals().append(nil))
	if bw.err == nil {
		bw.err = bw.w.Flush()
	}
	return bw.written, bw.err
}

func (im *Image) totals() totals {
	return totals{im.items, len(im.origins), len(im.nodes), im.sessions.Len()}
}

// Restore reads an image into a new Machine. It reads to the end block and checks every block and the totals: on any error
// nothing is returned. Errors of form wrap ErrFormat.
func Restore(r io.Reader) (*Machine, error) {
	br := bufio.NewReaderSize(r, 1<<20)
	magic := make([]byte, len(imageMagic))
	if err := readFull(br, magic); err != nil {
		return nil, fmt.Errorf("image: %w", err)
	}
	if string(magic) != imageMagic {
		return nil, fmt.Errorf("image: %w: starts with %q, this build reads %q", ErrFormat, magic, imageMagic)
	}
	m := New()
	m.versions = nil // until its block, or the end
	var body []byte
	for number := 0; ; number++ {
		kind, b, err := readBlock(br, body)
		if err != nil {
			return nil, fmt.Errorf("image: block %d: %w", number, err)
		}
		body = b
		if (kind == blockHead) != (number == 0) || !m.load(kind, body) {
			return nil, fmt.Errorf("image: %w: block %d of kind %d", ErrFormat, number, kind)
		}
		if kind == blockEnd {
			return m, nil
		}
	}
}

// load takes in one block, or reports that it can't be right.
func (m *Machine) load(kind byte, body []byte) bool {
	d := decoder{rest: body}
	switch kind {
	case blockHead:
		h := d.head()
		if h.now < 0 {
			return false
		}
		m.setHead(h)
	case blockItems:
		for len(d.rest) > 0 {
			if key, it := d.item(); d.failed || !m.loadItem(key, it) {
				return false
			}
		}
	case blockOrigin, blockRemoved:
		o := d.origin()
		o.removed = kind == blockRemoved
		if o.removed && len(o.results) > 0 {
			return false
		}
		if n := len(m.origins); n > 0 && m.origins[n-1].number.Origin >= o.number.Origin {
			return false
		}
		m.origins = append(m.origins, o)
	case blockNode:
		node := d.node(string(d.bytes()))
		if n := len(m.nodes); n == maxNodes || n > 0 && m.nodes[n-1].ID >= node.ID || m.RemovedNode(node.ID) {
			return false
		}
		m.nodes = append(m.nodes, node)
	case blockLimits:
		if m.limited {
			return false
		}
		m.setLimits(d.limits())
	case blockVersions:
		if m.versions != nil {
			return false
		}
		m.versions = d.versions(m.index)
	case blockLease:
		m.lease = leaseClock{int64(d.uvarint()), int64(d.uvarint())}
		if m.lease.now < 0 || m.lease.now > latest {
			return false
		}
		m.ledger.now = m.lease.now
	case blockLedger, blockInstances, blockCounters, blockSlices, blockParked:
		m.ledger.load(kind, &d)
	case blockSession:
		id, s := d.session()
		if last, any := m.sessions.seats.Max(); d.failed || any && !last.id.before(id) {
			return false
		}
		m.sessions.add(id, s)
	case blockEnd:
		if !m.ledger.loaded() {
			return false
		}
		if m.versions == nil {
			m.versions = &versions{flushed: m.index}
		}
		if d.totals() != (totals{m.table.count, len(m.origins), len(m.nodes), m.sessions.seats.Len()}) {
			return false
		}
	default:
		return false
	}
	return !d.failed && len(d.rest) == 0
}

// loadItem puts an item into the table, or reports that its key is there already.
func (m *Machine) loadItem(key []byte, it item) bool {
	hash, before := m.table.hash(key), m.table.count
	m.used += cost(key, &it)
	m.table.put(hash, key, it)
	m.deadlines.add(hash, it.deadline)
	return m.table.count > before
}

type totals struct{ items, origins, nodes, sessions int }

func (t totals) append(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(t.items))
	dst = binary.AppendUvarint(dst, uint64(t.origins))
	dst = binary.AppendUvarint(dst, uint64(t.nodes))
	if t.sessions > 0 { // they came later
		dst = binary.AppendUvarint(dst, uint64(t.sessions))
	}
	return dst
}

func (d *decoder) totals() totals {
	t := totals{items: int(d.uvarint()), origins: int(d.uvarint()), nodes: int(d.uvarint())}
	if len(d.rest) > 0 {
		t.sessions = int(d.uvarint())
		d.failed = d.failed || t.sessions == 0
	}
	return t
}

// head is the part of the Machine that is not in a table.
type head struct {
	index, opened uint64
	now           int64
	keyed         bool
	writes        uint64
	hashKey       [2]uint64
}

func (m *Machine) head() head {
	return head{m.index, m.opened, m.now, m.keyed, m.writes, m.table.hashKey}
}

func (m *Machine) setHead(h head) {
	m.index, m.opened, m.now, m.keyed, m.writes = h.index, h.opened, h.now, h.keyed, h.writes
	m.table = newTable(h.hashKey)
	m.ledger.setHashKey(h.hashKey)
}

func (h head) append(dst []byte) []byte {
	keyed := uint64(truth(h.keyed).Int)
	for _, n := range []uint64{h.index, h.opened, uint64(h.now), keyed, h.writes, h.hashKey[0], h.hashKey[1]} {
		dst = binary.AppendUvarint(dst, n)
	}
	return dst
}

func (d *decoder) head() head {
	return head{d.uvarint(), d.uvarint(), int64(d.uvarint()), d.uvarint() == 1, d.uvarint(), [2]uint64{d.uvarint(), d.uvarint()}}
}

func appendItem(dst, key []byte, it item) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(key)))
	dst = append(dst, key...)
	dst = binary.AppendVarint(dst, it.deadline)
	return appendValue(dst, it.value)
}

func (d *decoder) item() (key []byte, it item) {
	key = d.bytes()
	it.deadline = d.varint()
	it.value = d.value()
	if len(key) > MaxKey || len(it.value.Text) > MaxText || it.deadline < 0 {
		d.failed, d.rest = true, nil
	}
	return key, it
}

// blockWriter writes blocks until the first error, which it keeps.
type blockWriter struct {
	w       *bufio.Writer
	written int64
	err     error
}

func (w *blockWriter) raw(b []byte) {
	if w.err == nil {
		var n int
		n, w.err = w.w.Write(b)
		w.written += int64(n)
	}
}

func (w *blockWriter) block(kind byte, body []byte) {
	var frame [9]byte
	frame[0] = kind
	binary.LittleEndian.PutUint32(frame[1:], uint32(len(body)))
	binary.LittleEndian.PutUint32(frame[5:], blockSum(kind, body))
	w.raw(frame[:])
	w.raw(body)
}

func readBlock(r io.Reader, buf []byte) (kind byte, body []byte, err error) {
	var frame [9]byte
	if err := readFull(r, frame[:]); err != nil {
		return 0, nil, err
	}
	size := binary.LittleEndian.Uint32(frame[1:])
	if size > maxBlock {
		return 0, nil, fmt.Errorf("%w: block of %d bytes", ErrFormat, size)
	}
	body = slices.Grow(buf[:0], int(size))[:size]
	if err := readFull(r, body); err != nil {
		return 0, nil, err
	}
	if binary.LittleEndian.Uint32(frame[5:]) != blockSum(frame[0], body) {
		return 0, nil, fmt.Errorf("%w: checksum does not match", ErrFormat)
	}
	return frame[0], body, nil
}

// readFull fills buf. An end before that is an error of form: the image says itself where it ends.
func readFull(r io.Reader, buf []byte) error {
	_, err := io.ReadFull(r, buf)
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return fmt.Errorf("%w: cut off", ErrFormat)
	}
	return err
}

func blockSum(kind byte, body []byte) uint32 {
	return crc32.Update(crc32.Checksum([]byte{kind}, castagnoli), castagnoli, body)
}

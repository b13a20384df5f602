package cluster

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"os"
)

// checkBolt reads a bolt file as bolt would, but trusts nothing in it: heads, pages, and that each is used once. A file that
// passes can be opened without a panic, and at its last transaction. It says nothing of the values; those that matter have
// checksums of their own. A file that is not there, or empty, is going to be made and passes.
//
//	page 0, 1    heads, written in turn: magic, version, page size, …, root, …, free list, pages in use, transaction, FNV-1a
//	other pages  8 bytes id, 2 flags, 2 count, 4 number of pages that follow and belong to it
//	  branch     count of: 4 bytes position of the key, 4 its size, 8 page below
//	  leaf       count of: 4 bytes flags, 4 position of key and value, 4 size of the key, 4 of the value
//	  free list  count of: 8 bytes page
//
// Numbers are in the machine's byte order, positions begin at the element. A leaf's value may be a bucket: 8 bytes root, 8
// sequence, and, if the root is 0, a leaf in place of a page of its own.
func checkBolt(path string) error {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || info.Size() == 0 {
		return err
	}
	c := boltCheck{file: f}
	if err := c.check(info.Size()); err != nil {
		return fmt.Errorf("%w: %w", err, errDamaged)
	}
	return nil
}

const (
	boltMagic      = 0xED0CDAED
	boltVersion    = 2
	boltHead       = 64 // bytes, of which the last 8 are the sum over those before
	boltPageHead   = 16
	boltElement    = 16
	boltBucketHead = 16
	boltBranch     = 1
	boltLeaf       = 2
	boltMeta       = 4
	boltFree       = 16
	boltNoFreeList = 1<<64 - 1
	boltIsBucket   = 1
	boltLargest    = 1 << 30 // bytes that one page may span
)

type boltCheck struct {
	file     *os.File
	pageSize uint64
	pages    uint64 // in use, the heads included
	seen     []bool // by page: reached on the way
}

func (c *boltCheck) check(size int64) error {
	newest, err := c.head(0, 0)
	if err != nil {
		return err
	}
	c.pageSize = uint64(binary.NativeEndian.Uint32(newest[8:]))
	other, err := c.head(1, int64(c.pageSize))
	if err != nil {
		return err
	}
	if boltUint(other[48:]) > boltUint(newest[48:]) {
		newest = other
	}
	root, free := boltUint(newest[16:]), boltUint(newest[32:])
	c.pages = boltUint(newest[40:])
	if c.pages > uint64(size)/c.pageSize {
		return errors.New("its end is missing")
	}
	c.seen = make([]bool, c.pages)
	c.seen[0], c.seen[1] = true, true
	if err := c.tree(root, nil, nil); err != nil {
		return err
	}
	if free == boltNoFreeList {
		return nil
	}
	return c.freeList(free)
}

// head reads one of the heads. Both must be good: bolt would go back to the older one, and forget a vote.
func (c *boltCheck) head(number uint64, at int64) ([]byte, error) {
	page := make([]byte, boltPageHead+boltHead)
	if _, err := c.file.ReadAt(page, at); err != nil {
		return nil, err
	}
	head := page[boltPageHead:]
	h := fnv.New64a()
	h.Write(head[:boltHead-8])
	if h.Sum64() != boltUint(head[56:]) || binary.NativeEndian.Uint32(head) != boltMagic ||
		binary.NativeEndian.Uint32(head[4:]) != boltVersion || boltUint(page) != number || binary.NativeEndian.Uint16(page[8:]) != boltMeta {
		return nil, fmt.Errorf("head %d is wrong", number)
	}
	return head, nil
}

// tree checks the pages below one, the keys of which must lie in [from, to); nil: no bound.
func (c *boltCheck) tree(id uint64, from, to []byte) error {
	flags, count, page, err := c.read(id)
	if err != nil {
		return err
	}
	switch flags {
	case boltLeaf:
		err = c.leaf(page, count, from, to)
	case boltBranch:
		err = c.branch(page, count, from, to)
	default:
		err = errors.New("of an unknown kind")
	}
	if err != nil {
		return fmt.Errorf("page %d: %w", id, err)
	}
	return nil
}

func (c *boltCheck) branch(page []byte, count int, from, to []byte) error {
	if count == 0 {
		return errors.New("an empty branch")
	}
	keys, below := make([][]byte, count+1), make([]uint64, count)
	keys[count] = to
	for i := range count {
		at := boltPageHead + i*boltElement
		key, err := boltSlice(page, at, uint64(binary.NativeEndian.Uint32(page[at:])), uint64(binary.NativeEndian.Uint32(page[at+4:])))
		if err != nil {
			return err
		}
		keys[i], below[i] = key, boltUint(page[at+8:])
	}
	if from != nil && bytes.Compare(keys[0], from) < 0 {
		return errors.New("a key out of order")
	}
	for i := range count {
		if keys[i+1] != nil && bytes.Compare(keys[i], keys[i+1]) >= 0 {
			return errors.New("keys out of order")
		}
	}
	for i := range count {
		if err := c.tree(below[i], keys[i], keys[i+1]); err != nil {
			return err
		}
	}
	return nil
}

func (c *boltCheck) leaf(page []byte, count int, from, to []byte) error {
	var last []byte
	for i := range count {
		at := boltPageHead + i*boltElement
		flags := binary.NativeEndian.Uint32(page[at:])
		position, keySize := uint64(binary.NativeEndian.Uint32(page[at+4:])), uint64(binary.NativeEndian.Uint32(page[at+8:]))
		key, err := boltSlice(page, at, position, keySize)
		if err != nil {
			return err
		}
		value, err := boltSlice(page, at, position+keySize, uint64(binary.NativeEndian.Uint32(page[at+12:])))
		if err != nil {
			return err
		}
		if i == 0 && from != nil && bytes.Compare(key, from) < 0 || i > 0 && bytes.Compare(key, last) <= 0 ||
			to != nil && bytes.Compare(key, to) >= 0 {
			return errors.New("keys out of order")
		}
		last = key
		switch flags {
		case 0:
		case boltIsBucket:
			err = c.bucket(value)
		default:
			err = errors.New("an element of an unknown kind")
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *boltCheck) bucket(value []byte) error {
	if len(value) < boltBucketHead {
		return errors.New("a bucket cut short")
	}
	if root := boltUint(value); root != 0 {
		return c.tree(root, nil, nil)
	}
	page := value[boltBucketHead:]
	if len(page) < boltPageHead {
		return errors.New("a bucket cut short")
	}
	flags, count := binary.NativeEndian.Uint16(page[8:]), int(binary.NativeEndian.Uint16(page[10:]))
	if flags != boltLeaf || boltPageHead+count*boltElement > len(page) {
		return errors.New("a bucket that is no leaf")
	}
	return c.leaf(page, count, nil, nil)
}

// freeList checks that no page is free that is in use, or it would be overwritten.
func (c *boltCheck) freeList(id uint64) error {
	flags, count, page, err := c.read(id)
	if err != nil {
		return err
	}
	ids := page[boltPageHead:]
	total := uint64(count)
	if count == 0xFFFF { // the number stands in front of the list
		if len(ids) < 8 {
			return errors.New("the free list is cut short")
		}
		total, ids = boltUint(ids), ids[8:]
	}
	if flags != boltFree || total > uint64(len(ids)/8) {
		return errors.New("the free list is none")
	}
	for i := range total {
		free := boltUint(ids[i*8:])
		if free >= c.pages || c.seen[free] {
			return fmt.Errorf("page %d is free and in use", free)
		}
		c.seen[free] = true
	}
	return nil
}

// read reads a page with all that belongs to it, once. Its elements fit in.
func (c *boltCheck) read(id uint64) (flags uint16, count int, page []byte, err error) {
	if id >= c.pages {
		return 0, 0, nil, fmt.Errorf("page %d does not exist", id)
	}
	head := make([]byte, boltPageHead)
	if _, err := c.file.ReadAt(head, int64(id*c.pageSize)); err != nil {
		return 0, 0, nil, err
	}
	flags, count = binary.NativeEndian.Uint16(head[8:]), int(binary.NativeEndian.Uint16(head[10:]))
	more := uint64(binary.NativeEndian.Uint32(head[12:]))
	size := (more + 1) * c.pageSize
	if boltUint(head) != id || id+more >= c.pages || size > boltLargest || flags != boltFree && boltPageHead+uint64(count)*boltElement > size {
		return 0, 0, nil, fmt.Errorf("page %d has a wrong head", id)
	}
	for i := id; i <= id+more; i++ {
		if c.seen[i] {
			return 0, 0, nil, fmt.Errorf("page %d is used twice", i)
		}
		c.seen[i] = true
	}
	page = make([]byte, size)
	_, err = c.file.ReadAt(page, int64(id*c.pageSize))
	return flags, count, page, err
}

func boltUint(b []byte) uint64 { return binary.NativeEndian.Uint64(b) }

func boltSlice(page []byte, at int, position, size uint64) ([]byte, error) {
	start := uint64(at) + position
	if start+size > uint64(len(page)) {
		return nil, errors.New("an element that points outside")
	}
	return page[start : start+size : start+size], nil
}

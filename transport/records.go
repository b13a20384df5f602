package transport

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"sync"
)

// ErrDamaged is wrapped by the error of a read that met a record whose sum is wrong: its bytes were changed on their way here.
var ErrDamaged = errors.New("bytes were changed on their way here")

const (
	recordHead = 8
	maxRecord  = 1<<16 - 1              // bytes of payload
	maxWrite   = 4 * (1<<16 - 1 + 8)    // bytes of records that leave in one write
	readBuffer = recordHead + maxRecord // has room for the longest record
)

// records is a connection behind its handshake. Raft's messages, Batches, Results and reads have no sums of their own, and TCP's
// is short, and made anew by every proxy. So all bytes travel in records, which are checked before a byte of them is handed on:
//
//	uint16 bytes of payload, at least one
//	uint16 the same with every bit turned, so that nobody waits for the end of a record that is longer than it should be
//	uint32 CRC-32C of these four bytes and the payload
//	payload
//
// A record that is wrong ends the connection. Its calls are unknown then, as with any that breaks, and are said again.
type records struct {
	net.Conn
	damaged func(error) // told of the record that ended the connection; nil: nobody is

	reading sync.Mutex
	buffer  []byte // made by the first Read
	raw     []byte // of it: read, not yet checked
	payload []byte // of it: checked, not yet handed on
	bad     error  // of the record that ended the connection

	writing sync.Mutex
	out     []byte // the records of a write
	failed  error  // of the write that ended in the middle of a record, perhaps
}

// Read hands on what is left of a record, or else reads the next. A deadline that ends it loses nothing.
func (r *records) Read(p []byte) (int, error) {
	r.reading.Lock()
	defer r.reading.Unlock()
	for len(r.payload) == 0 && len(p) > 0 {
		if err := r.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, r.payload)
	r.payload = r.payload[n:]
	return n, nil
}

// next takes a record from what has been read, or reads more.
func (r *records) next() error {
	if r.bad != nil {
		return r.bad
	}
	payload, rest, err := cutRecord(r.raw)
	if err != nil {
		r.bad = err
		r.Close()
		if r.damaged != nil {
			r.damaged(err)
		}
		return err
	}
	if payload != nil {
		r.payload, r.raw = payload, rest
		return nil
	}
	if r.buffer == nil {
		r.buffer = make([]byte, readBuffer)
	}
	if cap(r.raw) < readBuffer { // it does not begin where the buffer does
		r.raw = r.buffer[:copy(r.buffer, r.raw)]
	}
	n, err := r.Conn.Read(r.buffer[len(r.raw):])
	r.raw = r.buffer[:len(r.raw)+n]
	if n > 0 {
		return nil // the error comes again
	}
	if err == io.EOF && len(r.raw) > 0 {
		return io.ErrUnexpectedEOF
	}
	return err
}

// cutRecord takes the first record off data. Without a payload and an error it is not whole yet.
func cutRecord(data []byte) (payload, rest []byte, err error) {
	if len(data) < recordHead/2 {
		return nil, data, nil
	}
	size := binary.BigEndian.Uint16(data)
	if turned := binary.BigEndian.Uint16(data[2:]); turned != ^size || size == 0 {
		return nil, nil, fmt.Errorf("%w: a record of %#04x bytes, or of %#04x", ErrDamaged, size, ^turned)
	}
	end := recordHead + int(size)
	if len(data) < end {
		return nil, data, nil
	}
	if want, got := binary.BigEndian.Uint32(data[4:]), recordSum(data[:end]); got != want {
		return nil, nil, fmt.Errorf("%w: a record of %d bytes has the sum %08x, not %08x", ErrDamaged, size, got, want)
	}
	return data[recordHead:end:end], data[end:], nil
}

// Write sends records, all in one write of the connection unless there are very many. After an error it sends nothing more: the
// far end would not know where a record begins.
func (r *records) Write(p []byte) (written int, err error) {
	r.writing.Lock()
	defer r.writing.Unlock()
	for len(p) > 0 && r.failed == nil {
		took := 0
		r.out = r.out[:0]
		for len(p) > took && len(r.out) < maxWrite {
			piece := p[took:min(len(p), took+maxRecord)]
			r.out = appendRecord(r.out, piece)
			took += len(piece)
		}
		if _, r.failed = r.Conn.Write(r.out); r.failed == nil {
			written, p = written+took, p[took:]
		}
	}
	return written, r.failed
}

func appendRecord(dst, payload []byte) []byte {
	start, size := len(dst), uint16(len(payload))
	dst = binary.BigEndian.AppendUint16(dst, size)
	dst = binary.BigEndian.AppendUint16(dst, ^size)
	dst = append(dst, 0, 0, 0, 0)
	dst = append(dst, payload...)
	binary.BigEndian.PutUint32(dst[start+4:], recordSum(dst[start:]))
	return dst
}

// recordSum is the sum of a whole record.
func recordSum(record []byte) uint32 {
	table := crc32.MakeTable(crc32.Castagnoli)
	return crc32.Update(crc32.Checksum(record[:recordHead/2], table), table, record[recordHead:])
}

package transport

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
)

const (
	maxFrame   = 4 << 20              // bytes after the length: the largest Batch, or the Results of one, and their heads
	frameHead  = 10                   // bytes between the length and the payload
	maxPayload = maxFrame - frameHead // of a call; a larger one would cost the connection, and with it everybody's calls
)

// A frame is
//
//	uint32 length of what follows
//	uint64 number of the call
//	one byte method (0: the reply)
//	uvarint group: which Raft group it is for; 0, the only one there is
//	payload
func appendFrame(dst []byte, call uint64, method byte, payload []byte) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(frameHead+len(payload)))
	dst = binary.BigEndian.AppendUint64(dst, call)
	dst = append(dst, method, 0)
	return append(dst, payload...)
}

func readFrame(r *bufio.Reader) (call uint64, method byte, payload []byte, err error) {
	var head [14]byte
	if _, err = io.ReadFull(r, head[:]); err != nil {
		return 0, 0, nil, err
	}
	size := binary.BigEndian.Uint32(head[:])
	if size < frameHead || size > maxFrame || head[13] != 0 {
		return 0, 0, nil, fmt.Errorf("frame of %d bytes for group %d", size, head[13])
	}
	payload = make([]byte, size-frameHead)
	_, err = io.ReadFull(r, payload)
	return binary.BigEndian.Uint64(head[4:]), head[12], payload, err
}

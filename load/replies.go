package load

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"
)

const (
	maxLine  = 4 << 10 // of a reply, and so of an error's text
	maxBytes = 1 << 20 // of a bulk string: far above any counter
)

// Types of replies: RESP2's first bytes, and null apart.
const (
	simple  = '+'
	failure = '-'
	integer = ':'
	bulk    = '$'
	array   = '*'
	null    = '_'
)

// errNotRESP is the end of a connection whose other side speaks something else.
var errNotRESP = errors.New("not the Redis protocol")

// reply is one reply, or the head of an array, whose n elements come next.
type reply struct {
	kind byte
	n    int64  // of an integer or an array
	text []byte // of the others; valid until the next call of next
}

// replies takes replies off a connection, without allocating.
type replies struct {
	from *stamped
	buf  *bufio.Reader
}

// stamped notes when bytes came: the replies in them are as old as that, however long it takes to get to them.
type stamped struct {
	from  io.Reader
	clock func() time.Duration
	at    time.Duration
}

func (s *stamped) Read(p []byte) (int, error) {
	n, err := s.from.Read(p)
	s.at = s.clock()
	return n, err
}

func newReplies(from io.Reader, clock func() time.Duration, size int) *replies {
	s := &stamped{from: from, clock: clock}
	return &replies{from: s, buf: bufio.NewReaderSize(s, max(size, maxLine))}
}

// at is when the latest bytes came, so when the reply that next has just returned was complete.
func (r *replies) at() time.Duration { return r.from.at }

// next waits for a reply. Its error is the connection's, or wraps errNotRESP.
func (r *replies) next() (reply, error) {
	line, err := r.buf.ReadSlice('\n')
	if err != nil {
		return reply{}, lineError(line, err)
	}
	if len(line) < len("+\r\n") || line[len(line)-2] != '\r' {
		return reply{}, notRESP(line)
	}
	head, rest := line[0], line[1:len(line)-2]
	switch head {
	case integer:
		n, ok := parseInt(rest)
		if !ok {
			return reply{}, notRESP(line)
		}
		return reply{kind: integer, n: n}, nil
	case simple, failure:
		return reply{kind: head, text: rest}, nil
	case bulk, array:
		n, ok := parseInt(rest)
		switch {
		case !ok || n < -1:
			return reply{}, notRESP(line)
		case n == -1:
			return reply{kind: null}, nil
		case head == array:
			return reply{kind: array, n: n}, nil
		}
		return r.bulk(n)
	}
	return reply{}, notRESP(line)
}

// bulk reads n bytes and the end of the line. What does not fit into the buffer is read and forgotten: no counter is so long.
func (r *replies) bulk(n int64) (reply, error) {
	if n > maxBytes {
		return reply{}, fmt.Errorf("a reply of %d bytes, more than %d: %w", n, maxBytes, errNotRESP)
	}
	size := int(n) + len("\r\n")
	if size > r.buf.Size() {
		_, err := r.buf.Discard(size)
		return reply{kind: bulk}, err
	}
	text, err := r.buf.Peek(size)
	if err != nil {
		return reply{}, err
	}
	if !bytes.HasSuffix(text, []byte("\r\n")) {
		return reply{}, notRESP(text)
	}
	_, err = r.buf.Discard(size) // what was peeked at stays where it is until the next read
	return reply{kind: bulk, text: text[:n]}, err
}

// parseInt is strconv.ParseInt without a string. Replies are mostly short integers.
func parseInt(text []byte) (int64, bool) {
	const short = 18 // digits can't overflow
	if len(text) == 0 || len(text) > short {
		n, err := strconv.ParseInt(string(text), 10, 64)
		return n, err == nil
	}
	digits, sign := text, int64(1)
	if text[0] == '-' {
		digits, sign = text[1:], -1
	}
	n := int64(0)
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return sign * n, len(digits) > 0
}

func lineError(line []byte, err error) error {
	if errors.Is(err, bufio.ErrBufferFull) {
		return notRESP(line)
	}
	if errors.Is(err, io.EOF) && len(line) > 0 {
		return io.ErrUnexpectedEOF
	}
	return err
}

func notRESP(line []byte) error {
	const shown = 40
	return fmt.Errorf("%q: %w", line[:min(len(line), shown)], errNotRESP)
}

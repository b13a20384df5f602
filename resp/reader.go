package resp

import (
	"bytes"
	"fmt"
	"math"
	"slices"
)

const (
	readChunk  = 64 << 10 // a buffer that reads keep filling grows to this by itself
	keepBuffer = 64 << 10 // a larger buffer is given back as soon as it is empty
	keepArgs   = 4096     // and so is room for more arguments
	idleBuffer = 1 << 10  // what Shrink leaves of an empty buffer
	idleArgs   = 16       // and of the room for arguments

	lineEnd = 2 // bytes of "\r\n"
)

// ProtocolError says what was wrong with the bytes of a client, in Redis's words and without the "ERR " that stands in
// front of it on the wire. It has no line end in it. The connection can't be used any further.
type ProtocolError struct{ reason string }

// Error is Redis's text, "Protocol error: …", without the "ERR " in front.
func (e *ProtocolError) Error() string { return "Protocol error: " + e.reason }

// Reader cuts the bytes that a client sends into commands: RESP2 arrays of bulk strings and inline commands, as
// Redis 7 reads them. It knows no socket and no goroutine; one owner at a time. The zero value is ready, with the
// default limits. The owner's loop:
//
//	room := r.Space(n)       where to put what comes next
//	k, _ := conn.Read(room)
//	r.Fill(k)
//	r.Next, until it gives nil
//	    step                 as far as the bytes reach, from where it stopped last time
//	        count            "*2\r\n"
//	        header, bulk     "$4\r\n", "INCR\r\n"
//	        inline           "INCR key\r\n"
//	    command              the arguments as slices of the buffer
//	r.Shrink()               when the client has gone quiet
//
// What holds, whatever arrives in whatever pieces:
//   - Time is linear in the bytes received. No byte is searched twice for a line end; a command's bytes are moved once to
//     the front of the buffer at most, and then only when the buffer doubles.
//   - Memory follows the bytes received, never the lengths declared; see Space and Limits.
//   - The same bytes give the same commands and the same error, however they are cut.
//
// The tests show it: a table of boundary packets, cut everywhere; the attacks; a real Redis that must say the same; and a
// fuzzed comparison with a parser that is slow and obvious.
//
// It is stricter than Redis in one point: Redis takes any byte after the "\r" of a header, and any two after an argument.
// Here they must be "\r\n", since a client that gets lengths wrong must not have its data executed as commands.
type Reader struct {
	limits Limits
	strict bool // the client has not logged in, and may send few and short arguments only

	// buf[start:end] is what counts: the command in work, or the one given out last, begins at start, at is the first
	// byte not parsed, and buf[at:scan] is known to have no line end. start ≤ at ≤ scan ≤ end.
	buf                  []byte
	start, at, scan, end int
	full                 bool // the last Fill left no room, so a larger buffer saves reads

	missing int       // arguments of the command in work that are still to come; 0 between commands
	awaited int       // bytes of the argument in work, its line end included; 0 when a header comes next
	spans   []argSpan // the arguments so far
	args    [][]byte  // the same as slices, made when the command is whole
	err     error     // the *ProtocolError after which there is nothing more
}

// argSpan is where an argument lies, in bytes from the start of its command, so that the buffer can move.
type argSpan struct{ from, to int }

// NewReader makes a Reader with the given limits.
func NewReader(l Limits) *Reader { return &Reader{limits: l} }

// Space gives at least n bytes of room to read into, and more when the client keeps filling what it gets; say with Fill
// how many were used. It ends the life of the arguments that Next gave out.
//
// Call Next until it gives nil first. The buffer never exceeds Limits.Request + Limits.Inline + the larger of n and
// 64 KiB; an owner who doesn't take his commands gets less room at that bound, and in the end none.
func (r *Reader) Space(n int) []byte {
	r.forget()
	n = max(n, 1)
	if r.start == r.end {
		r.rewind(max(2*n, keepBuffer))
	}
	need, grown := r.end-r.start+n, 0
	if need > len(r.buf) {
		grown = max(need, 2*len(r.buf)) // twice: what is copied stays linear in what came in
	} else if r.full && len(r.buf) < readChunk {
		grown = min(2*len(r.buf), readChunk)
	}
	r.full = false
	grown = min(grown, r.limits.request()+r.limits.inline()+lineEnd+max(n, readChunk))
	if grown > len(r.buf) {
		r.move(make([]byte, grown))
	} else if r.start > 0 && len(r.buf)-r.end < n {
		r.move(r.buf)
	}
	return r.buf[r.end:]
}

// Fill says that n bytes were put into the room that Space gave. A failed Reader drops them.
func (r *Reader) Fill(n int) {
	if r.err != nil {
		return
	}
	if n < 0 || n > len(r.buf)-r.end {
		panic("BUG: Fill beyond the room that Space gave")
	}
	r.end += n
	r.full = r.end == len(r.buf)
}

// Next gives the next whole command, at least one argument long; the first one may be empty. They may be changed and
// cut, not grown in place, and are valid until the next call of Next, Space or Shrink. Without a whole command it gives
// nil, nil. An error is a *ProtocolError, and stays.
func (r *Reader) Next() ([][]byte, error) {
	r.forget()
	for r.err == nil && r.at < r.end {
		if !r.step() {
			break
		}
		if r.missing > 0 {
			continue
		}
		if len(r.spans) > 0 {
			return r.command(), nil
		}
		r.start = r.at // an empty line, or "*0": Redis skips them
	}
	return nil, r.err
}

// Buffered is how many bytes have come in and are not part of a command that Next gave out: 0 says that the client is
// between commands. After an error it is 0.
func (r *Reader) Buffered() int {
	if r.missing > 0 {
		return r.end - r.start
	}
	return r.end - r.at
}

// Shrink gives back the memory that an idle client doesn't need; half a command is kept. It ends the life of the
// arguments that Next gave out.
func (r *Reader) Shrink() {
	r.forget()
	r.full = false
	live := r.end - r.start
	if live == 0 {
		r.rewind(idleBuffer)
	}
	// Twice what is kept leaves room to go on, so that a client who trickles pays for its copying.
	if len(r.buf) > 4*live+idleBuffer {
		r.move(make([]byte, 2*live+idleBuffer))
	}
	r.trim(idleArgs)
}

// forget drops the command that was given out, if there is one.
func (r *Reader) forget() {
	if r.missing > 0 {
		return
	}
	r.spans = r.spans[:0]
	r.start = r.at
}

// rewind starts over at the front of the empty buffer, or without one if it has become larger than keep.
func (r *Reader) rewind(keep int) {
	r.start, r.at, r.scan, r.end = 0, 0, 0, 0
	if len(r.buf) > keep {
		r.move(nil)
	}
	r.trim(keepArgs)
}

// move brings what is in use to the front of buf, which may be the present buffer.
func (r *Reader) move(buf []byte) {
	copy(buf, r.buf[r.start:r.end])
	r.buf = buf
	r.at -= r.start
	r.scan -= r.start
	r.end -= r.start
	r.start = 0
	clear(r.args) // they would keep an old buffer alive
	r.args = r.args[:0]
}

// trim gives back room for more than keep arguments, unless it is in use.
func (r *Reader) trim(keep int) {
	if cap(r.args) > keep {
		r.args = nil
	}
	if cap(r.spans) > keep && r.missing == 0 {
		r.spans = nil
	}
}

// fail ends the Reader and drops what it holds.
func (r *Reader) fail(format string, args ...any) bool {
	*r = Reader{limits: r.limits, err: &ProtocolError{fmt.Sprintf(format, args...)}}
	return false
}

// step parses one header, argument or line. False: more bytes are needed, or it failed.
func (r *Reader) step() bool {
	if r.awaited > 0 {
		return r.bulk()
	}
	if r.missing > 0 {
		return r.header()
	}
	if r.buf[r.at] == '*' {
		return r.count()
	}
	return r.inline()
}

// count parses "*n\r\n". A count of 0 or less is no command and no error.
func (r *Reader) count() bool {
	line, ok := r.headerLine("mbulk")
	if !ok {
		return false
	}
	n, ok := headerInt(line)
	if !ok || n > int64(r.limits.args()) {
		return r.fail("invalid multibulk length")
	}
	if r.strict && n > strictArgs {
		return r.fail("unauthenticated multibulk length")
	}
	r.missing = int(max(n, 0))
	return true
}

// header parses "$n\r\n". What can't fit into the request is refused here, before its bytes arrive.
func (r *Reader) header() bool {
	if first := r.buf[r.at]; first != '$' {
		if first == '\r' || first == '\n' {
			first = ' ' // as Redis does: the text must stay one line
		}
		return r.fail("expected '$', got '%s'", []byte{first})
	}
	line, ok := r.headerLine("bulk")
	if !ok {
		return false
	}
	n, ok := headerInt(line)
	if !ok || n < 0 || n > int64(r.limits.bulk()) {
		return r.fail("invalid bulk length")
	}
	if r.strict && n > strictBulk {
		return r.fail("unauthenticated bulk length")
	}
	if used := r.at - r.start; n > int64(r.limits.request()-used-lineEnd) {
		return r.fail("request exceeds the limit of %d bytes", r.limits.request())
	}
	r.awaited = int(n) + lineEnd
	return true
}

// bulk takes the argument that a header announced.
func (r *Reader) bulk() bool {
	if r.end-r.at < r.awaited {
		return false
	}
	from, to := r.at, r.at+r.awaited-lineEnd
	if r.buf[to] != '\r' || r.buf[to+1] != '\n' {
		return r.fail("expected CRLF after %d bytes of bulk", to-from)
	}
	r.spans = append(r.spans, argSpan{from - r.start, to - r.start})
	r.at = to + lineEnd
	r.scan = r.at
	r.awaited = 0
	r.missing--
	return true
}

// headerLine gives what stands between the type byte and the "\r\n" of a header, nothing if the "\n" isn't there. False:
// the line is not complete, or too long for what it counts.
func (r *Reader) headerLine(what string) ([]byte, bool) {
	i := bytes.IndexByte(r.buf[r.scan:r.end], '\r')
	end := r.end
	if i >= 0 {
		end = r.scan + i
	}
	if end-r.at > r.limits.inline() {
		return nil, r.fail("too big %s count string", what)
	}
	r.scan = end
	if r.end-end < lineEnd {
		return nil, false
	}
	line := r.buf[r.at+1 : end]
	if r.buf[end+1] != '\n' {
		line = nil
	}
	r.at = end + lineEnd
	r.scan = r.at
	return line, true
}

// inline parses a line as one types it into telnet.
func (r *Reader) inline() bool {
	i := bytes.IndexByte(r.buf[r.scan:r.end], '\n')
	end := r.end
	if i >= 0 {
		end = r.scan + i
	}
	if end-r.at > r.limits.inline() {
		return r.fail("too big inline request")
	}
	r.scan = end
	if i < 0 {
		return false
	}
	line := bytes.TrimSuffix(r.buf[r.at:end], []byte{'\r'})
	r.at = end + 1
	r.scan = r.at
	spans, ok := splitInline(r.spans, line)
	if !ok {
		return r.fail("unbalanced quotes in request")
	}
	r.spans = spans
	if len(spans) > r.limits.args() {
		return r.fail("too big inline request")
	}
	return true
}

// command makes slices of the spans. Their capacity ends where they end, so that an append can't reach the next one.
func (r *Reader) command() [][]byte {
	clear(r.args) // what is beyond the new ones must not keep an old buffer alive
	r.args = slices.Grow(r.args[:0], len(r.spans))
	cmd := r.buf[r.start:r.at]
	for _, s := range r.spans {
		r.args = append(r.args, cmd[s.from:s.to:s.to])
	}
	return r.args
}

// headerInt reads an int64 as Redis's string2ll does: digits without leading zero, plus or blank; "-" only before a number
// other than 0.
func headerInt(s []byte) (n int64, ok bool) {
	if len(s) == 1 && s[0] == '0' {
		return 0, true
	}
	digits, limit := s, uint64(math.MaxInt64)
	negative := len(s) > 0 && s[0] == '-'
	if negative {
		digits, limit = s[1:], limit+1
	}
	if len(digits) == 0 || len(digits) > len("9223372036854775808") || digits[0] == '0' {
		return 0, false
	}
	var v uint64 // 19 digits fit
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, false
		}
		v = v*10 + uint64(c-'0')
	}
	if v > limit {
		return 0, false
	}
	if negative {
		return -int64(v), true // also right for the smallest one, which is its own negative
	}
	return int64(v), true
}

package resp

import (
	"strconv"

	"github.com/tidwall/redcon"

	"github.com/truecount/truecount/fsm"
)

// The protocols that HELLO chooses from. (https://redis.io/docs/latest/develop/reference/protocol-spec/)
const (
	protocol2 = 2
	protocol3 = 3
)

// writer collects encoded replies. Its methods are the types that a reply can have; how a type looks in the connection's
// protocol is decided here and nowhere else.
type writer struct {
	buf      []byte
	protocol int

	hits, misses int // what reads have found and not found, for statistics
}

func (w *writer) Int(n int64)              { w.buf = redcon.AppendInt(w.buf, n) }
func (w *writer) Bulk(text []byte)         { w.buf = redcon.AppendBulk(w.buf, text) }
func (w *writer) BulkString(text string)   { w.buf = redcon.AppendBulkString(w.buf, text) }
func (w *writer) Array(n int)              { w.buf = redcon.AppendArray(w.buf, n) }
func (w *writer) Simple(text string)       { w.buf = redcon.AppendString(w.buf, text) }
func (w *writer) OK()                      { w.buf = redcon.AppendOK(w.buf) }
func (w *writer) Error(codeAndText string) { w.buf = redcon.AppendError(w.buf, codeAndText) }

// Null stands where a string was asked for and there is none.
func (w *writer) Null() {
	if w.protocol == protocol3 {
		w.buf = append(w.buf, "_\r\n"...)
		return
	}
	w.buf = redcon.AppendNull(w.buf)
}

// NullArray stands where an array was asked for and there is none.
func (w *writer) NullArray() {
	if w.protocol == protocol3 {
		w.Null()
		return
	}
	w.buf = append(w.buf, "*-1\r\n"...)
}

// Map begins n pairs; protocol 2 has only arrays.
func (w *writer) Map(n int) {
	if w.protocol == protocol3 {
		w.head('%', n)
		return
	}
	w.Array(2 * n)
}

// Set begins n members in no particular order.
func (w *writer) Set(n int) { w.aggregate('~', n) }

// Push begins a message of n parts that answers no command.
func (w *writer) Push(n int) { w.aggregate('>', n) }

// aggregate begins n elements of a type that protocol 2 writes as an array.
func (w *writer) aggregate(kind byte, n int) {
	if w.protocol == protocol3 {
		w.head(kind, n)
		return
	}
	w.Array(n)
}

// Double writes a number that is no integer, as its decimal digits.
func (w *writer) Double(digits []byte) {
	if w.protocol != protocol3 {
		w.Bulk(digits)
		return
	}
	w.buf = append(w.buf, ',')
	w.buf = append(w.buf, digits...)
	w.buf = append(w.buf, "\r\n"...)
}

// Verbatim writes a text for people, which tools shall show as it is.
func (w *writer) Verbatim(text string) {
	if w.protocol != protocol3 {
		w.BulkString(text)
		return
	}
	w.head('=', len("txt:")+len(text))
	w.buf = append(w.buf, "txt:"...)
	w.buf = append(w.buf, text...)
	w.buf = append(w.buf, "\r\n"...)
}

// head writes what begins a type of protocol 3: its mark and a length.
func (w *writer) head(kind byte, n int) {
	w.buf = append(w.buf, kind)
	w.buf = strconv.AppendInt(w.buf, int64(n), 10)
	w.buf = append(w.buf, "\r\n"...)
}

// Value writes what a key holds.
func (w *writer) Value(v fsm.Value) {
	switch v.Kind {
	case fsm.Nil:
		w.Null()
	case fsm.Int:
		var digits [20]byte
		w.Bulk(v.AppendText(digits[:0]))
	default:
		w.Bulk(v.Text)
	}
}

// Found is Value, of a read that is counted.
func (w *writer) Found(v fsm.Value) {
	if v.Kind == fsm.Nil {
		w.misses++
	} else {
		w.hits++
	}
	w.Value(v)
}

// Number writes what a counter holds: an integer, or a decimal as its digits.
func (w *writer) Number(v fsm.Value) {
	if v.Kind == fsm.Int {
		w.Int(v.Int)
		return
	}
	w.Value(v)
}

// Decimal writes a number as a double, which protocol 2 does not have: a string there.
func (w *writer) Decimal(v fsm.Value) {
	var digits [20]byte
	w.Double(v.AppendText(digits[:0]))
}

// raw appends replies that another writer has encoded.
func (w *writer) raw(encoded []byte) { w.buf = append(w.buf, encoded...) }

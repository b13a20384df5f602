package resp

import (
	"github.com/tidwall/redcon"

	"github.com/truecount/truecount/fsm"
)

const protocol2 = 2 // the only protocol so far

// writer collects encoded replies. Its methods are the types that a reply can have; how a type looks in the connection's
// protocol is decided here and nowhere else.
type writer struct {
	buf      []byte
	protocol int
}

func (w *writer) Int(n int64)              { w.buf = redcon.AppendInt(w.buf, n) }
func (w *writer) Bulk(text []byte)         { w.buf = redcon.AppendBulk(w.buf, text) }
func (w *writer) BulkString(text string)   { w.buf = redcon.AppendBulkString(w.buf, text) }
func (w *writer) Null()                    { w.buf = redcon.AppendNull(w.buf) }
func (w *writer) Array(n int)              { w.buf = redcon.AppendArray(w.buf, n) }
func (w *writer) Simple(text string)       { w.buf = redcon.AppendString(w.buf, text) }
func (w *writer) OK()                      { w.buf = redcon.AppendOK(w.buf) }
func (w *writer) Error(codeAndText string) { w.buf = redcon.AppendError(w.buf, codeAndText) }

// NullArray stands where an array was asked for and there is none.
func (w *writer) NullArray() { w.buf = append(w.buf, "*-1\r\n"...) }

// Map begins n pairs; protocol 2 has only arrays.
func (w *writer) Map(n int) { w.Array(2 * n) }

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

// raw appends replies that another writer has encoded.
func (w *writer) raw(encoded []byte) { w.buf = append(w.buf, encoded...) }

package fsm

// A List is encoded as its Values, each
//
//	one byte value kind, zigzag varint | uvarint length, bytes     (Nil: the byte alone; no Lists)

// ListValue is the List of some Values, which it copies.
func ListValue(vs ...Value) Value {
	var text []byte
	for _, v := range vs {
		text = appendValue(text, v)
	}
	return Value{Kind: List, Text: text}
}

// List walks the Values of a List; those of any other Value are none.
func (v Value) List() Values {
	if v.Kind != List {
		return Values{}
	}
	return Values{decoder{rest: v.Text}}
}

// Values are what is left of a List.
type Values struct{ d decoder }

// Next takes the first Value off. ok is false at the end, and for bytes that are no List. The Value's Text points into the
// List's.
func (vs *Values) Next() (v Value, ok bool) {
	if len(vs.d.rest) == 0 {
		return Value{}, false
	}
	v = vs.d.optional()
	return v, !vs.d.failed
}

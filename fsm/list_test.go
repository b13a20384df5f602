package fsm

import (
	"reflect"
	"testing"
)

func TestAListGivesBackItsValues(t *testing.T) {
	want := []Value{IntValue(-7), {}, {Kind: Text, Text: []byte("hello")}, {Kind: Text, Text: []byte{}}, IntValue(1 << 62)}
	encoded := Results(appendResult(nil, Result{Code: NoSuchKey, Value: ListValue(want...)}))
	r, ok := encoded.Next()
	if !ok || len(encoded) > 0 || r.Code != NoSuchKey {
		t.Fatalf("%+v, %v", r, ok)
	}
	var got []Value
	vs := r.Value.List()
	for v, ok := vs.Next(); ok; v, ok = vs.Next() {
		got = append(got, v)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v becomes %+v", want, got)
	}
}

func TestWhatIsNoListHasNoValues(t *testing.T) {
	for _, v := range []Value{{}, IntValue(5), {Kind: Text, Text: []byte{1, 2}}, ListValue(), {Kind: List, Text: []byte{9}},
		{Kind: List, Text: []byte{2, 5, 'x'}}, {Kind: List, Text: []byte{1}}} {
		vs := v.List()
		if got, ok := vs.Next(); ok {
			t.Errorf("%+v has %+v", v, got)
		}
	}
}

package load

import "testing"

func TestCommandsAreEquallyLongWhateverTheKey(t *testing.T) {
	e := newEncoder("bench:", 1000, 2)
	for _, test := range []struct {
		kind kind
		key  uint32
		want string
	}{
		{incr, 0, "*2\r\n$4\r\nINCR\r\n$9\r\nbench:000\r\n"},
		{incr, 999, "*2\r\n$4\r\nINCR\r\n$9\r\nbench:999\r\n"},
		{get, 10, "*2\r\n$3\r\nGET\r\n$9\r\nbench:010\r\n"},
		{set, 907, "*3\r\n$3\r\nSET\r\n$9\r\nbench:907\r\n$1\r\n1\r\n"},
	} {
		if got := string(e.append([]byte("before"), test.kind, test.key)); got != "before"+test.want {
			t.Errorf("%v of key %d: %q, want %q", test.kind, test.key, got, test.want)
		}
	}
	if got := string(e.wait); got != "*3\r\n$4\r\nWAIT\r\n$1\r\n2\r\n$4\r\n1000\r\n" {
		t.Errorf("WAIT is %q", got)
	}
}

func TestThePrefixMayBeAnything(t *testing.T) {
	for _, prefix := range []string{"", "0", "000:", "$4\r\nINCR", "1"} {
		e := newEncoder(prefix, 1, 0)
		want := string(appendCommand(nil, "INCR", prefix+"0"))
		if got := string(e.append(nil, incr, 0)); got != want {
			t.Errorf("prefix %q: %q, want %q", prefix, got, want)
		}
		e = newEncoder(prefix, 100, 0)
		want = string(appendCommand(nil, "GET", prefix+"42"))
		if got := string(e.append(nil, get, 42)); got != want {
			t.Errorf("prefix %q: %q, want %q", prefix, got, want)
		}
		if e.key(42) != prefix+"42" {
			t.Errorf("key 42 is %q", e.key(42))
		}
	}
}

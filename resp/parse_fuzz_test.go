package resp

import (
	"bytes"
	"strings"
	"testing"

	"github.com/truecount/truecount/fsm"
)

// FuzzParse gives every command arguments of any kind: what its parse makes of them is an error of one line, or Ops that the
// codec takes and whose keys and texts are within their limits.
func FuzzParse(f *testing.F) {
	for _, line := range []string{
		"set k v nx get ex 10", "SET k v XX PXAT 99999999999999 KEEPTTL", "set k v ifeq a get", "getex k persist", "increx k byfloat 1e3 lbound -1 ubound 5 saturate px 1 enx",
		"increx k byint 9223372036854775807 exat 1", "incrbyfloat k 1e-18", "setif k lt 1.5 2 ex 1", "incrbyif k any 0 1", "cas k 1 2", "delex k ifne a",
		"ic.incrbyif k " + strings.Repeat("i", fsm.MaxInstance) + " any 0 1", "ic.incrby k i 1 epoch 9223372036854775807", "ic.decrby k i -9223372036854775807", "ic.get k i", "ic.mget i a b", "ic.mincrby i a 1 a 2", "ic.set k i 1",
		"ic.del k i", "ic.setslice k i 0", "ic.delslice k i", "ic.incrbyif k i lt 1.5 2", "ic.setif k i any 0 1", "ic.setsliceif k i ne 1 -1", "ic.slices k 1 count 5",
		"ic.instances 281474976710656 count 1", "ic.heartbeat i ttl 3000", "ic.bind i fresh", "ic.clearinstance i", "ic.clear match a*",
		"scan 0 match a* count 10 type string", "copy a b db 0 replace", "expire k -1 gt", "pexpireat k 9223372036854775807", "mset a 1 b 2", "msetnx a 1",
		"mincrby 1 a b", "setrange k 4095 a", "getrange k -1 -9223372036854775808", "memory usage k samples 0", "object encoding k", "rename a a", "watch a b", "exec",
		"once 0123456789abcdef0123456789ABCDEF 1 incr k", "once 0123456789abcdef0123456789abcdef 9223372036854775807 msetnx a 1", "once open ttl 1000",
		"once close 0123456789abcdef0123456789abcdef", "once 0123456789abcdef0123456789abcdef 1 once 0123456789abcdef0123456789abcdef 1 incr k",
	} {
		f.Add([]byte(strings.ReplaceAll(line, " ", "\x00")))
	}
	cluster := newTestCluster(f)
	s := newClient(f, cluster).session
	f.Fuzz(func(t *testing.T, line []byte) {
		args := bytes.Split(line, []byte{0})
		c, err := s.resolve(args)
		if err != nil || c.parse == nil {
			return
		}
		if err := s.parse(c, args); err != nil {
			if text := err.Error(); text == "" || strings.ContainsAny(text, "\r\n") && !bytes.ContainsAny(line, "\r\n") {
				t.Fatalf("%q: the error is %q", line, text)
			}
			return
		}
		if s.call.walk != nil {
			return
		}
		if s.call.render == nil {
			t.Fatalf("%q: no reply", line)
		}
		for i := range s.call.ops {
			checkOp(t, line, &s.call.ops[i])
		}
		group := fsm.AppendGroupIf(nil, fsm.Terms{Conditions: s.call.conditions, Once: s.call.once}, s.call.ops)
		if n, ok := fsm.CountOps(group); !ok || n != len(s.call.ops) {
			t.Fatalf("%q: %d Ops are encoded as %d (well formed: %t)", line, len(s.call.ops), n, ok)
		}
		if head := 16; len(group) > head+s.call.size() {
			t.Fatalf("%q: %d bytes, at most %d were counted", line, len(group), s.call.size())
		}
	})
}

func checkOp(t *testing.T, line []byte, op *fsm.Op) {
	if len(op.Key) > fsm.MaxKey {
		t.Fatalf("%q: a key of %d bytes", line, len(op.Key))
	}
	if len(op.Instance) > fsm.MaxInstance {
		t.Fatalf("%q: an instance name of %d bytes", line, len(op.Instance))
	}
	for _, v := range []fsm.Value{op.Value, op.Than, op.Low, op.High} {
		if len(v.Text) > fsm.MaxText {
			t.Fatalf("%q: a text of %d bytes", line, len(v.Text))
		}
	}
}

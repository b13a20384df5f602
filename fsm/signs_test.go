package fsm

import "testing"

func TestSignsOfLifeAreToldFromAllElse(t *testing.T) {
	heartbeat := Op{Kind: Heartbeat, Instance: []byte("anna")}
	unbind := Op{Kind: Unbind, Instance: []byte("anna"), Value: IntValue(1000)}
	for _, test := range []struct {
		name   string
		groups [][]Op
		want   bool
	}{
		{"nothing", nil, true},
		{"many of both", [][]Op{{heartbeat}, {unbind}, {heartbeat, unbind}}, true},
		{"a read that is proposed", [][]Op{{{Kind: ICGet, Key: []byte("open"), Instance: []byte("anna")}}}, true},
		{"a write in the same group", [][]Op{{heartbeat, {Kind: Incr, Key: []byte("hits"), Amount: 1}}}, false},
		{"a write in another group", [][]Op{{heartbeat}, {{Kind: Incr, Key: []byte("hits"), Amount: 1}}}, false},
		{"one that names an instance, and does more", [][]Op{{{Kind: ICAdd, Key: []byte("open"), Instance: []byte("anna"), Amount: 1}}}, false},
		{"a new binding", [][]Op{{{Kind: Bind, Instance: []byte("anna"), Amount: 1}}}, false},
	} {
		var r Request
		for _, ops := range test.groups {
			r.Add(ops...)
		}
		if got := OnlySigns(r.Groups); got != test.want {
			t.Errorf("%s: %v", test.name, got)
		}
		if n := len(r.Groups); n > 0 && OnlySigns(r.Groups[:n-1]) {
			t.Errorf("%s, cut off", test.name)
		}
	}
}

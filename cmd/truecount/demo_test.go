package main

import (
	"bytes"
	"strings"
	"testing"
)

func TestDemoCommandsRefuseInOneLine(t *testing.T) {
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	for _, test := range []struct{ args, want string }{
		{"demo kill leader", "no demo is running: start one with truecount demo"},
		{"demo start n1", "no demo is running"},
		{"demo status --json", "no demo is running"},
		{"demo stop", "no demo is running"},
		{"demo kill", "kill takes one argument: the id of a node, or leader"},
		{"demo start n1 n2", "start takes one argument: the id of a node"},
		{"demo --nodes 4", "--nodes 4: give 1, 3 or 5"},
		{"demo --rate 5000", "--rate 5000: give 10 to 1000"},
		{"demo --port 60000", "give at most 55533"},
		{"demo please", "demo takes flags only"},
	} {
		var stdout, stderr bytes.Buffer
		code := run(strings.Fields(test.args), &stdout, &stderr)
		text := stderr.String()
		if code != 1 || stdout.Len() > 0 || strings.Count(text, "\n") != 1 || !strings.Contains(text, test.want) {
			t.Errorf("%s: code %d, %q, want one line with %q", test.args, code, text, test.want)
		}
	}
}

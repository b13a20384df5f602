package main

import "testing"

func TestAnImageOfTheLeaderIsToldFromOnesOwn(t *testing.T) {
	const made = "[INFO] truecount.snapshot: creating new snapshot: path=/tmp/n3/snapshots/18-13415-1795412426324.tmp\n"
	const loaded = "[INFO] truecount: image loaded: index=13415 bytes=82089\n"
	const other = "[INFO] truecount: image loaded: index=134 bytes=82089\n"
	const own = "[INFO] truecount.snapshot: creating new snapshot: path=/tmp/n3/snapshots/18-15000-1795412436324.tmp\n"
	for _, c := range []struct{ name, output, want string }{
		{"of the leader", other + made + loaded, "took an image of index 13415 from the leader"},
		{"of the leader, behind one of its own", own + made + loaded, "took an image of index 13415 from the leader"},
		{"of its own", made + "[INFO] truecount: image written: index=13415 bytes=82089\n", ""},
		{"loaded at its start", loaded + own, ""},
		{"none", "", ""},
	} {
		if got := imageTaken([]byte(c.output)); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

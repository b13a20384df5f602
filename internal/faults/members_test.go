package main

import "testing"

func TestAnImageOfTheLeaderIsToldFromOnesOwn(t *testing.T) {
	const made = "[INFO] truecount.snapshot: creating new snapshot: path=/tmp/n3/snapshots/18-13415-1795412426324.tmp\n"
	const ready = "truecount: n3 ready: RESP 10.201.0.3:7379\n"
	for _, c := range []struct{ name, output, want string }{
		{"of the leader", made + ready, "took an image of index 13415 from the leader"},
		{"of its own", made + "[INFO] truecount: image written: index=13415 bytes=82089\n" + ready, ""},
		{"made when it was ready", ready + made, ""},
		{"none", ready, ""},
	} {
		if got := imageTaken([]byte(c.output)); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

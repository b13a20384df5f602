package main

import "testing"

func TestClientsLeaveFileDescriptorsForTheLogAndThePeers(t *testing.T) {
	for _, test := range []struct {
		asked int
		files uint64
		want  int
	}{
		{10_000, 20_000, 10_000}, {10_000, 10_256, 10_000}, {10_000, 10_255, 9_999}, {10_000, 1024, 768}, {10_000, 512, 256},
		{10_000, 256, 128}, {10_000, 64, 32}, {10_000, 1, 1}, {10_000, 0, 1}, {100, 356, 100}, {100, 355, 100}, {1, 257, 1},
	} {
		if got := clientsFor(test.asked, test.files); got != test.want {
			t.Errorf("%d clients asked for, %d descriptors: %d clients, want %d", test.asked, test.files, got, test.want)
		}
	}
}

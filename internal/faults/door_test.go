package main

import (
	"net"
	"runtime"
	"testing"
)

// knocked is a door of a host with an echo at its RESP port.
func knocked(t *testing.T) *door {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has all of 127.0.0.0/8")
	}
	l, err := newLoopback(1, "a test")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.close)
	echo(t, l.all[0].address(respPort))
	return l.all[0].door
}

func TestADoorSeversWhoIsConnectedAndNobodyElse(t *testing.T) {
	d := knocked(t)
	if n := d.lines.sever(); n != 0 {
		t.Errorf("%d severed, and nobody was there", n)
	}
	a, b := dialed(t, d.addr()), dialed(t, d.addr())
	for _, c := range []*peer{a, b} {
		c.say("x")
		c.hears("x")
	}
	if n := d.lines.sever(); n != 2 {
		t.Errorf("%d severed, want 2", n)
	}
	a.ends()
	b.ends()
	c := dialed(t, d.addr())
	c.say("y")
	c.hears("y")
}

func TestAMuteDoorLosesRepliesAndTheirConnections(t *testing.T) {
	d := knocked(t)
	c := dialed(t, d.addr())
	c.say("x")
	c.hears("x")
	d.mute.Store(true)
	c.say("lost")
	until(t, "swallowed", func() bool { return d.swallow.Load() == 5 })
	d.mute.Store(false)
	c.say("y") // its reply would be taken for that of "lost"
	until(t, "swallowed", func() bool { return d.swallow.Load() == 7 })
	d.lines.sever()
	c.ends()
	again := dialed(t, d.addr())
	again.say("z")
	again.hears("z")
}

func TestADoorWithNobodyBehindItEndsConnections(t *testing.T) {
	l, err := newLoopback(1, "a test")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.close)
	dialed(t, l.all[0].door.addr()).ends()
}

func TestLinesAreSeveredOnceAndNoneIsTakenInTheEnd(t *testing.T) {
	var l lines
	a, b := net.Pipe()
	if kept, first, again := l.keep(a, b), l.sever(), l.sever(); !kept || first != 1 || again != 0 {
		t.Errorf("kept %t, severed %d and then %d", kept, first, again)
	}
	if l.end(); l.keep(a, b) {
		t.Error("one is taken though all has ended")
	}
}

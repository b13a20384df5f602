package main

import (
	"bytes"
	"context"
	"net"
	"strings"
	"testing"
)

func TestOwnGeneratorMakesExactlyTheIncrementsItWasToldTo(t *testing.T) {
	for _, row := range []struct {
		c         Case
		addresses int
		wait      int
	}{
		{Case{1, 1, hotKeys}, 1, 0},
		{Case{7, 3, hotKeys}, 1, 1},
		{Case{7, 3, uniformKeys}, 1, 1},
		{Case{6, 4, uniformKeys}, 3, 0},
	} {
		var servers []*process
		load := Load{Case: row.c, Requests: 50 * row.c.trip(), Wait: row.wait}
		for range row.addresses {
			p := (&counterServer{replicas: 1}).start(t)
			servers, load.Addresses = append(servers, p), append(load.Addresses, p.address)
		}
		outcome, err := ownGenerator{}.Run(t.Context(), load)
		if err != nil || outcome.PerSecond <= 0 || outcome.P50 <= 0 || outcome.P99 < outcome.P50 {
			t.Fatalf("%s: %+v, %v", row.c, outcome, err)
		}
		sum := int64(0)
		for _, p := range servers {
			n, err := p.count(row.c.Keys)
			if err != nil || n == 0 {
				t.Fatalf("%s: a server counted %d, %v", row.c, n, err)
			}
			sum += n
		}
		if sum != int64(load.Requests) {
			t.Errorf("%s: servers counted %d increments, want %d", row.c, sum, load.Requests)
		}
	}
}

func TestOwnGeneratorSaysWhatWentWrong(t *testing.T) {
	for want, server := range map[string]*counterServer{
		"ERR no":                    {refuse: 100, replicas: 1},
		"WAIT 1: 0 replicas within": {},
	} {
		load := Load{Case: Case{4, 2, hotKeys}, Requests: 1000, Wait: 1, Addresses: []string{server.start(t).address}}
		if _, err := (ownGenerator{}).Run(t.Context(), load); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one that has %q", err, want)
		}
	}
}

func TestOwnGeneratorEndsWhenItIsInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	listener, err := net.Listen("tcp", address(0)) // accepts, and never answers
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		if conn, err := listener.Accept(); err == nil {
			defer conn.Close()
			cancel()
			<-t.Context().Done()
		}
	}()
	load := Load{Case: Case{1, 1, hotKeys}, Requests: 10, Addresses: []string{listener.Addr().String()}}
	if _, err := (ownGenerator{}).Run(ctx, load); err == nil {
		t.Error("no error from a server that never answered")
	}
}

// cannedConn answers every request at once.
type cannedConn struct {
	net.Conn
	answer, rest []byte
}

func (c *cannedConn) Write(p []byte) (int, error) {
	c.rest = c.answer
	return len(p), nil
}

func (c *cannedConn) Read(p []byte) (int, error) {
	n := copy(p, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

func TestATripAllocatesNothing(t *testing.T) {
	load := Load{Case: Case{1, 64, uniformKeys}, Wait: 1}
	c := newClient(&cannedConn{answer: bytes.Repeat([]byte(":12345\r\n"), 65)}, load, 1)
	if n := testing.AllocsPerRun(100, func() {
		if err := c.trip(); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

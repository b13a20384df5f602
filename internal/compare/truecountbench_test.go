package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestTruecountBench(t *testing.T) {
	g := truecountBench{filepath.Join(t.TempDir(), "truecount")}
	build := exec.Command("go", "build", "-buildvcs=false", "-o", g.path, "github.com/truecount/truecount/cmd/truecount")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	t.Run("makes exactly the increments it was told to", func(t *testing.T) { countsExactly(t, g) })
	t.Run("says what went wrong", func(t *testing.T) { saysWhatWentWrong(t, g) })
	t.Run("ends when it is interrupted", func(t *testing.T) { endsWhenInterrupted(t, g) })
}

func countsExactly(t *testing.T, g truecountBench) {
	for _, row := range []struct {
		c              Case
		addresses      int
		wait           int
		loaded, spread int // how many addresses get increments, and how many keys do at least
	}{
		{Case{1, 1, hotKeys}, 1, 0, 1, 1},
		{Case{1, 1, hotKeys}, 3, 0, 1, 1},
		{Case{7, 3, hotKeys}, 1, 1, 1, 1},
		{Case{7, 3, uniformKeys}, 1, 1, 1, 100},
		{Case{6, 4, uniformKeys}, 3, 0, 3, 100},
	} {
		var servers []*counterServer
		var processes []*process
		l := Load{Case: row.c, Requests: 50 * row.c.trip(), Wait: row.wait}
		for range row.addresses {
			s := &counterServer{replicas: 1}
			p := s.start(t)
			servers, processes, l.Addresses = append(servers, s), append(processes, p), append(l.Addresses, p.address)
		}
		outcome, err := g.Run(t.Context(), l)
		if err != nil || outcome.PerSecond <= 0 || outcome.P50 <= 0 || outcome.P99 < outcome.P50 || outcome.cpu <= 0 {
			t.Fatalf("%s: %+v, %v", row.c, outcome, err)
		}
		sum, loaded, keys := int64(0), 0, 0
		for i, p := range processes {
			n, err := p.count(row.c.Keys)
			if err != nil {
				t.Fatal(err)
			}
			sum, keys = sum+n, keys+len(servers[i].counts)
			loaded += int(min(n, 1))
		}
		if sum != int64(l.Requests) || loaded != row.loaded || keys < row.spread {
			t.Errorf("%s: %d servers counted %d increments of %d keys, want %d servers, %d increments, %d keys",
				row.c, loaded, sum, keys, row.loaded, l.Requests, row.spread)
		}
	}
}

func saysWhatWentWrong(t *testing.T, g truecountBench) {
	for want, server := range map[string]*counterServer{
		"990 of 1000 increments were acknowledged: ERR no":                      {refuse: 100, replicas: 1},
		"0 of 1000 increments were acknowledged: WAIT answered 0 of 1 replicas": {},
		"exit status 1: truecount: --node: give at least one":                   nil,
	} {
		l := Load{Case: Case{4, 2, hotKeys}, Requests: 1000, Wait: 1}
		if server != nil {
			l.Addresses = []string{server.start(t).address}
		}
		if _, err := g.Run(t.Context(), l); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one that has %q", err, want)
		}
	}
}

func endsWhenInterrupted(t *testing.T, g truecountBench) {
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
	l := Load{Case: Case{1, 1, hotKeys}, Requests: 10, Addresses: []string{listener.Addr().String()}}
	if _, err := g.Run(ctx, l); !errors.Is(err, context.Canceled) || !strings.Contains(fmt.Sprint(err), "killed") {
		t.Errorf("%v, want that it was killed when the context ended", err)
	}
}

func TestParseReport(t *testing.T) {
	for _, row := range []struct{ text, want string }{
		{`{"total":{"ops":10,"ops_per_s":123.5,"latency_ms":{"p50":0.5,"p90":7,"p99":2.25}}}`, "{123.5 0.5 2.25 0} <nil>"},
		{`{"ended":"interrupted","total":{"ops":9}}`, "9 of 10 increments were acknowledged: ended interrupted"},
		{`{"ended":"as planned","total":{"ops":9},"errors":[{"first":"ERR no"}]}`, "9 of 10 increments were acknowledged: ERR no"},
		{"1 node, 50 clients\n", "truecount bench --json: invalid"},
	} {
		outcome, err := parseReport(row.text, 10)
		if got := fmt.Sprint(outcome, err); !strings.Contains(got, row.want) {
			t.Errorf("%s: %s, want %s", row.text, got, row.want)
		}
	}
}

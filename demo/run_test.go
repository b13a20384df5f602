package demo

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// ownPlace is a place and a folder for data that only this test has.
func ownPlace(t *testing.T) (temp string) {
	t.Helper()
	temp = t.TempDir()
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	t.Setenv("TMPDIR", temp)
	return temp
}

func folders(t *testing.T, temp string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(temp, dataPrefix+"*"))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// script is an executable that stands for a node.
func script(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "node")
	if err := os.WriteFile(name, []byte("#!/bin/sh\n"+text), 0o700); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestANodeThatEndsAtItsStartIsNamedWithItsLastWords(t *testing.T) {
	temp := ownPlace(t)
	var out bytes.Buffer
	err := Run(t.Context(), Options{
		Nodes: 3, Port: 21400, Rate: 100, Out: &out, Program: "truecount",
		Executable: script(t, `echo "starting" >&2; [ "$3" = n2 ] && { echo "truecount: the moon is full" >&2; exit 1; }; exec sleep 60`),
	})
	want := "n2 has ended at its start (exit code 1): truecount: the moon is full"
	if err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Fatalf("got %v, want %q", err, want)
	}
	left := folders(t, temp)
	if len(left) != 1 || !strings.Contains(err.Error(), left[0]) {
		t.Fatalf("folders left: %v, want the one that is named in: %v", left, err)
	}
	p, err := takePlace() // the next demo
	if err != nil {
		t.Fatal(err)
	}
	p.leave()
	if left := folders(t, temp); len(left) > 0 {
		t.Errorf("the next demo has left %v", left)
	}
}

func TestADemoThatIsEndedWhileItStartsLeavesNothing(t *testing.T) {
	temp := ownPlace(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out bytes.Buffer
	err := Run(ctx, Options{Nodes: 1, Port: 21410, Rate: 100, Out: &out, Program: "truecount", Executable: script(t, "exec sleep 60")})
	if err != nil || out.Len() > 0 || len(folders(t, temp)) > 0 {
		t.Errorf("got %v, output %q, folders %v, want nothing", err, &out, folders(t, temp))
	}
}

func TestOptionsOutOfBoundsAreRefused(t *testing.T) {
	good := Options{Nodes: 3, Port: 7379, Rate: 100}
	for _, test := range []struct {
		want   string
		change func(o *Options)
	}{
		{"--nodes 2", func(o *Options) { o.Nodes = 2 }},
		{"--rate 9", func(o *Options) { o.Rate = 9 }},
		{"--rate 1001", func(o *Options) { o.Rate = 1001 }},
		{"--port 0", func(o *Options) { o.Port = 0 }},
		{"--port 65536", func(o *Options) { o.Port = 65536 }},
	} {
		o := good
		test.change(&o)
		if err := Run(t.Context(), o); err == nil || !strings.HasPrefix(err.Error(), test.want+": give ") {
			t.Errorf("got %v, want %s refused, and what to give", err, test.want)
		}
	}
}

func TestOnePlaceHasOneDemo(t *testing.T) {
	ownPlace(t)
	p, err := takePlace()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.note("/nowhere"); err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("a demo is running already (pid %d)", os.Getpid())
	if _, err := takePlace(); err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got %v, want %q", err, want)
	}
	p.leave()
	p, err = takePlace()
	if err != nil {
		t.Fatalf("the place is not free after its holder has left: %v", err)
	}
	p.leave()
}

func TestOnlyFoldersOfDemosAreRemoved(t *testing.T) {
	ownPlace(t)
	p, err := takePlace()
	if err != nil {
		t.Fatal(err)
	}
	letters := t.TempDir()
	if err := p.note(letters); err != nil {
		t.Fatal(err)
	}
	p.leave()
	if p, err = takePlace(); err != nil {
		t.Fatal(err)
	}
	p.leave()
	if _, err := os.Stat(letters); err != nil {
		t.Error("the demo has removed what is not its own")
	}
}

func TestAPlaceThatOthersCanWriteToIsRefused(t *testing.T) {
	ownPlace(t)
	if err := os.Mkdir(placeDir(), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(placeDir(), 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := takePlace(); err == nil || !strings.Contains(err.Error(), placeDir()) {
		t.Errorf("a demo started there: %v", err)
	}
	if _, err := Dial(t.Context()); err == nil || !strings.Contains(err.Error(), placeDir()) {
		t.Errorf("a command looked there: %v", err)
	}
}

func TestACommandWithoutADemoSaysHowToStartOne(t *testing.T) {
	ownPlace(t)
	if _, err := Dial(t.Context()); err == nil || !strings.HasPrefix(err.Error(), "no demo is running") {
		t.Errorf("without a place: %v", err)
	}
	p, err := takePlace()
	if err != nil {
		t.Fatal(err)
	}
	p.leave()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: socketPath()})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false) // as kill -9 leaves it
	l.Close()
	if _, err := Dial(t.Context()); err == nil || !strings.HasPrefix(err.Error(), "no demo is running") {
		t.Errorf("with a socket that nobody listens to: %v", err)
	}
}

func TestPortsThatAreTakenAreSteppedOver(t *testing.T) {
	first, _, err := freePorts(21420, 3)
	if err != nil {
		t.Fatal(err)
	}
	for _, taken := range []int{first + 1, first + 2 + peerOffset} {
		l, err := net.Listen("tcp", fmt.Sprintf("%s:%d", host, taken))
		if err != nil {
			t.Skip(err)
		}
		port, why, err := freePorts(first, 3)
		l.Close()
		if err != nil || port < first+3 || (port-first)%3 != 0 || why != fmt.Sprintf("port %d is taken", taken) {
			t.Errorf("%d taken: got ports from %d on because %s, %v", taken, port, why, err)
		}
	}
	if _, _, err := freePorts(maxPort-peerOffset-1, 3); err == nil || !strings.Contains(err.Error(), "give at most 55533") {
		t.Errorf("got %v, want no peer port above %d", err, maxPort)
	}
}

//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// wantStartupError runs the node, which must end by itself with exit code 1 and one line that contains want.
func (p *process) wantStartupError(t *testing.T, want string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, binary, p.args()...)
	cmd.Stdout, cmd.Stderr, cmd.Env = &stdout, &stderr, append(os.Environ(), p.env...)
	err := cmd.Run()
	failure := (*exec.ExitError)(nil)
	if !errors.As(err, &failure) || failure.ExitCode() != 1 {
		t.Errorf("%v: %v, want exit code 1; it said:\n%s%s", p.args(), err, &stdout, &stderr)
		return
	}
	text := stderr.String()
	if strings.Count(text, "\n") != 1 || !strings.HasPrefix(text, "truecount: ") || !strings.Contains(text, want) || stdout.Len() > 0 {
		t.Errorf("%v said\n%s%swant one line on stderr with %q", p.args(), &stdout, text, want)
	}
	t.Log(strings.TrimSpace(text))
}

func TestStartupErrorsNameTheThingAndTheCure(t *testing.T) {
	running := newProcess(t, "n1")
	running.start(t)
	running.waitReady(t)

	for _, test := range []struct {
		name, want string
		change     func(p *process)
	}{
		{"RESP port in use", "in use", func(p *process) { p.resp = running.resp }},
		{"peer port in use", "in use", func(p *process) { p.peer = running.peer }},
		{"second process on a directory", "in use", func(p *process) { p.dir = running.dir }},
		{"bad address", "--resp", func(p *process) { p.resp = "localhost" }},
		{"bad port", "--peer", func(p *process) { p.peer = "127.0.0.1:70000" }},
		{"bad address to join", "--join", func(p *process) { p.flags = []string{"--join", "n1"} }},
		{"bad id", "id", func(p *process) { p.name = "no spaces" }},
		{"not loopback", "--insecure", func(p *process) { p.resp = "192.0.2.7:7379" }},
		{"peer not loopback", "--secret-file", func(p *process) { p.peer, p.flags = "192.0.2.7:17379", []string{"--insecure"} }},
		{"every interface", "names no interface", func(p *process) { p.resp, p.flags = "0.0.0.0:7379", []string{"--insecure"} }},
		{"bad flag", "--velocity", func(p *process) { p.flags = []string{"--velocity"} }},
		{"lease longer than heartbeat", "lease", func(p *process) { p.flags = []string{"--lease", "1s"} }},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := newProcess(t, "n2")
			test.change(p)
			p.wantStartupError(t, test.want)
		})
	}
}

func TestAForeignDirectoryIsLeftAlone(t *testing.T) {
	p := newProcess(t, "n1")
	if err := os.MkdirAll(p.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	letter := filepath.Join(p.dir, "letter.txt")
	if err := os.WriteFile(letter, []byte("Dear Ada"), 0o644); err != nil {
		t.Fatal(err)
	}
	p.wantStartupError(t, p.dir)
	if text, err := os.ReadFile(letter); err != nil || string(text) != "Dear Ada" {
		t.Errorf("the letter reads %q, %v", text, err)
	}
}

func TestADirectoryUnderAnotherNameIsRefused(t *testing.T) {
	p := newProcess(t, "n1")
	p.start(t)
	p.waitReady(t)
	p.terminate(t)
	p.name = "n2"
	p.wantStartupError(t, "n1")
}

// Votes and log live and die together: a node that has lost its votes could vote twice.
func TestAHalfMissingDirectoryIsRefused(t *testing.T) {
	for _, part := range []string{"stable.db", "log"} {
		t.Run("without "+part, func(t *testing.T) {
			p := newProcess(t, "n1")
			p.start(t)
			p.waitReady(t)
			p.terminate(t)
			if err := os.RemoveAll(filepath.Join(p.dir, part)); err != nil {
				t.Fatal(err)
			}
			p.wantStartupError(t, "half missing")
		})
	}
}

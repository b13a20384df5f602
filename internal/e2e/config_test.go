//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A node is told things by a file, by variables and by flags, and prints all of it in a form that can be loaded again.
func TestANodeIsConfiguredByFileVariablesAndFlags(t *testing.T) {
	p := newProcess(t, "n1")
	dir := t.TempDir()
	file, printed := filepath.Join(dir, "truecount.toml"), filepath.Join(dir, "printed.toml")
	text := fmt.Sprintf("id = %q\ndir = %q\nresp = %q\npeer = %q\nmax-keys = 1\nmax-bytes = \"1MiB\"\nmin-free = \"1MiB\"\nlog-store = \"bolt\"\n",
		p.name, p.dir, p.resp, p.peer)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p.bare, p.flags = true, []string{"--max-bytes", "3MiB"}
	p.env = []string{"TRUECOUNT_CONFIG=" + file, "TRUECOUNT_MAX_BYTES=2MiB", "TRUECOUNT_MAX_KEYS=2"}
	check := func() {
		t.Helper()
		p.start(t)
		p.waitReady(t)
		eventually(t, "it has its limits", func() error {
			status, err := p.status()
			if err == nil && (status.ID != "n1" || status.Peer != p.peer || status.MaxBytes != 3<<20 || status.MaxKeys != 2) {
				err = fmt.Errorf("%+v", status)
			}
			return err
		})
		if _, err := os.Stat(filepath.Join(p.dir, "log.db")); err != nil {
			t.Error(err)
		}
		p.terminate(t)
	}
	check()

	out := p.printConfig(t)
	for _, line := range []string{`max-bytes = "3MiB"  # --max-bytes`, `max-keys = "2"  # TRUECOUNT_MAX_KEYS`, `log-store = "bolt"  # ` + file} {
		if !strings.Contains(out, line) {
			t.Errorf("--print-config said\n%s\nwant %s", out, line)
		}
	}
	if err := os.WriteFile(printed, []byte(out), 0o600); err != nil {
		t.Fatal(err)
	}
	p.flags, p.env = []string{"--config", printed}, nil
	if again := p.printConfig(t); settings(again) != settings(out) {
		t.Errorf("loaded again:\n%s\nwas:\n%s", again, out)
	}
	check()

	p.env = []string{"TRUECOUNT_MAX_BITES=1MiB"}
	p.wantStartupError(t, "TRUECOUNT_MAX_BYTES")
	if err := os.WriteFile(printed, []byte("max-bites = 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p.env = nil
	p.wantStartupError(t, "max-bites")
}

// printConfig is what the node prints of its settings, as it would be started.
func (p *process) printConfig(t *testing.T) string {
	t.Helper()
	cmd := exec.Command(binary, append(p.args(), "--print-config")...)
	cmd.Env = append(os.Environ(), p.env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("--print-config: %v\n%s", err, out)
	}
	return string(out)
}

// settings leaves out where they come from.
func settings(printed string) string {
	var b strings.Builder
	for line := range strings.Lines(printed) {
		setting, _, _ := strings.Cut(line, "  # ")
		b.WriteString(setting + "\n")
	}
	return b.String()
}

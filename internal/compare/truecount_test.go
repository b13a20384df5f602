package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestNodesGetTheirShareOfTheCoresAndNotOurs(t *testing.T) {
	t.Setenv("GOMAXPROCS", "7")
	p, err := startProcess(t.TempDir(), "sh", 0, nodeEnvironment(3), "/bin/sh", "-c", "echo $GOMAXPROCS")
	if err != nil {
		t.Fatal(err)
	}
	<-p.exited
	said, err := os.ReadFile(filepath.Join(p.dir, "log"))
	if got := strings.TrimSpace(string(said)); err != nil || got != "3" {
		t.Errorf("GOMAXPROCS of a node is %q, %v; want 3", got, err)
	}
}

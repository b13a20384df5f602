package archtest

import (
	"strings"
	"testing"
	"testing/fstest"
)

// sources are planted files by name; plant adds the go.mod of module example.com/m.
type sources map[string]string

func plant(t *testing.T, files sources) *Tree {
	t.Helper()
	fsys := fstest.MapFS{"go.mod": {Data: []byte("module example.com/m\n")}}
	for name, src := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(src)}
	}
	tree, err := Load(fsys)
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

// expect wants as many findings as words, in order, each containing its words.
func expect(t *testing.T, got []Finding, want ...string) {
	t.Helper()
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(got):
			t.Errorf("not found: %s", want[i])
		case i >= len(want):
			t.Errorf("unexpected: %s", got[i])
		case !strings.Contains(got[i].String(), want[i]):
			t.Errorf("finding %d:\n%s\nwants: %s", i, got[i], want[i])
		}
	}
	for _, f := range got {
		if f.Where == "" || f.What == "" || f.Instead == "" {
			t.Errorf("incomplete finding: %#v", f)
		}
	}
}

func TestLoadLeavesOutWhatTheGoCommandIgnores(t *testing.T) {
	tree := plant(t, sources{
		"a.go":                "package m",
		"a_test.go":           "package m_test",
		"cmd/x/main.go":       "package main",
		"fsm/testdata/bad.go": "not Go at all",
		"_old/a.go":           "package old",
		".cache/a.go":         "package cache",
		"tools/go.mod":        "module example.com/tools",
		"tools/a.go":          "package tools",
		"README.md":           "text",
	})
	var paths []string
	for _, p := range tree.Packages {
		paths = append(paths, p.Path)
	}
	if got := strings.Join(paths, " "); got != ". cmd/x" {
		t.Errorf("packages: %s", got)
	}
	if n := len(tree.Package(".").Files); n != 2 {
		t.Errorf("the root has %d files", n)
	}
}

func TestLoadNamesTheFileThatDoesNotParse(t *testing.T) {
	_, err := Load(fstest.MapFS{
		"go.mod":   {Data: []byte("module example.com/m\n")},
		"fsm/a.go": {Data: []byte("package fsm\nfunc {")},
	})
	if err == nil || !strings.Contains(err.Error(), "fsm/a.go:2") {
		t.Errorf("error: %v", err)
	}
}

func TestLoadNeedsAModule(t *testing.T) {
	if _, err := Load(fstest.MapFS{}); err == nil {
		t.Error("no error without go.mod")
	}
	if _, err := Load(fstest.MapFS{"go.mod": {Data: []byte("go 1.26\n")}}); err == nil {
		t.Error("no error without a module line")
	}
}

package archtest

import (
	"strings"
	"testing"
)

func TestCheckerFollowsOurImportsAndBuildConstraints(t *testing.T) {
	tree := plant(t, sources{
		"cmd/x/main.go": `package main; import "example.com/m/fsm"; func main() { var _ string = fsm.Here }`,
		"fsm/a_any.go":  "//go:build !plan9\n\npackage fsm\nimport \"strings\"\nvar Here = strings.ToUpper(\"a\")",
		"fsm/a_not.go":  "//go:build plan9\n\npackage fsm\nconst Here = 1",
	})
	checkTypes(t, tree, "cmd/x")
}

func TestCheckerReportsBrokenPackages(t *testing.T) {
	tree := plant(t, sources{
		"a/a.go": `package a; import "example.com/m/b"; var _ = b.X`,
		"b/b.go": `package b; var X int = "text"`,
		"c/c.go": `package c; import "example.com/m/c"; var _ = c.X`,
		"d/d.go": `package d; import "example.org/unknown"; var _ = unknown.X`,
	})
	checker, err := NewChecker(tree, root, "a", "b", "c", "d")
	if err != nil {
		t.Fatal(err)
	}
	rows := []struct{ rel, want string }{
		{"a", "b does not type-check"},
		{"b", "broken before"},
		{"c", "import cycle"},
		{"d", "no export data"},
		{"e", "no package e"},
	}
	for _, row := range rows {
		if _, err := checker.Check(row.rel); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: error %v, wants %s", row.rel, err, row.want)
		}
	}
}

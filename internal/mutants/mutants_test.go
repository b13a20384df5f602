package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The sources move on; a mutant whose place is gone must not be forgotten in silence.
func TestEveryMutantStillFitsTheSources(t *testing.T) {
	root, all := planted(t)
	texts, err := weave(root, all)
	if err != nil {
		t.Fatal(err)
	}
	for file, text := range texts {
		if _, err := parser.ParseFile(token.NewFileSet(), file, text, 0); err != nil {
			t.Error(err)
		}
	}
	names := map[string]bool{}
	for _, m := range all {
		if names[m.name] {
			t.Errorf("%s is there twice", m.name)
		}
		names[m.name] = true
		if m.notRun != "" {
			if len(m.edits)+len(m.detectors) > 0 || m.mistake == "" {
				t.Errorf("%s is not run, and has edits or tests, or nothing says what it is", m.name)
			}
			continue
		}
		behind := false
		for _, e := range m.edits {
			behind = behind || strings.Contains(e.new, `planted("`+m.name+`")`)
		}
		if !behind || m.mistake == "" {
			t.Errorf("%s: it is not behind planted(%q), or nothing says what the mistake is", m.name, m.name)
		}
	}
	if len(all) < 160 {
		t.Errorf("%d mutants are left", len(all))
	}
}

func TestEveryMutantHasATestThatIsThere(t *testing.T) {
	root, all := planted(t)
	tests := map[string][]string{}
	for _, m := range all {
		if len(m.detectors) == 0 && m.notRun == "" {
			t.Errorf("%s: nothing is to catch it", m.name)
		}
		for _, d := range m.detectors {
			if tests[d.pkg] == nil {
				tests[d.pkg] = testsOf(t, filepath.Join(root, d.pkg))
			}
			for _, want := range strings.Split(d.tests, "|") {
				if !slices.Contains(tests[d.pkg], want) {
					t.Errorf("%s: there is no test %s in %s", m.name, want, d.pkg)
				}
			}
		}
	}
}

func TestAMutantIsRead(t *testing.T) {
	all, err := parse("# a\nmistake: It is wrong.\ncaught by: campaign\ncaught by: fsm TestA|TestB\n" +
		"--- fsm/x.go\n\told\n+++\n\tnew\n\n--- fsm/y.go\nb\n+++\nc\n# b\n")
	if err != nil || len(all) != 2 {
		t.Fatal(all, err)
	}
	m := all[0]
	if m.name != "a" || m.mistake != "It is wrong." || !slices.Equal(m.detectors, []detector{campaign, {"fsm", "TestA|TestB"}}) {
		t.Errorf("%+v", m)
	}
	if !slices.Equal(m.edits, []edit{{"fsm/x.go", "\told", "\tnew"}, {"fsm/y.go", "b", "c"}}) {
		t.Errorf("%+v", m.edits)
	}
	for _, bad := range []string{"text", "# a\nwhat: is this", "# a\ncaught by: fsm"} {
		if _, err := parse(bad); err == nil {
			t.Errorf("%q is read", bad)
		}
	}
}

func TestWhatFailedFirstIsTold(t *testing.T) {
	for output, want := range map[string]string{
		"noise\nanomaly: once: 2 sums differ\nanomaly: digest: x\n": "once: 2 sums differ",
		"    --- FAIL: TestA/b (0.1s)\n--- FAIL: TestA (0.1s)\n":    "TestA",
		"panic: BUG: x\n--- FAIL: TestCampaign":                     "panic: BUG: x",
		"flag provided but not defined":                             "it failed",
	} {
		if got := reason(output); got != want {
			t.Errorf("%q: %q, want %q", output, got, want)
		}
	}
}

func planted(t *testing.T) (root string, all []*mutant) {
	t.Helper()
	root, err := moduleRoot()
	if err == nil {
		all, err = readMutants(filepath.Join(root, "internal/mutants/planted"))
	}
	if err != nil {
		t.Fatal(err)
	}
	return root, all
}

func testsOf(t *testing.T, dir string) (names []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil {
				names = append(names, f.Name.Name)
			}
		}
	}
	return names
}

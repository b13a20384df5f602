package configs

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

const (
	example    = "truecount.toml"
	operations = "../docs/OPERATIONS.md"
)

// readAll is a file's text.
func readAll(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func TestTheExampleHasEverySettingWithItsDefaultAndItsHelp(t *testing.T) {
	text := readAll(t, example)
	uncommented := regexp.MustCompile(`(?m)^#([a-z-]+ = )`).ReplaceAllString(text, "$1")
	c := load(t, Sources{File: fileOf(t, uncommented)})
	defaults := load(t, Sources{})
	for _, s := range Settings() {
		if c.sources[s.Name] == "default" {
			t.Errorf("%s: no line #%s = …", example, s.Name)
		}
		if !strings.Contains(text, "\n# "+s.Help+"\n") {
			t.Errorf("%s: no line %q above %s", example, "# "+s.Help, s.Name)
		}
	}
	c.sources, defaults.sources = nil, nil
	if !reflect.DeepEqual(c, defaults) {
		t.Errorf("%s: %+v\nbut the defaults are %+v", example, c, defaults)
	}
}

func TestEveryExampleLoads(t *testing.T) {
	names, err := filepath.Glob("three-nodes/*.toml")
	if err != nil || len(names) != 3 {
		t.Fatalf("%q, %v", names, err)
	}
	for _, name := range append(names, example) {
		load(t, Sources{File: name})
	}
	for i, name := range names {
		c := load(t, Sources{File: name})
		if want := fmt.Sprintf("127.0.0.1:%d", 7379+i); c.RESP != want || c.ID+".toml" != filepath.Base(name) || (i > 0) != (len(c.Join) == 1) {
			t.Errorf("%s: %+v, want the node at %s", name, c, want)
		}
	}
}

func TestOperationsHasTheTableOfSettings(t *testing.T) {
	var want strings.Builder
	for _, s := range Settings() {
		unset := ""
		if s.Default != "" {
			unset = "`" + s.Default + "`"
		}
		fmt.Fprintf(&want, "| `%s` | %s | %s |\n", s.Name, unset, s.Help)
	}
	if !strings.Contains(readAll(t, operations), want.String()) {
		t.Errorf("%s: section Configuration lacks this table, or has another:\n%s", operations, want.String())
	}
}

func TestVariablesAreNamedAfterFlags(t *testing.T) {
	seen := map[string]bool{"config": true, "print-config": true, "help": true}
	for _, s := range Settings() {
		if seen[s.Name] || !regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`).MatchString(s.Name) {
			t.Errorf("%q: not a name, or one that is taken", s.Name)
		}
		seen[s.Name] = true
		if s.Name == "max-bytes" && s.Variable() != "TRUECOUNT_MAX_BYTES" {
			t.Errorf("%s: variable %s", s.Name, s.Variable())
		}
	}
}

package archtest

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// Headings of docs/ARCHITECTURE.md that ParseTable looks for.
const (
	tableHeading  = "## Who may import whom"
	testsHeading  = "### What tests may import besides"
	toComeHeading = "### To come"
)

var backticks = regexp.MustCompile("`([^`]+)`")

// Table is the import table of docs/ARCHITECTURE.md.
type Table struct {
	Rows   map[string]Allowed // by module-relative path
	Tests  Allowed            // what test files of every package may import besides
	ToCome []string           // planned packages, not there yet
}

// Allowed is what a package may import. The standard library is not its subject.
type Allowed struct {
	Ours  []string // module-relative paths
	Third []string // import paths; each covers the paths below it
}

// ParseTable reads the table and the two lists of its section out of the Markdown of docs/ARCHITECTURE.md.
func ParseTable(doc string) (*Table, error) {
	t := &Table{Rows: map[string]Allowed{}}
	heading := ""
	for line := range strings.Lines(doc) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "#") {
			heading = line
			continue
		}
		if err := t.parseLine(heading, line); err != nil {
			return nil, err
		}
	}
	if len(t.Rows) == 0 {
		return nil, fmt.Errorf("no table under the heading %q", tableHeading)
	}
	if t.Tests.Ours == nil || t.Tests.Third == nil {
		return nil, fmt.Errorf(`under the heading %q: needs the lines "- ours: …" and "- third-party: …"`, testsHeading)
	}
	return t, nil
}

func (t *Table) parseLine(heading, line string) error {
	switch heading {
	case tableHeading:
		if strings.HasPrefix(line, "| `") {
			return t.parseRow(line)
		}
	case testsHeading:
		if rest, ok := strings.CutPrefix(line, "- ours:"); ok {
			t.Tests.Ours = names(rest)
		}
		if rest, ok := strings.CutPrefix(line, "- third-party:"); ok {
			t.Tests.Third = names(rest)
		}
	case toComeHeading:
		if rest, ok := strings.CutPrefix(line, "- "); ok {
			t.ToCome = append(t.ToCome, names(rest)...)
		}
	}
	return nil
}

func (t *Table) parseRow(line string) error {
	cells := strings.Split(strings.Trim(line, "|"), "|")
	if len(cells) != 4 {
		return fmt.Errorf("row %q: has %d cells, needs 4: package, ours, third-party, subject", line, len(cells))
	}
	pkg := names(cells[0])
	if len(pkg) != 1 {
		return fmt.Errorf("row %q: the first cell needs one package in backticks", line)
	}
	if _, ok := t.Rows[pkg[0]]; ok {
		return fmt.Errorf("%s has two rows", pkg[0])
	}
	if strings.TrimSpace(cells[3]) == "" {
		return errors.New(pkg[0] + ": its row has no subject")
	}
	t.Rows[pkg[0]] = Allowed{Ours: names(cells[1]), Third: names(cells[2])}
	return nil
}

// names returns what stands in backticks, never nil.
func names(cell string) []string {
	out := []string{}
	for _, m := range backticks.FindAllStringSubmatch(cell, -1) {
		out = append(out, m[1])
	}
	return out
}

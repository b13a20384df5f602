package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// mutant is a planted mistake.
type mutant struct {
	name      string
	mistake   string // in a sentence
	seen      string // where else it was made, or what this is about; may be empty
	detectors []detector
	notRun    string // why nothing can catch it here; then it has neither detectors nor edits
	edits     []edit
}

// detector is a test, or several, one of which must fail for the mutant; or the campaign.
type detector struct {
	pkg   string // a directory of the module, as fsm or internal/sim
	tests string // names of tests with | between them
}

// campaign is the detector that knows nothing of any mutant: random faults and workloads, and all checkers.
var campaign = detector{"internal/sim", "TestCampaign"}

// realTag is the build tag of tests on real processes and disks.
const realTag = "e2e"

// real reports whether the tests are on real processes and disks, which not every machine allows.
func (d detector) real() bool { return d.pkg == "internal/e2e" }

func (d detector) String() string {
	if d == campaign {
		return "campaign"
	}
	return d.pkg + " " + d.tests
}

// edit replaces a text that stands in the file exactly once.
type edit struct {
	file     string // in the module
	old, new string
}

// readMutants reads all mutants of a directory. A file has, for each:
//
//	# name
//	mistake: a sentence
//	seen: where                       may be missing
//	caught by: campaign               or a package and tests; several lines are tried in this order
//	not run: why                      instead of all else, for what cannot be tried
//	--- file
//	old text
//	+++
//	new text, with planted("name") in it
//	--- …                             further edits
//	# the next
func readMutants(dir string) (all []*mutant, err error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.txt"))
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		found, err := parse(string(text))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		all = append(all, found...)
	}
	return all, nil
}

func parse(text string) (all []*mutant, err error) {
	var m *mutant
	var into *string // of the edit that is being read
	for number, line := range strings.Split(text, "\n") {
		wrong := func(what string) error { return fmt.Errorf("line %d: %s: %q", number+1, what, line) }
		word, rest, _ := strings.Cut(line, " ")
		switch {
		case word == "#":
			m, into = &mutant{name: rest}, nil
			all = append(all, m)
		case m == nil && line != "":
			return nil, wrong("no mutant yet")
		case m == nil:
		case word == "---":
			m.edits = append(m.edits, edit{file: rest})
			into = &m.edits[len(m.edits)-1].old
		case line == "+++" && into != nil:
			into = &m.edits[len(m.edits)-1].new
		case into != nil:
			*into += line + "\n"
		case strings.HasPrefix(line, "mistake: "):
			m.mistake = rest
		case strings.HasPrefix(line, "seen: "):
			m.seen = rest
		case strings.HasPrefix(line, "not run: "):
			m.notRun = strings.TrimPrefix(line, "not run: ")
		case line == "caught by: campaign":
			m.detectors = append(m.detectors, campaign)
		case strings.HasPrefix(line, "caught by: "):
			pkg, tests, ok := strings.Cut(strings.TrimPrefix(line, "caught by: "), " ")
			if !ok {
				return nil, wrong("a package and its tests")
			}
			m.detectors = append(m.detectors, detector{pkg, tests})
		case line != "":
			return nil, wrong("not understood")
		}
	}
	for _, m := range all {
		for i := range m.edits {
			m.edits[i].old, m.edits[i].new = strings.TrimRight(m.edits[i].old, "\n"), strings.TrimRight(m.edits[i].new, "\n")
		}
	}
	return all, nil
}

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// weave returns the mutated text of each file that a mutant edits, by its path in the module: all mutants in one, each behind
// planted.
func weave(root string, all []*mutant) (texts map[string]string, err error) {
	type place struct {
		from, to int
		edit     *edit
		name     string
	}
	places := map[string][]place{}
	sources := map[string]string{}
	for _, m := range all {
		for i := range m.edits {
			e := &m.edits[i]
			if sources[e.file] == "" {
				text, err := os.ReadFile(filepath.Join(root, e.file))
				if err != nil {
					return nil, fmt.Errorf("%s: %w", m.name, err)
				}
				sources[e.file] = string(text)
			}
			if n := strings.Count(sources[e.file], e.old); n != 1 || e.old == "" {
				return nil, fmt.Errorf("%s: this text is in %s %d times, not once:\n%s", m.name, e.file, n, e.old)
			}
			at := strings.Index(sources[e.file], e.old)
			places[e.file] = append(places[e.file], place{at, at + len(e.old), e, m.name})
		}
	}
	texts = map[string]string{}
	for file, edits := range places {
		slices.SortFunc(edits, func(a, b place) int { return a.from - b.from })
		var woven strings.Builder
		end := 0
		for i, p := range edits {
			if p.from < end {
				return nil, fmt.Errorf("%s: edits the same text of %s as %s", p.name, file, edits[i-1].name)
			}
			woven.WriteString(sources[file][end:p.from] + p.edit.new)
			end = p.to
		}
		texts[file] = woven.String() + sources[file][end:]
	}
	return texts, nil
}

// plantedSource is the file that each mutated package gets.
const plantedSource = `package %s

import (
	"os"
	"time"
)

var plantedName = os.Getenv("PLANTED")

func planted(name string) bool { return plantedName == name }

func plantedClock() int64 { return time.Now().UnixMilli() }
`

// overlay writes the mutated files to dir, and the file that go build -overlay reads, whose path it returns.
func overlay(root, dir string, texts map[string]string) (path string, err error) {
	replace := map[string]string{}
	add := func(file, text string) error {
		to := filepath.Join(dir, strings.ReplaceAll(file, "/", "_"))
		replace[filepath.Join(root, file)] = to
		return os.WriteFile(to, []byte(text), 0o600)
	}
	for file, text := range texts {
		if err := add(file, text); err != nil {
			return "", err
		}
		name, _, _ := strings.Cut(text[strings.Index(text, "\npackage ")+len("\npackage "):], "\n")
		if strings.HasPrefix(text, "package ") {
			name, _, _ = strings.Cut(text[len("package "):], "\n")
		}
		if err := add(filepath.Join(filepath.Dir(file), "planted.go"), fmt.Sprintf(plantedSource, name)); err != nil {
			return "", err
		}
	}
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	path = filepath.Join(dir, "overlay.json")
	return path, os.WriteFile(path, text, 0o600)
}

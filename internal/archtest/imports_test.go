package archtest

import (
	"strings"
	"testing"
)

const plantedTable = `# Architecture

## Who may import whom

| package | ours | third-party | subject |
|---|---|---|---|
| ` + "`fsm` | none | `example.org/tree` | counters |" + `
| ` + "`resp` | `fsm` | none | a door |" + `
| ` + "`cluster` | `fsm` | `github.com/hashicorp/raft` | replication |" + `
| ` + "`internal/memnet` | none | none | a network |" + `

### What tests may import besides

- ours: ` + "`internal/memnet`" + `
- third-party: ` + "`example.org/checker`" + `

### To come

- ` + "`lax`" + `

## Another section

| ` + "`nothing` | to | see | here |" + `
`

// planted is a tree that obeys plantedTable, with other files over it.
func planted(t *testing.T, more sources) *Tree {
	files := sources{
		"fsm/a.go":             `package fsm; import ("fmt"; "example.org/tree/v2")`,
		"fsm/a_test.go":        `package fsm_test; import ("testing"; "example.com/m/fsm"; "example.org/checker")`,
		"resp/a.go":            `package resp; import "example.com/m/fsm"`,
		"resp/a_test.go":       `package resp; import "example.com/m/internal/memnet"`,
		"cluster/a.go":         `package cluster; import ("example.com/m/fsm"; "github.com/hashicorp/raft")`,
		"internal/memnet/a.go": `package memnet; import "net"`,
	}
	for name, src := range more {
		if src == "" {
			delete(files, name)
			continue
		}
		files[name] = src
	}
	return plant(t, files)
}

func TestCheckImportsFindsWhatTheTableForbids(t *testing.T) {
	rows := []struct {
		sin   string
		files sources
		want  []string
	}{
		{"none", nil, nil},
		{"the machine imports a door", sources{"fsm/b.go": `package fsm; import "example.com/m/resp"`},
			[]string{"fsm/b.go:1: fsm may not import resp\n\tinstead: fsm is pure"}},
		{"a door imports cluster", sources{"resp/b.go": `package resp; import "example.com/m/cluster"`},
			[]string{"resp may not import cluster\n\tinstead: declare the one to four methods"}},
		{"a door's test imports cluster", sources{"resp/b_test.go": `package resp; import "example.com/m/cluster"`},
			[]string{"resp/b_test.go:1: resp may not import cluster"}},
		{"a door imports the test kit", sources{"resp/b.go": `package resp; import "example.com/m/internal/memnet"`},
			[]string{"instead: internal/memnet is test kit"}},
		{"cluster imports a door", sources{"cluster/b.go": `package cluster; import "example.com/m/resp"`},
			[]string{"instead: a door is imported by cmd/truecount only"}},
		{"the module's root is imported", sources{"cluster/b.go": `package cluster; import "example.com/m"`},
			[]string{"cluster may not import .\n"}},
		{"Raft outside cluster", sources{"resp/b.go": `package resp; import _ "github.com/hashicorp/raft"`},
			[]string{"instead: cluster alone knows Raft"}},
		{"a library whose name only begins like an allowed one",
			sources{"cluster/b.go": `package cluster; import "github.com/hashicorp/raft-mdb"`},
			[]string{"cluster may not import github.com/hashicorp/raft-mdb"}},
		{"a test library in code", sources{"fsm/b.go": `package fsm; import "example.org/checker"`},
			[]string{"fsm may not import example.org/checker\n\tinstead: the standard library"}},
		{"an import behind a build constraint",
			sources{"resp/b_plan9.go": "//go:build plan9\n\npackage resp\nimport \"example.org/tree\"\n"},
			[]string{"resp/b_plan9.go:4: resp may not import example.org/tree"}},
		{"a package without a row", sources{"rest/a.go": "package rest"}, []string{"package rest has no row"}},
		{"a package of tests without a row", sources{"e2e/a_test.go": "package e2e"}, []string{"package e2e has no row"}},
		{"a row without a package", sources{"internal/memnet/a.go": ""}, []string{"the row of internal/memnet has no package"}},
		{"a package that has come", sources{"lax/a.go": "package lax"}, []string{`lax is listed under "To come" but has code`}},
	}
	table, err := ParseTable(plantedTable)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		t.Run(row.sin, func(t *testing.T) {
			expect(t, CheckImports(planted(t, row.files), table), row.want...)
		})
	}
}

func TestCheckImportsFindsRowsThatNameWhatHasNoRow(t *testing.T) {
	table, err := ParseTable(strings.Replace(plantedTable, "| `resp` | `fsm`", "| `resp` | `fms`, `lax`", 1))
	if err != nil {
		t.Fatal(err)
	}
	expect(t, CheckImports(planted(t, nil), table), "the row of resp allows fms", "resp may not import fsm")
}

func TestParseTableRefusesWhatItCannotRead(t *testing.T) {
	rows := []struct{ sin, from, to, want string }{
		{"no heading", tableHeading, "## Imports", "no table under the heading"},
		{"a missing cell", "| a door |", "|", "has 3 cells"},
		{"two packages in a row", "| `resp` |", "| `resp`, `rest` |", "one package"},
		{"a package twice", "| `resp` |", "| `fsm` |", "two rows"},
		{"no subject", "| a door |", "| |", "no subject"},
		{"no line for the tests", "- ours:", "ours:", `needs the lines "- ours: …"`},
	}
	for _, row := range rows {
		t.Run(row.sin, func(t *testing.T) {
			_, err := ParseTable(strings.Replace(plantedTable, row.from, row.to, 1))
			if err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("error: %v\nwants: %s", err, row.want)
			}
		})
	}
}

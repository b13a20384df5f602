package archtest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

const document = "docs/ARCHITECTURE.md"

// CheckImports compares the imports of every file, and the packages themselves, with the table.
func CheckImports(t *Tree, table *Table) []Finding {
	found := checkRows(t, table)
	for _, p := range t.Packages {
		row, ok := table.Rows[p.Path]
		if !ok {
			continue // checkRows has said so
		}
		for _, f := range p.Files {
			for _, i := range f.Imports {
				found = append(found, checkImport(t, table, p, row, f, i)...)
			}
		}
	}
	return found
}

// checkRows finds packages without a row, rows without a package, and rows that name what has no row.
func checkRows(t *Tree, table *Table) []Finding {
	var found []Finding
	for _, p := range t.Packages {
		_, has := table.Rows[p.Path]
		switch {
		case slices.Contains(table.ToCome, p.Path):
			found = append(found, Finding{document, p.Path + ` is listed under "To come" but has code`,
				"take it off the list and give it a row in the table"})
		case !has:
			found = append(found, Finding{document, "package " + p.Path + " has no row",
				"| `" + p.Path + "` | none | none | its subject |"})
		}
	}
	for _, path := range slices.Sorted(maps.Keys(table.Rows)) {
		if t.Package(path) == nil {
			found = append(found, Finding{document, "the row of " + path + " has no package",
				`delete the row, or move it to the list "To come"`})
		}
		for _, other := range table.Rows[path].Ours {
			if _, ok := table.Rows[other]; !ok && !slices.Contains(table.ToCome, other) {
				found = append(found, Finding{document, "the row of " + path + " allows " + other + ", which has no row",
					"a package of the table"})
			}
		}
	}
	return found
}

func checkImport(t *Tree, table *Table, p *Package, row Allowed, f *File, i Import) []Finding {
	at := where(t.Fset, i.Pos)
	if rel, ok := t.Ours(i.Path); ok {
		self := f.Test && rel == p.Path // an external test package
		if self || slices.Contains(row.Ours, rel) || f.Test && slices.Contains(table.Tests.Ours, rel) {
			return nil
		}
		return []Finding{{at, p.Path + " may not import " + rel, insteadOfOurs(p.Path, rel)}}
	}
	if standard(i.Path) || covered(row.Third, i.Path) || f.Test && covered(table.Tests.Third, i.Path) {
		return nil
	}
	return []Finding{{at, p.Path + " may not import " + i.Path, insteadOfThird(p.Path, i.Path)}}
}

func insteadOfOurs(from, to string) string {
	switch {
	case from == "fsm":
		return "fsm is pure and stands below everything: let the caller of fsm do this with what fsm returns"
	case strings.HasPrefix(to, "internal/"):
		return to + " is test kit: use it in a _test.go file"
	case to == "cluster":
		return "declare the one to four methods you need as an interface in " + from + ", and let cmd/truecount hand them in"
	case to == "resp" || to == "rest":
		return "a door is imported by cmd/truecount only: move what both need down to fsm"
	}
	return fmt.Sprintf("take %s's part as an argument or as a small interface declared in %s; if the design has changed, "+
		"change the row of %s in %s", to, from, from, document)
}

func insteadOfThird(from, to string) string {
	if strings.HasPrefix(to, raftPath) {
		return "cluster alone knows Raft: ask it through Propose, Read or Status"
	}
	return fmt.Sprintf("the standard library; if the dependency is worth it, name it in the row of %s in %s and say why in "+
		"docs/decisions", from, document)
}

// standard tells the standard library by its first element: it has no dot.
func standard(importPath string) bool {
	first, _, _ := strings.Cut(importPath, "/")
	return !strings.Contains(first, ".")
}

func covered(allowed []string, importPath string) bool {
	return slices.ContainsFunc(allowed, func(a string) bool {
		return importPath == a || strings.HasPrefix(importPath, a+"/")
	})
}

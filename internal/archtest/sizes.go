package archtest

import (
	"fmt"
	"go/ast"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Bounds of what a reader must hold in his head. Comments and blank lines count.
const (
	MaxFileLines = 400 // in a file
	MaxFuncLines = 70  // in a function, from the line of func to its closing brace
)

const sizesFile = "internal/archtest/testdata/sizes.txt"

// Sizes are the lines of files ("fsm/apply.go") and of functions ("fsm/apply.go Machine.Apply").
type Sizes map[string]int

// ParseSizes reads the list of those that are too long: a line "name lines" or "file function lines" each; # begins a
// comment.
func ParseSizes(text string) (Sizes, error) {
	list := Sizes{}
	number := 0
	for line := range strings.Lines(text) {
		number++
		line, _, _ = strings.Cut(line, "#")
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		last := len(fields) - 1
		lines, err := strconv.Atoi(fields[last])
		if err != nil || last < 1 || last > 2 {
			return nil, fmt.Errorf(`%s:%d: needs "file lines" or "file function lines"`, sizesFile, number)
		}
		name := strings.Join(fields[:last], " ")
		if _, ok := list[name]; ok {
			return nil, fmt.Errorf("%s:%d: %s is listed twice", sizesFile, number, name)
		}
		list[name] = lines
	}
	return list, nil
}

// CheckSizes finds files and functions that are longer than their bound, or than their line in the list says, and lines of
// the list that are no longer true: sizes may only shrink.
func CheckSizes(t *Tree, list Sizes) []Finding {
	sizes := measure(t)
	var found []Finding
	for _, name := range slices.Sorted(maps.Keys(sizes)) {
		size, bound := sizes[name], boundOf(name)
		listed, isListed := list[name]
		switch {
		case !isListed && size > bound:
			found = append(found, Finding{name, fmt.Sprintf("%d lines, at most %d", size, bound), "two that each have a name"})
		case isListed && size > listed:
			found = append(found, Finding{name, fmt.Sprintf("grew from %d to %d lines", listed, size),
				"something shorter: what is listed in " + sizesFile + " may only shrink"})
		case isListed && size <= bound:
			found = append(found, Finding{name, fmt.Sprintf("%d lines, within the bound of %d", size, bound),
				"no line for it in " + sizesFile})
		case isListed && size < listed:
			found = append(found, Finding{name, fmt.Sprintf("shrank from %d lines: hold on to it in %s", listed, sizesFile),
				fmt.Sprintf("%s %d", name, size)})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(list)) {
		if _, ok := sizes[name]; !ok {
			found = append(found, Finding{name, "listed in " + sizesFile + " but not there", "no line for it"})
		}
	}
	return found
}

func measure(t *Tree) Sizes {
	sizes := Sizes{}
	for _, p := range t.Packages {
		for _, f := range p.Files {
			sizes[f.Name] = f.Lines
			for _, d := range f.AST.Decls {
				fn, ok := d.(*ast.FuncDecl)
				if !ok {
					continue
				}
				name := fn.Name.Name
				if fn.Recv != nil {
					name = receiver(fn) + "." + name
				}
				lines := t.Fset.Position(fn.End()).Line - t.Fset.Position(fn.Type.Func).Line + 1
				// Blank functions may repeat a name: the longest counts.
				sizes[f.Name+" "+name] = max(lines, sizes[f.Name+" "+name])
			}
		}
	}
	return sizes
}

func boundOf(name string) int {
	if strings.Contains(name, " ") {
		return MaxFuncLines
	}
	return MaxFileLines
}

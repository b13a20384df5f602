package archtest

import (
	"go/ast"
	"path"
	"slices"
	"strings"
)

// emptyNames say nothing about what is inside.
var emptyNames = []string{"util", "utils", "common", "helper", "helpers", "manager", "managers"}

// CheckNames finds packages with names that say nothing, and init functions.
func CheckNames(t *Tree) []Finding {
	var found []Finding
	for _, p := range t.Packages {
		for _, f := range p.Files {
			name := strings.TrimSuffix(f.AST.Name.Name, "_test")
			if slices.Contains(emptyNames, name) || slices.Contains(emptyNames, path.Base(p.Path)) {
				found = append(found, Finding{f.Name, "package " + name + " in directory " + p.Path,
					"a noun for what it is about, or put it into the package that uses it"})
			}
			for _, d := range f.AST.Decls {
				if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
					found = append(found, Finding{where(t.Fset, fn.Pos()), "init function: nothing registers itself",
						"a literal one can read, or a call in the start order of cmd/truecount"})
				}
			}
		}
	}
	return found
}

// CheckSleeps finds time.Sleep in test files that don't use virtual time: files without an import of testing/synctest.
func CheckSleeps(t *Tree) []Finding {
	var found []Finding
	for _, p := range t.Packages {
		for _, f := range p.Files {
			if !f.Test || slices.ContainsFunc(f.Imports, func(i Import) bool { return i.Path == "testing/synctest" }) {
				continue
			}
			ast.Inspect(f.AST, func(n ast.Node) bool {
				if e, ok := n.(ast.Expr); ok && isSleep(f.AST, e) {
					found = append(found, Finding{where(t.Fset, n.Pos()), "time.Sleep on the real clock",
						"synctest.Test and virtual time, or wait for the condition itself"})
				}
				return true
			})
		}
	}
	return found
}

// isSleep recognises time.Sleep under whatever name the file gives to package time.
func isSleep(f *ast.File, e ast.Expr) bool {
	as := "time"
	for _, i := range f.Imports {
		if i.Path.Value == `"time"` && i.Name != nil {
			as = i.Name.Name
		}
	}
	switch e := e.(type) {
	case *ast.SelectorExpr:
		x, ok := e.X.(*ast.Ident)
		return ok && x.Name == as && e.Sel.Name == "Sleep"
	case *ast.Ident:
		return as == "." && e.Name == "Sleep"
	}
	return false
}

package archtest

import (
	"go/ast"
	"strings"
)

// CheckDocs finds packages without a package comment, and exported names without a doc comment outside internal. In a group
// of constants or variables, the group's comment or one at the end of the line will do.
func CheckDocs(t *Tree) []Finding {
	var found []Finding
	for _, p := range t.Packages {
		if !p.HasCode() {
			continue
		}
		commented := false
		for _, f := range p.Files {
			if f.Test {
				continue
			}
			commented = commented || f.AST.Doc.Text() != ""
			if !isInternal(p.Path) {
				found = append(found, checkDecls(t, f)...)
			}
		}
		if !commented {
			found = append(found, Finding{p.Path, "no package comment", "four parts above one file's package clause: what it is " +
				"for in a sentence; the flow as a call tree; the rules; where the tests show it"})
		}
	}
	return found
}

func checkDecls(t *Tree, f *File) []Finding {
	var found []Finding
	bare := func(name *ast.Ident, comments ...*ast.CommentGroup) {
		if !name.IsExported() {
			return
		}
		for _, c := range comments {
			if c.Text() != "" {
				return
			}
		}
		found = append(found, Finding{where(t.Fset, name.Pos()), "exported " + name.Name + " has no comment",
			"a sentence above it: what it is, its units, its errors"})
	}
	for _, d := range f.AST.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil || ast.IsExported(receiver(d)) {
				bare(d.Name, d.Doc)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				switch spec := spec.(type) {
				case *ast.TypeSpec:
					own := d.Doc
					if d.Lparen.IsValid() {
						own = spec.Doc // a group's comment does not describe each of its types
					}
					bare(spec.Name, own, spec.Comment)
				case *ast.ValueSpec:
					for _, name := range spec.Names {
						bare(name, d.Doc, spec.Doc, spec.Comment)
					}
				}
			}
		}
	}
	return found
}

// receiver returns the name of a method's type.
func receiver(d *ast.FuncDecl) string {
	e := d.Recv.List[0].Type
	for {
		switch x := e.(type) {
		case *ast.StarExpr:
			e = x.X
		case *ast.ParenExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.IndexListExpr:
			e = x.X
		case *ast.Ident:
			return x.Name
		default:
			return ""
		}
	}
}

func isInternal(path string) bool {
	return strings.HasPrefix(path, "internal/") || strings.Contains(path, "/internal/") || path == "internal" ||
		strings.HasSuffix(path, "/internal")
}

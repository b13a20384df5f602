package archtest

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/token"
	"go/types"
	"io"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// Checker type-checks packages of a Tree: ours from their sources, all others from the export data of the go command.
type Checker struct {
	tree    *Tree
	foreign types.Importer
	done    map[string]*Checked // nil while it is being checked
}

// Checked is a type-checked package, without its tests.
type Checked struct {
	*Package
	Fset  *token.FileSet
	Types *types.Package
	Info  *types.Info
}

// NewChecker asks the go command, run in dir, for the export data of everything foreign that the packages at the given
// module-relative paths import, directly or through others of ours. The packages themselves may be broken.
func NewChecker(t *Tree, dir string, paths ...string) (*Checker, error) {
	foreign := map[string]bool{}
	for _, p := range paths {
		t.collectForeign(p, map[string]bool{}, foreign)
	}
	exports, err := listExports(dir, foreign)
	if err != nil {
		return nil, err
	}
	lookup := func(path string) (io.ReadCloser, error) {
		if exports[path] == "" {
			return nil, fmt.Errorf("the go command has no export data of %q", path)
		}
		return os.Open(exports[path])
	}
	return &Checker{t, importer.ForCompiler(t.Fset, "gc", lookup), map[string]*Checked{}}, nil
}

// Check type-checks the package at a module-relative path. Its error holds every type error.
func (c *Checker) Check(rel string) (*Checked, error) {
	if done, ok := c.done[rel]; ok {
		if done == nil {
			return nil, fmt.Errorf("%s: import cycle, or broken before", rel)
		}
		return done, nil
	}
	p := c.tree.Package(rel)
	if p == nil || !p.HasCode() {
		return nil, fmt.Errorf("no package %s", rel)
	}
	c.done[rel] = nil
	var errs []error
	conf := types.Config{Importer: c, Error: func(err error) { errs = append(errs, err) }}
	info := &types.Info{
		Types:      map[ast.Expr]types.TypeAndValue{},
		Defs:       map[*ast.Ident]types.Object{},
		Uses:       map[*ast.Ident]types.Object{},
		Selections: map[*ast.SelectorExpr]*types.Selection{},
	}
	var syntax []*ast.File
	for _, f := range p.code() {
		syntax = append(syntax, f.AST)
	}
	pkg, _ := conf.Check(c.tree.Module+"/"+rel, c.tree.Fset, syntax, info) // its error is the first of errs
	if len(errs) > 0 {
		return nil, fmt.Errorf("%s does not type-check: %w", rel, errors.Join(errs...))
	}
	c.done[rel] = &Checked{p, c.tree.Fset, pkg, info}
	return c.done[rel], nil
}

// Import makes a Checker the importer of the packages it checks.
func (c *Checker) Import(path string) (*types.Package, error) {
	rel, ok := c.tree.Ours(path)
	if !ok {
		return c.foreign.Import(path)
	}
	checked, err := c.Check(rel)
	if err != nil {
		return nil, err
	}
	return checked.Types, nil
}

// code returns the files of a build on this machine, without tests.
func (p *Package) code() []*File {
	return slices.DeleteFunc(slices.Clone(p.Files), func(f *File) bool { return f.Test || !f.Built })
}

func (t *Tree) collectForeign(rel string, seen, foreign map[string]bool) {
	p := t.Package(rel)
	if p == nil || seen[rel] {
		return
	}
	seen[rel] = true
	for _, f := range p.code() {
		for _, i := range f.Imports {
			if ours, ok := t.Ours(i.Path); ok {
				t.collectForeign(ours, seen, foreign)
				continue
			}
			foreign[i.Path] = true
		}
	}
}

// listExports returns the file with the export data of each package; the go command builds what is not in its cache.
func listExports(dir string, foreign map[string]bool) (map[string]string, error) {
	if len(foreign) == 0 {
		return nil, nil
	}
	args := []string{"list", "-e", "-export", "-f", "{{.ImportPath}}\t{{.Export}}"}
	cmd := exec.Command("go", append(args, slices.Sorted(maps.Keys(foreign))...)...)
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list -export: %w: %s", err, stderr.String())
	}
	exports := map[string]string{}
	for line := range strings.Lines(string(out)) {
		path, file, _ := strings.Cut(strings.TrimSpace(line), "\t")
		exports[path] = file
	}
	return exports, nil
}

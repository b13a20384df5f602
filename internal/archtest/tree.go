package archtest

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Tree is the parsed Go code of one module.
type Tree struct {
	Module   string // import path of the module
	Fset     *token.FileSet
	Packages []*Package // sorted by Path
}

// Package is one directory with Go files, its external test package included.
type Package struct {
	Path  string // relative to the module: "fsm", "cmd/truecount", "." for the root
	Files []*File
}

// File is one Go file.
type File struct {
	Name    string // relative to the module: "fsm/machine.go"
	Test    bool   // its name ends in _test.go
	Built   bool   // build constraints let it into a build on this machine
	Lines   int
	AST     *ast.File
	Imports []Import
}

// Import is one import of a File.
type Import struct {
	Path string
	Pos  token.Pos
}

// Load parses every Go file of the module whose root is fsys, whatever its build constraints. Directories that the go
// command ignores, testdata and nested modules are left out.
func Load(fsys fs.FS) (*Tree, error) {
	mod, err := fs.ReadFile(fsys, "go.mod")
	if err != nil {
		return nil, fmt.Errorf("the module's root: %w", err)
	}
	t := &Tree{Fset: token.NewFileSet(), Module: modulePath(mod)}
	if t.Module == "" {
		return nil, errors.New("go.mod: no module line")
	}
	err = fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			if name != "." && ignored(fsys, name) {
				return fs.SkipDir
			}
		case strings.HasSuffix(name, ".go"):
			return t.add(fsys, name)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(t.Packages, func(a, b *Package) int { return strings.Compare(a.Path, b.Path) })
	return t, nil
}

// Package returns the package at a module-relative path, or nil.
func (t *Tree) Package(rel string) *Package {
	i := slices.IndexFunc(t.Packages, func(p *Package) bool { return p.Path == rel })
	if i < 0 {
		return nil
	}
	return t.Packages[i]
}

// Ours returns the module-relative path of an import path, and whether it is inside the module at all.
func (t *Tree) Ours(importPath string) (string, bool) {
	if importPath == t.Module {
		return ".", true
	}
	return strings.CutPrefix(importPath, t.Module+"/")
}

// HasCode reports whether a package has more than test files.
func (p *Package) HasCode() bool {
	return slices.ContainsFunc(p.Files, func(f *File) bool { return !f.Test })
}

// Uses reports whether the package's code, tests aside, imports the given path.
func (p *Package) Uses(importPath string) bool {
	return slices.ContainsFunc(p.Files, func(f *File) bool {
		return !f.Test && slices.ContainsFunc(f.Imports, func(i Import) bool { return i.Path == importPath })
	})
}

func (t *Tree) add(fsys fs.FS, name string) error {
	src, err := fs.ReadFile(fsys, name)
	if err != nil {
		return err
	}
	syntax, err := parser.ParseFile(t.Fset, name, src, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return fmt.Errorf("does not parse: %w", err)
	}
	built, err := inBuild(name, src)
	if err != nil {
		return fmt.Errorf("%s: build constraints: %w", name, err)
	}
	f := &File{
		Name:  name,
		Test:  strings.HasSuffix(name, "_test.go"),
		Built: built,
		Lines: bytes.Count(src, []byte("\n")),
		AST:   syntax,
	}
	for _, spec := range syntax.Imports {
		p, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return fmt.Errorf("%s: import %s: %w", name, spec.Path.Value, err)
		}
		f.Imports = append(f.Imports, Import{Path: p, Pos: spec.Pos()})
	}
	dir := path.Dir(name)
	p := t.Package(dir)
	if p == nil {
		p = &Package{Path: dir}
		t.Packages = append(t.Packages, p)
	}
	p.Files = append(p.Files, f)
	return nil
}

// inBuild applies the go command's rules on file names and //go:build lines.
func inBuild(name string, src []byte) (bool, error) {
	ctx := build.Default
	ctx.OpenFile = func(string) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(src)), nil }
	return ctx.MatchFile(path.Dir(name), path.Base(name))
}

func ignored(fsys fs.FS, dir string) bool {
	base := path.Base(dir)
	if base == "testdata" || base == "vendor" || base[0] == '.' || base[0] == '_' {
		return true
	}
	_, err := fs.Stat(fsys, dir+"/go.mod")
	return err == nil
}

func modulePath(mod []byte) string {
	for line := range strings.Lines(string(mod)) {
		if rest, ok := strings.CutPrefix(line, "module "); ok {
			return strings.TrimSpace(rest)
		}
	}
	return ""
}

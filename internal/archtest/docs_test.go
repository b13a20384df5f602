package archtest

import "testing"

func TestCheckDocsFindsExportedNamesWithoutComment(t *testing.T) {
	rows := []struct {
		sin, src string
		want     []string
	}{
		{"none", "type private struct{}\nfunc (private) Public() {}\nfunc f() {}\nvar x, _ = 1, 2", nil},
		{"none, all described", `
			// T is.
			type T[K any] struct{}
			// M does.
			func (t *T[K]) M() {}
			// Kinds of T.
			const ( A = 1; B = 2 )
			const (
				C = 1 // is it
				// D is.
				D = 2
			)
			type (
				// U is.
				U int
			)`, nil},
		{"a function", "func F() {}", []string{"exported F has no comment"}},
		{"a method", "\n// T is.\ntype T[K any] struct{}\nfunc (t *T[K]) M() {}", []string{"a/a.go:5: exported M"}},
		{"a type", "type T int", []string{"exported T"}},
		{"a type in a described group", "\n// These.\ntype (\nT int\n)", []string{"exported T"}},
		{"a constant among others", "const (\nA = 1 // is\nB = 2\n)", []string{"exported B"}},
		{"two variables", "var A, B = 1, 2", []string{"exported A", "exported B"}},
		{"only a directive", "\n//go:noinline\nfunc F() {}", []string{"exported F"}},
	}
	for _, row := range rows {
		t.Run(row.sin, func(t *testing.T) {
			tree := plant(t, sources{
				"a/a.go":          "// Package a is.\npackage a;" + row.src,
				"internal/b/b.go": "// Package b is.\npackage b;" + row.src,
				"a/a_test.go":     "package a; func TestX() {}",
			})
			expect(t, CheckDocs(tree), row.want...)
		})
	}
}

func TestCheckDocsFindsPackagesWithoutComment(t *testing.T) {
	tree := plant(t, sources{
		"a/a.go":               "package a",
		"a/doc.go":             "// Package a is.\npackage a",
		"b/b.go":               "// Package b is far away.\n\npackage b",
		"c/c_test.go":          "package c",
		"internal/d/d.go":      "package d",
		"internal/e/e.go":      "package e",
		"internal/e/e_test.go": "// Package e is only described in a test.\npackage e",
	})
	expect(t, CheckDocs(tree), "b: no package comment", "internal/d: no package comment", "internal/e: no package comment")
}

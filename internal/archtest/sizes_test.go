package archtest

import (
	"strings"
	"testing"
)

func TestCheckSizesOnlyLetsSizesShrink(t *testing.T) {
	const file, fn, method = "a/a.go", "a/a.go f", "a/a.go T.m"
	rows := []struct {
		sin  string
		src  string
		list Sizes
		want []string
	}{
		{"none", lines(400, funcOf("func f()", 70)), nil, nil},
		{"a long file", lines(401, ""), nil, []string{"a/a.go: 401 lines, at most 400"}},
		{"a long function", funcOf("func f()", 71), nil, []string{"a/a.go f: 71 lines, at most 70"}},
		{"a long method", funcOf("func (x *T) m()", 71), nil, []string{"a/a.go T.m: 71 lines, at most 70"}},
		{"none, all listed", lines(500, funcOf("func f()", 90)), Sizes{file: 500, fn: 90}, nil},
		{"a listed file that grew", lines(501, ""), Sizes{file: 500}, []string{"a/a.go: grew from 500 to 501 lines"}},
		{"a listed method that grew", funcOf("func (x T) m()", 81), Sizes{method: 80}, []string{"grew from 80 to 81"}},
		{"a listed file that shrank", lines(499, ""), Sizes{file: 500}, []string{"instead: a/a.go 499"}},
		{"a listed function that shrank", funcOf("func f()", 75), Sizes{fn: 80}, []string{"instead: a/a.go f 75"}},
		{"a listed function that is short now", funcOf("func f()", 70), Sizes{fn: 80}, []string{"instead: no line for it"}},
		{"a listed function that is gone", "", Sizes{fn: 80}, []string{"a/a.go f: listed in"}},
	}
	for _, row := range rows {
		t.Run(row.sin, func(t *testing.T) {
			tree := plant(t, sources{"a/a.go": "package a;" + row.src})
			expect(t, CheckSizes(tree, row.list), row.want...)
		})
	}
}

func TestCheckSizesMeasuresTestsAndLeavesOutComments(t *testing.T) {
	tree := plant(t, sources{
		"a/a.go":      "package a\n" + strings.Repeat("// F is described at length.\n", 100) + "func F() {}\n",
		"a/a_test.go": "package a;" + lines(401, ""),
	})
	expect(t, CheckSizes(tree, nil), "a/a_test.go: 401 lines")
}

func TestParseSizesReadsFilesAndFunctions(t *testing.T) {
	list, err := ParseSizes("# why\n\na/a.go 401\na/a.go T.m 71 # soon\n")
	if err != nil || len(list) != 2 || list["a/a.go"] != 401 || list["a/a.go T.m"] != 71 {
		t.Errorf("list %v, error %v", list, err)
	}
	for _, bad := range []string{"a/a.go", "a/a.go many", "401", "a b c 1", "a/a.go 401\na/a.go 402"} {
		if _, err := ParseSizes(bad); err == nil {
			t.Errorf("no error for %q", bad)
		}
	}
}

// funcOf is a function of n lines.
func funcOf(signature string, n int) string {
	return signature + " {" + strings.Repeat("\n", n-1) + "}"
}

// lines fills up a source to n lines.
func lines(n int, src string) string {
	return src + strings.Repeat("\n", n-strings.Count(src, "\n"))
}

package archtest

import (
	"fmt"
	"strings"
	"testing"
)

func TestCheckPurityFindsWhatCanDifferBetweenReplicas(t *testing.T) {
	const imports = "slices maps"
	rows := []struct {
		sin     string
		imports string
		body    string
		want    []string
	}{
		{"none", "errors fmt " + imports, `
			var errNo = errors.New("no")
			var table = [3]string{"a", "b"}
			func f(m map[string]int) error {
				for _, k := range slices.Sorted(maps.Keys(m)) { _ = fmt.Sprint(k) }
				for range slices.SortedFunc((maps.Values(m)), nil) {}
				for i, s := range table { _ = s[i:] }
				clear(m)
				delete(m, "a")
				return errNo
			}`, nil},
		{"the clock", "time", `var _ = time.Now`, []string{"may not import time\n\tinstead: take the time as a number"}},
		{"chance", "math/rand/v2", `var _ = rand.Int`, []string{"may not import math/rand/v2"}},
		{"a lock", "sync", `var _ sync.Mutex`, []string{"may not import sync\n\tinstead: nothing"}},
		{"unsafe", "unsafe", `var _ unsafe.Pointer`, []string{"may not import unsafe"}},
		{"a package nobody thought of", "unicode", `var _ = unicode.ToUpper`,
			[]string{"may not import unicode\n\tinstead: one of bufio, bytes"}},
		{"a goroutine", "", `func f() { go f() }`, []string{"goroutine"}},
		{"a channel", "", `func f() { c := make(chan int); c <- 1; <-c; select {}; for range c {} }`,
			[]string{"channel type", "channel send", "channel receive", "select", "range over a channel"}},
		{"the order of a map", "", `func f(m map[int]int) { for range m {} }`, []string{"range over a map"}},
		{"the order of a named map", "", `type t map[int]int; func f(m struct{ t }) { for k := range m.t { _ = k } }`,
			[]string{"range over a map"}},
		{"the order of a generic map", "", `func f[M ~map[K]V, K comparable, V any](m M) { for range m {} }`,
			[]string{"range over a map"}},
		{"the order of a map in a set of types", "", `
			type named map[int]int
			type t interface{ map[int]int | named }
			func f[M t](m M) { for range m {} }`, []string{"range over a map"}},
		{"the order of a map, through an iterator", "maps", `
			func f(m map[int]int) { for range maps.Keys(m) {}; for range maps.All[map[int]int](m) {} }`,
			[]string{"maps.Keys without slices.Sorted", "maps.All without slices.Sorted"}},
		{"the order of a map, collected", imports, `func f(m map[int]int) { _ = slices.Collect(maps.Values(m)) }`,
			[]string{"maps.Values without slices.Sorted"}},
		{"output", "fmt", `func f() { fmt.Println(); print(1); _ = fmt.Sprint() }`, []string{"fmt.Println", "print"}},
	}
	files, paths := sources{}, []string{}
	for i, row := range rows {
		var head strings.Builder
		for _, path := range strings.Fields(row.imports) {
			fmt.Fprintf(&head, "import %q\n", path)
		}
		paths = append(paths, fmt.Sprintf("fsm%d", i))
		files[paths[i]+"/a.go"] = "package fsm\n" + head.String() + row.body
		files[paths[i]+"/a_test.go"] = "package fsm\nimport \"time\"\nvar _ = time.Now"
	}
	checked := checkTypes(t, plant(t, files), paths...)
	for i, row := range rows {
		t.Run(row.sin, func(t *testing.T) { expect(t, CheckPurity(checked[i]), row.want...) })
	}
}

func TestCheckPurityFindsWrittenPackageVariables(t *testing.T) {
	const head = `package fsm
		import ("errors"; "io")
		type row struct { n int; deep []int }
		func (r row) read() int { return r.n }
		func (r *row) change() { r.n++ }
		var (
			number int
			table = [4]row{{n: 1}}
			byName = map[string]int{"a": 1}
			list = []int{1}
			pointer = &row{}
			errNo = errors.New("no")
		)
		var _ = io.EOF
		func use(any) {}
	`
	rows := []struct{ sin, body, want string }{
		{"none", `t := &table[1]; use(t.n); m := byName; use(m["a"]); n := number; n++; use(table[0].read()); use(errNo)`, ""},
		{"none, a local of the same name", `number := 0; number = 1; use(&number)`, ""},
		{"assigned", `number = 1`, "number is assigned"},
		{"assigned with others", `var a int; a, number = 1, 2; use(a)`, "number is assigned"},
		{"counted", `number++`, "number is assigned"},
		{"added to", `number += 2`, "number is assigned"},
		{"a range's variable", `for number = range 3 {}`, "number is assigned"},
		{"an element's field", `table[1].n = 2`, "table is assigned"},
		{"an element's element", `(table[1].deep)[0] = 2`, "table is assigned"},
		{"a map's element", `byName["b"] = 2`, "byName is assigned"},
		{"deleted from", `delete(byName, "a")`, "byName is changed by delete"},
		{"cleared", `clear(list)`, "list is changed by clear"},
		{"copied into", `copy(list[1:], []int{2})`, "list is changed by copy"},
		{"through a pointer", `*pointer = row{}`, "pointer is assigned"},
		{"handed away", `use(&number)`, "number is handed away by address"},
		{"by a method", `table[1].change()`, "table is the receiver of a method that may change it"},
		{"by a pointer's method", `pointer.change()`, "pointer is the receiver"},
		{"through a local pointer", `t := &table[1]; t.n = 2`, "table is assigned"},
		{"through a local pointer's method", `t := &table[1]; t.change()`, "table is the receiver"},
		{"through a local map", `m := byName; delete(m, "a")`, "byName is changed by delete"},
		{"another package's", `io.EOF = nil`, "EOF is assigned"},
	}
	files, paths := sources{}, []string{}
	for i, row := range rows {
		paths = append(paths, fmt.Sprintf("fsm%d", i))
		files[paths[i]+"/a.go"] = head + "func f() { " + row.body + " }"
	}
	checked := checkTypes(t, plant(t, files), paths...)
	for i, row := range rows {
		t.Run(row.sin, func(t *testing.T) {
			if row.want == "" {
				expect(t, CheckPurity(checked[i]))
				return
			}
			expect(t, CheckPurity(checked[i]), row.want)
		})
	}
}

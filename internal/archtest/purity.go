package archtest

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"
)

// pureStandard lists the standard packages that fsm may import. None can observe the world, once fmt.Print and its kin are
// out, nor can any answer differ between two replicas, once the order of maps is out.
var pureStandard = []string{
	"bufio", "bytes", "cmp", "encoding/binary", "errors", "fmt", "hash/crc32", "io", "maps", "math", "math/bits", "slices", "sort",
	"strconv", "strings",
}

// insteadOfImpure says how the pure package gets what others import.
var insteadOfImpure = map[string]string{
	"context":       "bound the work by an argument; the caller waits, not the Machine",
	"encoding/json": "an encoding of its own, drawn above the encoder",
	"io/fs":         "take an io.Reader or an io.Writer",
	"log":           "return it: a Code, an error or a number in a Status",
	"math/rand":     "take the random number from the Entry: it is drawn once, by the leader",
	"math/rand/v2":  "take the random number from the Entry: it is drawn once, by the leader",
	"net":           "bytes in, bytes out: sockets belong to the doors",
	"os":            "take an io.Reader or an io.Writer",
	"sync":          "nothing: the Machine has one caller at a time, and cluster sees to it",
	"sync/atomic":   "nothing: the Machine has one caller at a time, and cluster sees to it",
	"time":          "take the time as a number: the Entry's stamp",
	"unsafe":        "encoding/binary",
}

// CheckPurity finds what would let two replicas of the pure package differ, or let it observe the world: imports off the
// list, goroutines, channels, the order of maps, and package-level variables that are written.
func CheckPurity(c *Checked) []Finding {
	found := checkPureImports(c)
	p := purity{Checked: c}
	for _, f := range c.code() {
		ast.Inspect(f.AST, p.visit)
	}
	return append(append(found, p.found...), checkVariables(c)...)
}

func checkPureImports(c *Checked) []Finding {
	var found []Finding
	for _, f := range c.Files {
		for _, i := range f.Imports {
			if f.Test || !standard(i.Path) || slices.Contains(pureStandard, i.Path) {
				continue
			}
			instead := insteadOfImpure[i.Path]
			if instead == "" {
				instead = "one of " + strings.Join(pureStandard, ", ") + "; or let the caller do it"
			}
			found = append(found, Finding{where(c.Fset, i.Pos), "fsm is pure and may not import " + i.Path, instead})
		}
	}
	return found
}

// purity walks one syntax tree after the other and remembers which uses of map iterators were sorted at once.
type purity struct {
	*Checked
	sorted []ast.Expr // arguments of slices.Sorted and its kin
	found  []Finding
}

func (p *purity) visit(n ast.Node) bool {
	const (
		noGo   = "plain calls: fsm runs on its caller's goroutine, and order must be the same on every replica"
		noMaps = "for … range slices.Sorted(maps.Keys(m)), or a slice or btree beside the map"
		noOut  = "return it: a Code, an error or a number in a Status"
	)
	switch n := n.(type) {
	case *ast.GoStmt:
		p.add(n.Pos(), "goroutine in the pure package", noGo)
	case *ast.SelectStmt:
		p.add(n.Pos(), "select in the pure package", noGo)
	case *ast.SendStmt:
		p.add(n.Pos(), "channel send in the pure package", noGo)
	case *ast.ChanType:
		p.add(n.Pos(), "channel type in the pure package", noGo)
	case *ast.UnaryExpr:
		if n.Op == token.ARROW {
			p.add(n.Pos(), "channel receive in the pure package", noGo)
		}
	case *ast.RangeStmt:
		switch rangesOver(p.Info.TypeOf(n.X)) {
		case "map":
			p.add(n.Pos(), "range over a map: its order differs between replicas", noMaps)
		case "channel":
			p.add(n.Pos(), "range over a channel in the pure package", noGo)
		}
	case *ast.CallExpr:
		if f := p.callee(n); f == "slices.Sorted" || f == "slices.SortedFunc" || f == "slices.SortedStableFunc" {
			p.sorted = append(p.sorted, ast.Unparen(n.Args[0]))
		}
		if f := p.callee(n); isMapIterator(f) && !slices.Contains(p.sorted, ast.Expr(n)) {
			p.add(n.Pos(), f+" without slices.Sorted around it: the order differs between replicas", noMaps)
		}
	case *ast.Ident:
		if out := p.output(n); out != "" {
			p.add(n.Pos(), out+" in the pure package", noOut)
		}
	}
	return true
}

func (p *purity) add(pos token.Pos, what, instead string) {
	p.found = append(p.found, Finding{where(p.Fset, pos), what, instead})
}

// callee names the function that a call calls, as "maps.Keys", or "".
func (p *purity) callee(call *ast.CallExpr) string {
	fun := ast.Unparen(call.Fun)
	if ix, ok := fun.(*ast.IndexExpr); ok {
		fun = ix.X // maps.Keys[M]
	}
	if ix, ok := fun.(*ast.IndexListExpr); ok {
		fun = ix.X
	}
	var name *ast.Ident
	switch fun := fun.(type) {
	case *ast.SelectorExpr:
		name = fun.Sel
	case *ast.Ident:
		name = fun // a dot import
	}
	if f, ok := p.Info.Uses[name].(*types.Func); ok && f.Pkg() != nil && f.Signature().Recv() == nil {
		return f.Pkg().Path() + "." + f.Name()
	}
	return ""
}

// output names the use of a function that writes to standard output or reads standard input, or "".
func (p *purity) output(name *ast.Ident) string {
	switch obj := p.Info.Uses[name].(type) {
	case *types.Builtin:
		if obj.Name() == "print" || obj.Name() == "println" {
			return obj.Name()
		}
	case *types.Func:
		switch obj.FullName() {
		case "fmt.Print", "fmt.Printf", "fmt.Println", "fmt.Scan", "fmt.Scanf", "fmt.Scanln":
			return obj.FullName()
		}
	}
	return ""
}

func isMapIterator(f string) bool { return f == "maps.Keys" || f == "maps.Values" || f == "maps.All" }

// rangesOver answers "map" or "channel" if a range over t would be one, for a type parameter if any type of its set is one.
func rangesOver(t types.Type) string {
	switch u := t.Underlying().(type) {
	case *types.Map:
		return "map"
	case *types.Chan:
		return "channel"
	case *types.Interface: // of a type parameter: nothing else can be ranged over
		for i := range u.NumEmbeddeds() {
			if over := rangesOver(u.EmbeddedType(i)); over != "" {
				return over
			}
		}
	case *types.Union:
		for i := range u.Len() {
			if over := rangesOver(u.Term(i).Type()); over != "" {
				return over
			}
		}
	}
	return ""
}

package archtest

import (
	"go/ast"
	"go/token"
	"go/types"
)

// checkVariables finds package-level variables that are written outside their declaration: assigned, changed through an
// index, a field, a pointer or a method that could, or handed away by address. A local that is &table[i], or shares the
// table's slice or map, is followed one step; what a callee does with it is not.
func checkVariables(c *Checked) []Finding {
	v := variables{Checked: c, alias: map[types.Object]types.Object{}, harmless: map[ast.Expr]bool{}}
	for _, f := range c.code() {
		ast.Inspect(f.AST, v.learn)
	}
	for _, f := range c.code() {
		ast.Inspect(f.AST, v.visit)
	}
	return v.found
}

type variables struct {
	*Checked
	alias    map[types.Object]types.Object // local → the package-level variable it points into
	harmless map[ast.Expr]bool             // &table[i] that only went into a local
	found    []Finding
}

// learn collects the locals that alias a package-level variable: p := &table[i], m := table.
func (v *variables) learn(n ast.Node) bool {
	assign, ok := n.(*ast.AssignStmt)
	if !ok || assign.Tok != token.DEFINE || len(assign.Lhs) != len(assign.Rhs) {
		return true
	}
	for i, right := range assign.Rhs {
		name, ok := assign.Lhs[i].(*ast.Ident)
		if !ok || v.Info.Defs[name] == nil {
			continue
		}
		right = ast.Unparen(right)
		if addr, ok := right.(*ast.UnaryExpr); ok && addr.Op == token.AND {
			v.harmless[addr] = true
			v.alias[v.Info.Defs[name]] = v.root(addr.X)
			continue
		}
		if shares(v.Info.TypeOf(right)) {
			v.alias[v.Info.Defs[name]] = v.root(right)
		}
	}
	return true
}

func (v *variables) visit(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.AssignStmt:
		for _, left := range n.Lhs {
			if n.Tok != token.DEFINE {
				v.written(left, "assigned")
			}
		}
	case *ast.IncDecStmt:
		v.written(n.X, "assigned")
	case *ast.RangeStmt:
		if n.Tok == token.ASSIGN {
			v.written(n.Key, "assigned")
			v.written(n.Value, "assigned")
		}
	case *ast.UnaryExpr:
		if n.Op == token.AND && !v.harmless[n] {
			v.written(n.X, "handed away by address")
		}
	case *ast.CallExpr:
		v.visitCall(n)
	}
	return true
}

// visitCall finds writes by built-in functions and by methods with pointer receivers.
func (v *variables) visitCall(call *ast.CallExpr) {
	switch fun := ast.Unparen(call.Fun).(type) {
	case *ast.Ident:
		b, ok := v.Info.Uses[fun].(*types.Builtin)
		if ok && (b.Name() == "delete" || b.Name() == "clear" || b.Name() == "copy") {
			v.written(call.Args[0], "changed by "+b.Name())
		}
	case *ast.SelectorExpr:
		s := v.Info.Selections[fun]
		if s == nil || s.Kind() != types.MethodVal {
			return
		}
		recv := s.Obj().(*types.Func).Signature().Recv().Type()
		if _, pointer := recv.Underlying().(*types.Pointer); pointer {
			v.written(fun.X, "the receiver of a method that may change it")
		}
	}
}

// written adds a finding if the written expression is, or is part of, a package-level variable.
func (v *variables) written(e ast.Expr, how string) {
	if e == nil {
		return
	}
	// The local alone may be assigned; what it points to may not.
	if name, ok := ast.Unparen(e).(*ast.Ident); ok && !packageLevel(v.Info.Uses[name]) {
		if how == "assigned" || how == "handed away by address" {
			return
		}
	}
	if obj := v.root(e); obj != nil {
		v.found = append(v.found, Finding{where(v.Fset, e.Pos()), "package-level variable " + obj.Name() + " is " + how,
			"a field of the type that owns it: a package-level variable is a constant table, its methods have value receivers"})
	}
}

// root returns the package-level variable that an expression reaches into, or nil.
func (v *variables) root(e ast.Expr) types.Object {
	for {
		switch x := ast.Unparen(e).(type) {
		case *ast.IndexExpr:
			e = x.X
		case *ast.SliceExpr:
			e = x.X
		case *ast.StarExpr:
			e = x.X
		case *ast.SelectorExpr:
			if obj := v.Info.Uses[x.Sel]; packageLevel(obj) {
				return obj // of another package
			}
			e = x.X
		case *ast.Ident:
			obj := v.Info.Uses[x]
			if packageLevel(obj) {
				return obj
			}
			return v.alias[obj]
		default:
			return nil
		}
	}
}

func packageLevel(obj types.Object) bool {
	_, isVar := obj.(*types.Var)
	return isVar && obj.Pkg() != nil && obj.Parent() == obj.Pkg().Scope()
}

// shares reports whether a copy of a value of this type shares what it holds.
func shares(t types.Type) bool {
	if t == nil {
		return false
	}
	switch t.Underlying().(type) {
	case *types.Slice, *types.Map, *types.Pointer:
		return true
	}
	return false
}

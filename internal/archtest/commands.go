package archtest

import (
	"go/ast"
	"go/token"
	"regexp"
	"strconv"
	"strings"
)

const (
	commandsPackage  = "resp"
	commandsVariable = "commands"
	commandsDocument = "docs/COMMANDS.md"
)

// CheckCommands compares the literal of the variable commands in package resp, whose elements have a field name, with the
// text of docs/COMMANDS.md, which must mention each: `INCR key`, in backticks.
func CheckCommands(t *Tree, doc string) []Finding {
	table := commandTable(t)
	if table == nil {
		return []Finding{{commandsPackage, "no variable " + commandsVariable + " with a composite literal",
			"var " + commandsVariable + ` = []command{{name: "incr", …}, …}`}}
	}
	if len(table.Elts) == 0 {
		return []Finding{{where(t.Fset, table.Pos()), "the command table is empty", `{name: "incr", …}`}}
	}
	var found []Finding
	for _, row := range table.Elts {
		name := commandName(row)
		if name == "" {
			found = append(found, Finding{where(t.Fset, row.Pos()), "a row of the command table without a literal name",
				`{name: "incr", …}`})
			continue
		}
		upper := strings.ToUpper(name)
		// What follows the name must end it: `INCRBY is no mention of INCR.
		if !regexp.MustCompile("`" + regexp.QuoteMeta(upper) + "[`\\s]").MatchString(doc) {
			found = append(found, Finding{where(t.Fset, row.Pos()), upper + " is not in " + commandsDocument,
				"a line that begins with `" + upper + " …` and says what it does and answers"})
		}
	}
	return found
}

// commandTable finds the literal behind the variable, or nil.
func commandTable(t *Tree) *ast.CompositeLit {
	p := t.Package(commandsPackage)
	if p == nil {
		return nil
	}
	for _, f := range p.Files {
		if f.Test {
			continue
		}
		for _, d := range f.AST.Decls {
			gen, ok := d.(*ast.GenDecl)
			if !ok || gen.Tok != token.VAR {
				continue
			}
			for _, spec := range gen.Specs {
				v := spec.(*ast.ValueSpec)
				if len(v.Names) != 1 || v.Names[0].Name != commandsVariable || len(v.Values) != 1 {
					continue
				}
				if lit, ok := v.Values[0].(*ast.CompositeLit); ok {
					return lit
				}
			}
		}
	}
	return nil
}

// commandName returns the literal in the field name of a row, which may be an element of a slice or a value of a map, and a
// pointer; or "".
func commandName(row ast.Expr) string {
	if kv, ok := row.(*ast.KeyValueExpr); ok {
		row = kv.Value
	}
	if addr, ok := row.(*ast.UnaryExpr); ok && addr.Op == token.AND {
		row = addr.X
	}
	lit, ok := row.(*ast.CompositeLit)
	if !ok {
		return ""
	}
	for _, e := range lit.Elts {
		kv, ok := e.(*ast.KeyValueExpr)
		if !ok {
			continue
		}
		key, ok := kv.Key.(*ast.Ident)
		value, isLit := kv.Value.(*ast.BasicLit)
		if ok && key.Name == "name" && isLit && value.Kind == token.STRING {
			name, _ := strconv.Unquote(value.Value) // the parser has seen to it
			return name
		}
	}
	return ""
}

package archtest

import (
	"fmt"
	"go/token"
)

// Finding is one broken rule.
type Finding struct {
	Where   string // "fsm/machine.go:12", a package, or a document
	What    string // what is wrong there
	Instead string // what to write
}

// String is the finding as a test prints it, in two lines.
func (f Finding) String() string {
	return fmt.Sprintf("%s: %s\n\tinstead: %s", f.Where, f.What, f.Instead)
}

// where names a position without its column.
func where(fset *token.FileSet, pos token.Pos) string {
	p := fset.Position(pos)
	return fmt.Sprintf("%s:%d", p.Filename, p.Line)
}

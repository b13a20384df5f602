package archtest

import (
	"os"
	"testing"
)

// root is the module's root, seen from this package.
const root = "../.."

func TestImportsFollowTheTableOfTheDocument(t *testing.T) {
	table, err := ParseTable(read(t, document))
	if err != nil {
		t.Fatalf("%s: %v", document, err)
	}
	report(t, CheckImports(house(t), table))
}

func TestTheMachineIsPure(t *testing.T) {
	tree := house(t)
	if tree.Package("fsm") == nil {
		t.Skip("package fsm is not there yet")
	}
	for _, c := range checkTypes(t, tree, "fsm") {
		report(t, CheckPurity(c))
	}
}

func TestRaftIsAppliedToInOnePlace(t *testing.T) {
	tree := house(t)
	if tree.Package(raftPackage) == nil {
		t.Skip("package cluster is not there yet")
	}
	report(t, CheckRaftCalls(checkTypes(t, tree, RaftImporters(tree)...)...))
}

func TestNothingRegistersItselfOrHasAnEmptyName(t *testing.T) {
	report(t, CheckNames(house(t)))
}

func TestNoTestSleepsOnTheRealClock(t *testing.T) {
	report(t, CheckSleeps(house(t)))
}

func TestExportedNamesAndPackagesHaveComments(t *testing.T) {
	report(t, CheckDocs(house(t)))
}

func TestFilesAndFunctionsAreShort(t *testing.T) {
	list, err := ParseSizes(read(t, sizesFile))
	if err != nil {
		t.Fatal(err)
	}
	report(t, CheckSizes(house(t), list))
}

func house(t *testing.T) *Tree {
	t.Helper()
	tree, err := Load(os.DirFS(root))
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

func checkTypes(t *testing.T, tree *Tree, paths ...string) []*Checked {
	t.Helper()
	checker, err := NewChecker(tree, root, paths...)
	if err != nil {
		t.Fatal(err)
	}
	var out []*Checked
	for _, p := range paths {
		c, err := checker.Check(p)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, c)
	}
	return out
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(root + "/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func report(t *testing.T, found []Finding) {
	t.Helper()
	for _, f := range found {
		t.Error(f)
	}
}

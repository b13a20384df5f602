package resp

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

const document = "../docs/COMMANDS.md"

// What stands between these lines of the document is written by `go test ./resp -run Documented -update`.
const (
	generatedBegin = "<!-- generated from the command table: go test ./resp -run Documented -update -->\n"
	generatedEnd   = "<!-- end of what is generated -->\n"
)

func TestEveryCommandIsDocumented(t *testing.T) {
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(text), generatedBegin)
	old, after, ended := strings.Cut(rest, generatedEnd)
	if !found || !ended {
		t.Fatalf("%s has no lines %q and %q", document, generatedBegin, generatedEnd)
	}
	var b strings.Builder
	for _, f := range families() {
		f.document(&b)
	}
	if b.String() == old {
		return
	}
	if !*update {
		t.Fatalf("%s does not describe the commands that there are: go test ./resp -run Documented -update", document)
	}
	if err := os.WriteFile(document, []byte(before+generatedBegin+b.String()+generatedEnd+after), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestEveryCommandTellsWhatItDoes(t *testing.T) {
	for _, f := range families() {
		for _, c := range f.callable() {
			if !strings.HasSuffix(c.summary, ".") {
				t.Errorf("the summary of %s is no sentence: %q", c.name, c.summary)
			}
			if c.reply == "" {
				t.Errorf("%s does not say what it replies", c.name)
			}
		}
	}
}

// callable are the family's commands and subcommands, containers that do nothing by themselves left out.
func (f *family) callable() (rows []command) {
	for _, row := range f.rows {
		if row.parse != nil || row.local != nil || row.prefix > 0 {
			rows = append(rows, row)
		}
		rows = append(rows, row.subs...)
	}
	return rows
}

func (f *family) document(b *strings.Builder) {
	fmt.Fprintf(b, "\n### %s\n\n| command | what it does | reply | answered by | cost |\n|---|---|---|---|---|\n", f.title)
	for _, c := range f.callable() {
		if strings.HasSuffix(c.name, "|help") {
			continue
		}
		what := c.summary
		if c.errors != "" {
			what += " *Errors:* " + c.errors
		}
		cost := c.cost
		if cost == "" {
			cost = "O(1)"
		}
		cells := []string{"`" + strings.TrimSpace(c.words()+" "+c.syntax) + "`", what, c.reply, c.answeredBy(), cost}
		for i := range cells {
			cells[i] = strings.ReplaceAll(cells[i], "|", `\|`)
		}
		fmt.Fprintf(b, "| %s |\n", strings.Join(cells, " | "))
	}
	b.WriteString("\n")
}

// words are the name as one types it.
func (c *command) words() string { return strings.ToUpper(strings.ReplaceAll(c.name, "|", " ")) }

func (c *command) answeredBy() string {
	switch {
	case c.by != "":
		return c.by
	case c.parse == nil:
		return "this node"
	case strings.Contains(c.flags, "write"):
		return "a majority"
	}
	return "as the connection's level says"
}

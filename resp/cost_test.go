package resp

import (
	"fmt"
	"strings"
	"testing"

	"github.com/truecount/truecount/fsm"
)

func TestCommandsThatCostMuchMoreThanTheirBytesAreBounded(t *testing.T) {
	c := newClient(t, newTestCluster(t))
	for _, command := range []string{
		packed("CONFIG", "GET", strings.Repeat("*", maxPatterns+1)),
		packed(append([]string{"CONFIG"}, repeat("GET", maxPatterns+1, "")...)...),
	} {
		c.send(command)
		c.wants(fmt.Sprintf("(error) ERR the patterns are longer than %d bytes", maxPatterns))
	}
	c.send(packed(append([]string{"COMMAND"}, repeat("INFO", maxNames+1, "get")...)...))
	c.wants(fmt.Sprintf("(error) ERR more than %d names", maxNames))
	c.send(packed(append([]string{"COMMAND"}, repeat("INFO", maxNames, "get")...)...))
	if n := len(c.replies()); n < maxNames || n > fsm.MaxGroup {
		t.Errorf("a reply of %d bytes", n)
	}
}

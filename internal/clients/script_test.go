package clients

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// runScript runs the script of a client in another language, with the prefix of its keys and the three addresses as last
// arguments. Each line that it prints becomes a subtest or asks for something:
//
//	ok NAME             the check of that name has passed
//	not ok NAME: WHY    it has not
//	restart             kill the first node and start it again, then write a line to the script
//	# TEXT              for the reader of the log
//
// The script has to pass all checks of everyClient.
func runScript(t *testing.T, env []string, command string, args ...string) {
	t.Helper()
	p := thePlace(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	script := exec.CommandContext(ctx, command, append(append(args, p.key(t, "")), p.addrs[:]...)...)
	script.Env = append(os.Environ(), env...)
	var complaints bytes.Buffer
	script.Stderr = &complaints
	in, err := script.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := script.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := script.Start(); err != nil {
		t.Fatal(err)
	}
	checked := followScript(t, p, out, in)
	if err := script.Wait(); err != nil {
		t.Errorf("%v\n%s", err, &complaints)
	}
	for _, name := range everyClient {
		if !slices.Contains(checked, name) {
			t.Errorf("it never came to the check: %s\n%s", name, &complaints)
		}
	}
}

// followScript does what the lines of a script say, and returns the checks it has made, failed ones included.
func followScript(t *testing.T, p *place, out io.Reader, in io.Writer) (checked []string) {
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		line := lines.Text()
		name, passed := strings.CutPrefix(line, "ok ")
		why, failed := strings.CutPrefix(line, "not ok ")
		switch {
		case passed:
			t.Run(name, func(t *testing.T) {})
			checked = append(checked, name)
		case failed:
			name, why, _ := strings.Cut(why, ": ")
			t.Run(name, func(t *testing.T) { t.Error(why) })
			checked = append(checked, name)
		case line == "restart":
			if err := p.restart(); err != nil {
				t.Error(err)
			}
			fmt.Fprintln(in, "restarted")
		default:
			t.Log(line)
		}
	}
	if err := lines.Err(); err != nil {
		t.Error(err)
	}
	return checked
}

package clients

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
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
	in, out := startScript(t, script)
	followScript(t, p, out, in)
	if err := script.Wait(); err != nil {
		t.Errorf("%v\n%s", err, &complaints)
	}
}

// startScript starts a script that is spoken with: it reads from in and prints to out.
func startScript(t *testing.T, script *exec.Cmd) (in io.WriteCloser, out io.Reader) {
	t.Helper()
	in, err := script.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if out, err = script.StdoutPipe(); err != nil {
		t.Fatal(err)
	}
	if err := script.Start(); err != nil {
		t.Fatal(err)
	}
	return in, out
}

// followScript does what the lines of a script say.
func followScript(t *testing.T, p *place, out io.Reader, in io.Writer) {
	check := checks(t)
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		line := lines.Text()
		name, passed := strings.CutPrefix(line, "ok ")
		why, failed := strings.CutPrefix(line, "not ok ")
		switch {
		case passed:
			check(name, func(*testing.T) {})
		case failed:
			name, why, _ := strings.Cut(why, ": ")
			check(name, func(t *testing.T) { t.Error(why) })
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
}

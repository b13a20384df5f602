package clients

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
)

// pythonFacade counts with redis-py: testdata/facade.py increments each counter whose name it reads, and says "ok" or why not.
func pythonFacade(kind string) func(*testing.T, []string) func(context.Context, string) error {
	return func(t *testing.T, addrs []string) func(context.Context, string) error {
		if why, err := exec.Command(debianPython, "-c", "import redis").CombinedOutput(); err != nil {
			t.Skipf("redis-py is not installed (apt-get install python3-redis): %v\n%s", err, why)
		}
		script := exec.Command(debianPython, append([]string{"testdata/facade.py", kind}, addrs...)...)
		script.Stderr = os.Stderr
		in, out := startScript(t, script)
		t.Cleanup(func() {
			in.Close() // which ends it
			if err := script.Wait(); err != nil {
				t.Error(err)
			}
		})
		var turn sync.Mutex
		answers := bufio.NewReader(out)
		return func(_ context.Context, key string) error {
			turn.Lock()
			defer turn.Unlock()
			if _, err := fmt.Fprintln(in, key); err != nil {
				return err
			}
			answer, err := answers.ReadString('\n')
			if err != nil {
				return err
			}
			if answer = strings.TrimSpace(answer); answer != "ok" {
				return errors.New(answer)
			}
			return nil
		}
	}
}

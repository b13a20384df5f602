package clients

import (
	"os/exec"
	"strings"
	"testing"
)

// debianPython is the interpreter that Debian's python3-redis belongs to; another one in the PATH does not see it.
const debianPython = "/usr/bin/python3"

func TestPython(t *testing.T) {
	thePlace(t)
	version, err := exec.Command(debianPython, "-c", "import redis; print(redis.__version__)").CombinedOutput()
	if err != nil {
		t.Skipf("redis-py is not installed (apt-get install python3-redis): %v\n%s", err, version)
	}
	t.Logf("redis-py %s", strings.TrimSpace(string(version)))
	runScript(t, nil, debianPython, "testdata/redispy.py")
	t.Run("ONCE", func(t *testing.T) {
		countsOnce(t, func(addr, key string) string { return printed(t, nil, debianPython, "testdata/once.py", addr, key) })
	})
}

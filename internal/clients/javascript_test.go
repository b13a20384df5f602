package clients

import (
	"context"
	"os/exec"
	"testing"
	"time"
)

// installTime is how long npm may take; where its registry can't be reached, it tries for minutes.
const installTime = time.Minute

// javaScriptClients are installed side by side, each under a name of its own.
var javaScriptClients = []struct{ name, pkg, script string }{
	{"node-redis-6", "redis@6.3.1", "noderedis.js"},
	{"node-redis-5", "redis@5.12.1", "noderedis.js"},
	{"node-redis-4", "redis@4.7.1", "noderedis.js"},
	{"ioredis-6", "ioredis@6.0.0", "ioredis.js"},
	{"ioredis-5", "ioredis@5.11.1", "ioredis.js"},
}

func TestJavaScript(t *testing.T) {
	thePlace(t)
	modules := installJavaScript(t)
	for _, c := range javaScriptClients {
		t.Run(c.pkg, func(t *testing.T) {
			runScript(t, []string{"NODE_PATH=" + modules}, "node", "testdata/"+c.script, c.name)
		})
	}
	t.Run("ioredis with ONCE", func(t *testing.T) {
		countsOnce(t, func(addr, key string) string {
			return printed(t, []string{"NODE_PATH=" + modules}, "node", "testdata/once.js", "ioredis-6", addr, key)
		})
	})
}

// installJavaScript installs all of them, or skips the test, and returns the directory of their modules.
func installJavaScript(t *testing.T) string {
	t.Helper()
	for _, tool := range []string{"node", "npm"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed, so no client in JavaScript is tested", tool)
		}
	}
	dir := t.TempDir()
	// Nothing of a package runs at its installation, and nothing is written to a package.json above dir.
	args := []string{"install", "--prefix", dir, "--no-save", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"}
	for _, c := range javaScriptClients {
		args = append(args, c.name+"@npm:"+c.pkg)
	}
	ctx, cancel := context.WithTimeout(t.Context(), installTime)
	defer cancel()
	npm := exec.CommandContext(ctx, "npm", args...)
	npm.WaitDelay = time.Second // its children may hold the pipe
	if out, err := npm.CombinedOutput(); err != nil {
		t.Skipf("npm can't install the clients in JavaScript: %v\n%s", err, lastPart(string(out)))
	}
	return dir + "/node_modules"
}

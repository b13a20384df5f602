package clients

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A client that is tested is in the document with the version that is tested.
func TestTheDocumentNamesEachClientAndVersion(t *testing.T) {
	document, err := os.ReadFile("../../docs/CLIENTS.md")
	if err != nil {
		t.Fatal(err)
	}
	mod, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]string{} // versions by client
	for line := range strings.Lines(string(document)) {
		if cells := strings.Split(line, "|"); len(cells) == 6 {
			rows[strings.TrimSpace(cells[1])] += cells[2]
		}
	}
	wantsRow := func(client, version string) {
		if !strings.Contains(rows[client], version) {
			t.Errorf("docs/CLIENTS.md has no row of %s with version %s", client, version)
		}
	}
	for client, module := range map[string]string{
		"go-redis": "redis/go-redis/v9 v", "rueidis": "redis/rueidis v", "redigo": "gomodule/redigo v",
	} {
		_, version, ok := strings.Cut(string(mod), module)
		if !ok {
			t.Fatalf("go.mod has no %s", module)
		}
		wantsRow(client, strings.Fields(version)[0])
	}
	for _, c := range javaScriptClients {
		name, version, _ := strings.Cut(c.pkg, "@")
		if name == "redis" {
			name = "node-redis"
		}
		wantsRow(name, version)
	}
	handshakes, err := filepath.Glob("../../resp/testdata/handshakes/*.txt")
	if err != nil || len(handshakes) == 0 {
		t.Fatalf("no handshakes: %v", err)
	}
	for _, path := range handshakes {
		if !named(rows, strings.TrimSuffix(filepath.Base(path), ".txt")) {
			t.Errorf("docs/CLIENTS.md has no row of %s", path)
		}
	}
}

// named finds the client whose name a handshake begins with: that of redis-py-8 is redis-py.
func named(rows map[string]string, handshake string) bool {
	for client := range rows {
		name := strings.ReplaceAll(strings.ToLower(client), ".", "-")
		if name != "" && strings.HasPrefix(handshake, name) {
			return true
		}
	}
	return false
}

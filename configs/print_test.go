package configs

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// printed is what Print writes.
func printed(t *testing.T, c *Config) string {
	t.Helper()
	var b strings.Builder
	if err := c.Print(&b, Memory{Machine: 8 << 30}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestWhatIsPrintedLoadsAsTheSame(t *testing.T) {
	for name, s := range map[string]Sources{
		"defaults": {},
		"others": {Flags: map[string]string{
			"id": `n"1"`, "dir": "/data/tab\there\nand # there\\", "join": "127.0.0.1:1,127.0.0.1:2", "insecure": "true",
			"max-bytes": "none", "max-keys": "1000", "min-free": "5%", "snapshot-bytes": "1000000001", "lease": "99.5ms",
		}},
		"sizes": {Flags: map[string]string{"max-bytes": "512MB", "min-free": "2GiB", "log-level": "OFF", "log-store": "bolt"}},
	} {
		first := load(t, s)
		text := printed(t, first)
		if lines := strings.Count(text, "\n"); lines != len(settings) {
			t.Errorf("%s: %d lines, want one for each of %d settings:\n%s", name, lines, len(settings), text)
		}
		file := fileOf(t, text)
		again := load(t, Sources{File: file})
		for setting, source := range again.sources {
			if source != file {
				t.Errorf("%s: %s comes from %s, want the printed file", name, setting, source)
			}
		}
		first.sources, again.sources = nil, nil
		if !reflect.DeepEqual(first, again) {
			t.Errorf("%s: loaded as %+v\nwant %+v\nfrom\n%s", name, again, first, text)
		}
	}
}

func TestEachPrintedLineSaysWhereItsValueComesFrom(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("open sesame, open sesame"), 0o600); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "a\nid = 'evil'.toml")
	if err := os.WriteFile(file, []byte("nonvoter = true"), 0o600); err != nil {
		t.Fatal(err)
	}
	text := printed(t, load(t, Sources{
		File:    file,
		Environ: []string{"TRUECOUNT_SECRET_FILE=" + secret},
		Flags:   map[string]string{"join": "a:1,b:2"},
	}))
	for _, want := range []string{
		"nonvoter = true  # " + strings.ReplaceAll(file, "\n", `\n`) + "\n",
		`secret-file = "` + secret + `"  # TRUECOUNT_SECRET_FILE` + "\n",
		`join = ["a:1", "b:2"]  # --join` + "\n",
		`dir = "./truecount-data"  # default` + "\n",
		`max-bytes = "auto"  # default; 2GiB here` + "\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no line %q in\n%s", want, text)
		}
	}
	if strings.Contains(text, "sesame") {
		t.Errorf("the secret is printed:\n%s", text)
	}
}

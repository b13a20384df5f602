package configs

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Each file of testdata/refused begins with lines "# refused: words": what the error must hold, besides the file's name.
func TestFilesThatAreRefused(t *testing.T) {
	files, err := filepath.Glob("testdata/refused/*.toml")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d files in testdata/refused, %v", len(files), err)
	}
	for _, name := range files {
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		wants := []string{name}
		for line := range strings.Lines(string(content)) {
			if want, ok := strings.CutPrefix(line, "# refused: "); ok {
				wants = append(wants, strings.TrimSpace(want))
			}
		}
		if len(wants) == 1 {
			t.Errorf("%s: no line # refused:", name)
		}
		_, err = Load(Sources{File: name})
		wantError(t, name, err, wants...)
	}
}

func TestFilesThatCanNotBeRead(t *testing.T) {
	dir := t.TempDir()
	_, err := Load(Sources{File: dir})
	wantError(t, "a directory", err, "configuration file "+dir, "is a directory")
	missing := filepath.Join(dir, "none.toml")
	_, err = Load(Sources{Environ: []string{"TRUECOUNT_CONFIG=" + missing}})
	wantError(t, "no file", err, "configuration file "+missing+": no such file")
	large := filepath.Join(dir, "large.toml")
	if err := os.WriteFile(large, make([]byte, maxFile+1), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = Load(Sources{File: large})
	wantError(t, "a large file", err, "more than 1048576 bytes")
}

func TestIntegersAreNumbersInAFile(t *testing.T) {
	c := load(t, Sources{File: "testdata/integers.toml"})
	if c.MaxBytes.Size != 1_000_000 || c.MaxKeys != 1000 || c.MinFree.Size != 4096 || c.SnapshotBytes != 65536 {
		t.Errorf("%+v", c)
	}
}

func TestSlipsAreRecognised(t *testing.T) {
	names := []string{"max-bytes", "max-keys", "id", "dir"}
	for word, want := range map[string]string{
		"max-byte": "max-bytes", "max_bytes": "max-bytes", "MAX-BYTES": "max-bytes", "maxbytes": "max-bytes", "max-key": "max-keys",
		"dirs": "dir", "max-btyes": "max-bytes", "data-dir": "", "colour": "", "": "", "a": "", "ip": "id",
	} {
		if got := nearest(word, names); got != want {
			t.Errorf("%q: taken for %q, want %q", word, got, want)
		}
	}
}

package configs

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestASecretLosesOneNewline(t *testing.T) {
	const good = "0123456789abcdef"
	for content, want := range map[string]string{
		good: good, good + "\n": good, good + "\r\n": good, good + "\n\n": good + "\n", " " + good + " ": " " + good + " ",
		"\n" + good: "\n" + good, good + "\r": good + "\r", strings.Repeat("x", maxSecret) + "\r\n": strings.Repeat("x", maxSecret),
	} {
		got, err := ReadSecret(fileOf(t, content))
		if err != nil || string(got) != want {
			t.Errorf("%.30q: %.30q, %v, want %.30q", content, got, err, want)
		}
	}
}

func TestSecretsThatAreRefusedNameTheFileAndTheCure(t *testing.T) {
	for content, want := range map[string]string{
		"":                                      "has 0 bytes, at least 16",
		"0123456789abcde":                       "has 15 bytes",
		"0123456789abcde\n":                     "has 15 bytes",
		strings.Repeat("x", maxSecret+1):        "more than 4096 bytes",
		strings.Repeat("x", maxSecret+1) + "\n": "more than 4096 bytes",
		strings.Repeat("x", 1<<20):              "more than",
	} {
		name := fileOf(t, content)
		_, err := ReadSecret(name)
		wantError(t, want, err, "--secret-file "+name+": ", want, "openssl rand -hex 32 > "+name)
	}
	missing := filepath.Join(t.TempDir(), "secret")
	_, err := ReadSecret(missing)
	wantError(t, "missing", err, "--secret-file "+missing+": no such file", "openssl rand -hex 32 > "+missing)
}

func TestASecretThatOthersMayReadIsNoticed(t *testing.T) {
	name := fileOf(t, "0123456789abcdef")
	for mode, want := range map[os.FileMode]bool{0o600: false, 0o400: false, 0o611: false, 0o640: true, 0o604: true, 0o644: true} {
		if err := os.Chmod(name, mode); err != nil {
			t.Fatal(err)
		}
		if got := SecretExposed(name); got != want {
			t.Errorf("mode %o: exposed %v, want %v", mode, got, want)
		}
	}
}

package configs

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
)

// Bounds of a secret and of a password, in bytes.
const (
	minSecret   = 16
	minPassword = 8
	maxSecret   = 4096
)

// ReadSecret reads the secret that all nodes of a cluster share. One newline at its end, which editors and echo add, is no
// part of it. The error names the file and how to make one.
func ReadSecret(path string) ([]byte, error) { return readSecret("secret", path, minSecret) }

// ReadPassword reads the password that clients log in with, as ReadSecret does.
func ReadPassword(path string) ([]byte, error) { return readSecret("password", path, minPassword) }

func readSecret(what, path string, least int) ([]byte, error) {
	secret, err := readBounded(path, maxSecret+2)
	if err == nil {
		if line, ok := bytes.CutSuffix(secret, []byte("\n")); ok {
			secret = bytes.TrimSuffix(line, []byte("\r"))
		}
		switch {
		case len(secret) < least:
			err = fmt.Errorf("its %s has %d bytes, at least %d are needed", what, len(secret), least)
		case len(secret) > maxSecret:
			err = fmt.Errorf("its %s has more than %d bytes", what, maxSecret)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("--%s-file %s: %w: make one with openssl rand -hex 32 > %s, the same for every node", what, path, err, path)
	}
	return secret, nil
}

// SecretExposed reports whether others than its owner may read the file. That is for a warning only: Kubernetes mounts
// secrets with mode 0644 where nobody else looks.
func SecretExposed(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o044 != 0 && runtime.GOOS != "windows"
}

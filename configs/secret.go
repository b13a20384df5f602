package configs

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
)

// Bounds of a secret, in bytes.
const (
	minSecret = 16
	maxSecret = 4096
)

// ReadSecret reads the secret that all nodes of a cluster share. One newline at its end, which editors and echo add, is no
// part of it. The error names the file and how to make one.
func ReadSecret(path string) ([]byte, error) {
	secret, err := readBounded(path, maxSecret+2)
	if err == nil {
		if line, ok := bytes.CutSuffix(secret, []byte("\n")); ok {
			secret = bytes.TrimSuffix(line, []byte("\r"))
		}
		switch {
		case len(secret) < minSecret:
			err = fmt.Errorf("its secret has %d bytes, at least %d are needed", len(secret), minSecret)
		case len(secret) > maxSecret:
			err = fmt.Errorf("its secret has more than %d bytes", maxSecret)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("--secret-file %s: %w: make one with openssl rand -hex 32 > %s, the same for every node", path, err, path)
	}
	return secret, nil
}

// SecretExposed reports whether others than its owner may read the file. That is for a warning only: Kubernetes mounts
// secrets with mode 0644 where nobody else looks.
func SecretExposed(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o044 != 0 && runtime.GOOS != "windows"
}

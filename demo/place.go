package demo

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

const (
	placeName  = "truecount-demo"
	lockName   = "lock"
	socketName = "socket"
)

// place is where the demo of one user is found: a directory that is his alone, with a lock that the running demo holds and
// the socket on which it takes commands. The lock ends with its process, so what is left of a dead demo never stands in
// the way.
type place struct {
	dir  string
	lock *os.File
}

// tenant is what the lock file says of its holder, or its last one.
type tenant struct {
	PID  int    `json:"pid"`
	Data string `json:"data"` // folder with the nodes' data and logs
}

// placeDir is the same for all processes of a user.
func placeDir() string {
	if dir := os.Getenv("XDG_RUNTIME_DIR"); dir != "" {
		if info, err := os.Stat(dir); err == nil && info.IsDir() {
			return filepath.Join(dir, placeName)
		}
	}
	return filepath.Join(os.TempDir(), placeName+"-"+strconv.Itoa(os.Getuid()))
}

func socketPath() string { return filepath.Join(placeDir(), socketName) }

// checkPlace refuses a directory in which others than its user could put a socket of their own.
func checkPlace(dir string) error {
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok || !info.IsDir() || info.Mode().Perm()&0o077 != 0 || int(owner.Uid) != os.Getuid() {
		return fmt.Errorf("%s is not a directory of yours that is closed to others: remove it, or set XDG_RUNTIME_DIR", dir)
	}
	return nil
}

// takePlace takes the place, or says who has it. What the last holder has left behind in case it was killed is removed.
func takePlace() (*place, error) {
	dir := placeDir()
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	if err := checkPlace(dir); err != nil {
		return nil, err
	}
	lock, err := os.OpenFile(filepath.Join(dir, lockName), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	p := &place{dir: dir, lock: lock}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		defer lock.Close()
		return nil, fmt.Errorf("a demo is running already (pid %d): end it with truecount demo stop, or Ctrl-C where it runs", p.read().PID)
	}
	p.removeData(p.read().Data)
	return p, nil
}

func (p *place) read() tenant {
	var t tenant
	if text, err := os.ReadFile(p.lock.Name()); err == nil {
		json.Unmarshal(text, &t) // a lock file that can't be read says nothing
	}
	return t
}

// note says who holds the place, and where the data is.
func (p *place) note(data string) error {
	text, err := json.Marshal(tenant{os.Getpid(), data})
	if err != nil {
		return err
	}
	return os.WriteFile(p.lock.Name(), text, 0o600)
}

// removeData removes a folder if it is one that a demo has made.
func (p *place) removeData(data string) error {
	if !strings.HasPrefix(filepath.Base(data), dataPrefix) {
		return nil
	}
	return os.RemoveAll(data)
}

// leave lets the next demo in.
func (p *place) leave() { p.lock.Close() }

// Command failover measures how long nobody's write is acknowledged when a leader is killed with SIGKILL: of Truecount, and of
// etcd beside it on the same machine, with its default settings and with short ones. `make failover` runs it; etcd comes from
// the package etcd-server, and is told as NOT RUN where it is missing.
//
// Three members on loopback each, with their data in a temporary directory. While small writes go on at the two others, the leader
// is killed. From then on a fresh write is begun every few milliseconds, at the two in turn and each on a connection that is
// open; what counts is the time from the kill to the first acknowledgement of a write that was begun after it. So no client's time-out
// or pause is in the figure. Writes are increments of keys of their own: INCR, and for etcd a transaction that
// compares and puts. The dead member comes back before the next kill. One system comes after the other.
//
//	contest.go    a system under test: its kills and its figures
//	member.go     processes
//	truecount.go, etcd.go  what is said to the one and to the other
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	binary := flag.String("binary", "bin/truecount", "truecount to be measured")
	kills := flag.Int("kills", 20, "leaders to kill of each system")
	flag.Parse()
	if err := run(ctx, os.Stdout, *binary, *kills); err != nil {
		fmt.Fprintln(os.Stderr, "failover:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer, binary string, kills int) error {
	dir, err := os.MkdirTemp("", "truecount-failover-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	contests := []*contest{{name: "Truecount, default settings", system: newTruecount(binary, filepath.Join(dir, "truecount"))}}
	if _, err := exec.LookPath("etcd"); err != nil {
		fmt.Fprintln(out, "etcd: NOT RUN: it is not installed (apt-get install etcd-server)")
	} else {
		contests = append(contests,
			&contest{name: "etcd, default settings", system: newEtcd(filepath.Join(dir, "etcd"))},
			&contest{name: "etcd, heartbeat 20 ms, election 200 ms", system: newEtcd(filepath.Join(dir, "tuned"),
				"--heartbeat-interval", "20", "--election-timeout", "200")})
	}
	fmt.Fprintf(out, "load before: %s", loadAverage())
	for _, c := range contests {
		if err := c.run(ctx, kills); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		fmt.Fprintln(out, c)
	}
	fmt.Fprintf(out, "load after: %s", loadAverage())
	return nil
}

// loadAverage is the machine's, which has a part in every figure.
func loadAverage() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown\n"
	}
	return strings.Join(strings.Fields(string(text))[:3], " ") + "\n"
}

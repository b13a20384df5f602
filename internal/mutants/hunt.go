package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// hunter runs detectors with the binaries of one build.
type hunter struct {
	root     string            // of the module
	overlay  string            // its path
	binaries map[string]string // of the tests, by package
	length   time.Duration     // of a campaign

	took map[string]time.Duration // by nameOf, without a mutant; written by baseline, before there is one
}

// build compiles the tests of each package.
func build(root, dir, overlay string, pkgs []string) (binaries map[string]string, err error) {
	binaries = map[string]string{}
	for _, pkg := range pkgs {
		out := filepath.Join(dir, strings.ReplaceAll(pkg, "/", "_")+".test")
		cmd := exec.Command("go", "test", "-c", "-overlay", overlay, "-tags", realTag, "-o", out, "./"+pkg)
		cmd.Dir, cmd.Stdout, cmd.Stderr = root, os.Stderr, os.Stderr
		if err := cmd.Run(); err != nil {
			return nil, fmt.Errorf("build of %s with all mutants: %w", pkg, err)
		}
		binaries[pkg] = out
	}
	return binaries, nil
}

// finding is what came of one detector.
type finding struct {
	caught bool
	notRun bool   // this machine does not allow it; output says why
	by     string // the checker of the campaign, or the test; what it said first
	took   time.Duration
	output string
}

// detectLimit is how long a test may take, or twice what all of its package took without a mutant, if that is more. One that doesn't
// end has failed: some mistakes show as that, and a slow machine must not look like one.
const detectLimit = time.Minute

// run runs a detector with this mutant, or with none if planted is empty.
func (h *hunter) run(d detector, planted string) finding {
	args := []string{"-test.run", "^(" + d.tests + ")$", "-test.timeout", "300s"}
	limit := detectLimit
	switch {
	case d == campaign:
		args = append(args, "-first", "-duration", h.length.String())
		limit += h.length
	case d.pkg == campaign.pkg:
		args = append(args, "-seeds", "4")
	case d.real():
		args, limit = append(args, "-test.v"), 5*time.Minute
	}
	if planted == "" {
		limit = 5 * time.Minute // all tests of a package at once
	} else {
		args, limit = append(args, "-test.failfast"), max(limit, 2*h.took[nameOf(d)])
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	var output bytes.Buffer
	cmd := exec.CommandContext(ctx, h.binaries[d.pkg], args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = filepath.Join(h.root, d.pkg), &output, &output
	cmd.Env = append(os.Environ(), "PLANTED="+planted)
	if d.real() { // they build the program themselves
		cmd.Env = append(cmd.Env, "GOFLAGS=-overlay="+h.overlay)
	}
	cmd.WaitDelay = time.Second
	begin := time.Now()
	err := cmd.Run()
	f := finding{caught: err != nil, took: time.Since(begin), output: output.String()}
	f.notRun = !f.caught && d.real() && strings.Contains(f.output, "--- SKIP")
	switch {
	case ctx.Err() != nil:
		f.by = "no end within " + limit.String()
	case f.caught:
		f.by = reason(f.output)
	}
	if d == campaign && planted != "" && f.caught && ctx.Err() == nil && !anomaly.MatchString(f.output) && !stopped.MatchString(f.output) {
		f.caught = false // a campaign that only says that it proves nothing has found nothing
	}
	return f
}

var (
	anomaly = regexp.MustCompile(`(?m)^\s*anomaly: ([^\n]*)`)
	failed  = regexp.MustCompile(`(?m)^\s*--- FAIL: (Test\w+)`)
	skip    = regexp.MustCompile(`(?m)^\s*\w+\.go:\d+: ([^\n]*)\n\s*--- SKIP|--- SKIP[^\n]*\n\s*\w+\.go:\d+: ([^\n]*)`)
	stopped = regexp.MustCompile(`(?m)^(?:panic|fatal error): ([^\n]*)`)
)

// reason is what a failed run said first: the checker, or the test.
func reason(output string) string {
	if found := anomaly.FindStringSubmatch(output); found != nil {
		return found[1]
	}
	if found := failed.FindStringSubmatch(output); found != nil && found[1] != campaign.tests {
		return found[1]
	}
	if found := stopped.FindStringSubmatch(output); found != nil {
		return "panic: " + found[1]
	}
	return "it failed"
}

// skipped is why a test did not run here.
func skipped(output string) string {
	if found := skip.FindStringSubmatch(output); found != nil {
		return found[1] + found[2]
	}
	return "its test did not say why"
}

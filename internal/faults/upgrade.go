package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/truecount/truecount/internal/history"
)

const (
	// formatConstants are what says how things are written to disks and to other nodes: who has the same understands us.
	formatConstants = `^[[:space:]]*(const )?(entryVersion|imageMagic|magic)[[:space:]]+=[[:space:]]*[^[:space:]]+`
	mostCommits     = 100 // that are looked at
)

// program is what a change has to touch to make another build.
func program() []string {
	return []string{"--", "cmd", "cluster", "configs", "fsm", "resp", "transport", "go.mod", ":(exclude)*_test.go", ":(exclude)*/testdata/*"}
}

var errNoneEarlier = errors.New("the history holds no earlier build of the same formats")

// earlier is the newest commit whose build is older than that of HEAD and has its formats.
func earlier(ctx context.Context) (commit string, err error) {
	formats, err := formatsOf(ctx, "HEAD")
	if err != nil {
		return "", err
	}
	changes, err := git(ctx, append([]string{"rev-list", fmt.Sprint("--max-count=", mostCommits), "HEAD"}, program()...)...)
	if err != nil {
		return "", err
	}
	for change := range strings.FieldsSeq(changes) {
		commit, err := git(ctx, "rev-parse", "--verify", "--quiet", change+"^")
		if err != nil {
			shallow, _ := git(ctx, "rev-parse", "--is-shallow-repository")
			if shallow == "true" {
				return "", fmt.Errorf("%w: the clone is shallow", errNoneEarlier)
			}
			break
		}
		if its, err := formatsOf(ctx, commit); err == nil && its == formats {
			return commit, nil
		}
	}
	return "", errNoneEarlier
}

// formatsOf are the lines of the formats' versions, as they stood in a commit.
func formatsOf(ctx context.Context, commit string) (string, error) {
	return git(ctx, "grep", "-hoE", formatConstants, commit, "--", "fsm", "cluster", "transport", ":(exclude)*_test.go")
}

func git(ctx context.Context, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, "git", args...).Output()
	if err != nil {
		return "", fmt.Errorf("git %s: %w", args[0], err)
	}
	return strings.TrimSpace(string(out)), nil
}

// buildOf compiles truecount as it was in a commit, once for all clusters of a run.
func buildOf(ctx context.Context, commit, folder string) (string, error) {
	path := filepath.Join(filepath.Dir(folder), "truecount-"+commit)
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	source, err := os.MkdirTemp("", "truecount-older-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(source)
	tar := filepath.Join(source, "source.tar")
	if _, err := git(ctx, "archive", "--format=tar", "-o", tar, commit); err != nil {
		return "", err
	}
	if out, err := exec.CommandContext(ctx, "tar", "-xf", tar, "-C", source).CombinedOutput(); err != nil {
		return "", fmt.Errorf("tar: %w: %s", err, out)
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-o", path, "./cmd/truecount")
	cmd.Dir = source
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build of %s: %w: %s", commit, err, out)
	}
	return path, nil
}

// startOlder has the nodes start with an older build, for upgrade. The error is why it can't be had; then all is as it was.
func (c *cluster) startOlder(ctx context.Context) error {
	commit, err := earlier(ctx)
	if err != nil {
		return err
	}
	binary, err := buildOf(ctx, commit, c.folder)
	if err != nil {
		return err
	}
	knows := func(flags ...string) bool {
		return exec.CommandContext(ctx, binary, append([]string{"serve", "--print-config"}, flags...)...).Run() == nil
	}
	flags := c.flags
	if front := c.nodes[0].host.front; front != "" {
		flags = append(slices.Clone(flags), "--advertise-peer", front)
	}
	if !knows(flags...) {
		return fmt.Errorf("%w: %s does not know all flags of this run", errNoneEarlier, commit)
	}
	shiftable := knows("--debug-clock", "none")
	for _, n := range c.nodes {
		n.binary = binary
		if !shiftable {
			n.clock = ""
		}
	}
	c.older = commit
	return nil
}

// upgrade brings nodes that were started with an older build to the present one, one after the other.
type upgrade struct{}

func (upgrade) name() string { return "rolling-upgrade" }

func (upgrade) available(c *cluster) string {
	if c.older == "" {
		return c.noOlder
	}
	return ""
}

func (upgrade) inflict(ctx context.Context, c *cluster, rng *rand.Rand) (*injury, error) {
	if !c.takeAll() {
		return nil, errBusy
	}
	in := &injury{fault: history.Fault{Target: "all", Leader: true, At: c.clock(), Detail: "from " + c.older}, targets: c.nodes}
	counts := map[string]int{}
	note := func() {
		clear(counts)
		for _, n := range c.nodes {
			if exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", n.pid())); err == nil {
				counts[exe]++
			}
		}
	}
	note()
	before := counts[c.nodes[0].binary]
	_, err := rollOver(ctx, c, rng, func(n *node) { n.binary, n.clock = c.binary, c.clockFile(n) })
	note()
	in.heal = func(context.Context) (string, error) {
		if err != nil || before < len(c.nodes) || counts[c.binary] < len(c.nodes) {
			return "", err
		}
		return fmt.Sprintf("%d nodes of %.8s became nodes of this build", before, c.older), nil
	}
	return in, nil
}

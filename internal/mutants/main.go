package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// options are what the command line says.
type options struct {
	list   bool
	blind  bool
	tests  bool
	keep   string
	length time.Duration
	jobs   int
	names  []string
}

func main() {
	var o options
	flag.BoolVar(&o.list, "list", false, "say what there is, and run nothing")
	flag.BoolVar(&o.blind, "campaign", false, "let the campaign alone look for each of them")
	flag.BoolVar(&o.tests, "tests", false, "leave the campaign out, and those that nothing else looks for")
	flag.StringVar(&o.keep, "keep", "", "a directory for the build, which stays; default: a temporary one")
	flag.DurationVar(&o.length, "length", 10*time.Second, "how long a campaign looks for one")
	flag.IntVar(&o.jobs, "jobs", 2, "how many run at a time")
	flag.Parse()
	o.names = flag.Args()
	if err := run(o); err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

var errSurvived = errors.New("the tests have a hole")

func run(o options) error {
	root, err := moduleRoot()
	if err != nil {
		return err
	}
	all, err := readMutants(filepath.Join(root, "internal/mutants/planted"))
	if err != nil {
		return err
	}
	if o.list {
		for _, m := range all {
			fmt.Printf("%-32s %s\n", m.name, m.mistake)
			if m.seen != "" {
				fmt.Printf("%32s (%s)\n", "", m.seen)
			}
		}
		return nil
	}
	chosen, err := choose(all, o)
	if err != nil {
		return err
	}
	dir := o.keep
	if dir == "" {
		if dir, err = os.MkdirTemp("", "mutants-"); err != nil {
			return err
		}
		defer os.RemoveAll(dir)
	}
	begin := time.Now()
	needed := detectorsOf(chosen)
	h := &hunter{root: root, length: o.length, took: map[string]time.Duration{}}
	if h.overlay, h.binaries, err = plant(root, dir, all, needed); err != nil {
		return err
	}
	fmt.Printf("build: %.0f s\n", time.Since(begin).Seconds())
	t := &table{aloud: len(o.names) > 0}
	if len(o.names) == 0 && !o.tests {
		t.least = leastBlind
	}
	return judge(h, chosen, o.jobs, t)
}

// plant builds the tests that are needed, with all mutants in what they test.
func plant(root, dir string, all []*mutant, needed []detector) (path string, binaries map[string]string, err error) {
	texts, err := weave(root, all)
	if err != nil {
		return "", nil, err
	}
	if path, err = overlay(root, dir, texts); err != nil {
		return "", nil, err
	}
	var pkgs []string
	for _, d := range needed {
		pkgs = append(pkgs, d.pkg)
	}
	slices.Sort(pkgs)
	binaries, err = build(root, dir, path, slices.Compact(pkgs))
	return path, binaries, err
}

// judge runs the tests without a mutant, then each mutant, and prints what came of it: first all that is simulated, then what
// takes real processes and disks.
func judge(h *hunter, chosen []*mutant, jobs int, t *table) error {
	simulated, real, notRun := apart(chosen)
	for _, m := range notRun {
		t.notRun = append(t.notRun, fmt.Sprintf("%-32s %s", m.name, m.notRun))
	}
	parts := []struct {
		name    string
		mutants []*mutant
		jobs    int
	}{{"simulated", simulated, jobs}, {"on real disks", real, 1}}
	for _, part := range parts {
		if len(part.mutants) == 0 {
			continue
		}
		begin := time.Now()
		if err := baseline(h, detectorsOf(part.mutants), part.jobs); err != nil {
			return err
		}
		inParallel(part.jobs, part.mutants, func(m *mutant) { t.add(m, h) })
		fmt.Printf("%s: %d mutants, %.0f s with the tests without one, and without the build\n",
			part.name, len(part.mutants), time.Since(begin).Seconds())
	}
	return t.sum()
}

// table is what came of the mutants.
type table struct {
	aloud bool // with what the tests said
	least int  // that the campaign must catch

	mu            sync.Mutex
	caught, tried int
	blind         int // caught by the campaign
	notRun        []string
}

// leastBlind is how many the campaign must catch, of those that it is asked for before any named test: it is what may find a
// mistake that nobody has thought of.
const leastBlind = 20

// add tries a mutant, and prints its line.
func (t *table) add(m *mutant, h *hunter) {
	f, by := hunt(h, m)
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case f.notRun:
		t.notRun = append(t.notRun, fmt.Sprintf("%-32s %s: this machine does not allow it: %s", m.name, by, skipped(f.output)))
	case f.caught:
		t.tried, t.caught = t.tried+1, t.caught+1
		if by == campaign {
			t.blind++
		}
		fmt.Printf("caught   %-32s %5.1f s  %s\n", m.name, f.took.Seconds(), found(f.by, by))
	default:
		t.tried++
		fmt.Printf("SURVIVED %-32s %5.1f s  %s\n", m.name, f.took.Seconds(), m.mistake)
	}
	if t.aloud {
		fmt.Println(f.output)
	}
}

func (t *table) sum() error {
	for _, line := range t.notRun {
		fmt.Println("NOT RUN ", line)
	}
	fmt.Printf("%d of them by the campaign, which knows nothing of any\n", t.blind)
	fmt.Printf("mutants: %d of %d caught\n", t.caught, t.tried)
	switch {
	case t.caught < t.tried:
		return errSurvived
	case t.blind < t.least:
		return fmt.Errorf("the campaign has caught %d, and must catch %d", t.blind, t.least)
	}
	return nil
}

// apart are the mutants that are found without real processes and disks, those that need them, and those that cannot be tried.
func apart(mutants []*mutant) (simulated, real, notRun []*mutant) {
	for _, m := range mutants {
		switch {
		case m.notRun != "":
			notRun = append(notRun, m)
		case m.detectors[0].real():
			real = append(real, m)
		default:
			simulated = append(simulated, m)
		}
	}
	return simulated, real, notRun
}

// hunt tries the mutant's detectors until one fails.
func hunt(h *hunter, m *mutant) (f finding, by detector) {
	total := time.Duration(0)
	for _, by = range m.detectors {
		f = h.run(by, m.name)
		if total += f.took; f.caught {
			break
		}
	}
	f.took = total
	return f, by
}

// baseline runs every detector without a mutant: what fails then proves nothing.
func baseline(h *hunter, needed []detector, jobs int) error {
	tests := map[string][]string{}
	for _, d := range needed {
		if d != campaign {
			tests[d.pkg] = append(tests[d.pkg], d.tests)
		}
	}
	var all []detector
	if slices.Contains(needed, campaign) {
		all = append(all, campaign)
	}
	for pkg, names := range tests {
		all = append(all, detector{pkg, strings.Join(names, "|")})
	}
	var mu sync.Mutex
	var err error
	inParallel(jobs, all, func(d detector) {
		f := h.run(d, "")
		mu.Lock()
		defer mu.Unlock()
		if f.caught {
			err = fmt.Errorf("tests of %s fail without any mutant: %s\n%s", d.pkg, f.by, f.output)
			return
		}
		h.took[nameOf(d)] = f.took
		fmt.Printf("passes   %-32s %5.1f s  without a mutant\n", nameOf(d), f.took.Seconds())
	})
	return err
}

// nameOf is what the table calls all tests of a package, or the campaign.
func nameOf(d detector) string {
	if d == campaign {
		return d.String()
	}
	return d.pkg
}

func inParallel[T any](jobs int, all []T, do func(T)) {
	var wg sync.WaitGroup
	places := make(chan struct{}, max(1, jobs))
	for _, one := range all {
		places <- struct{}{}
		wg.Go(func() {
			defer func() { <-places }()
			do(one)
		})
	}
	wg.Wait()
}

// choose returns the mutants that are asked for, with the detectors that may look for them.
func choose(all []*mutant, o options) (chosen []*mutant, err error) {
	for _, name := range o.names {
		at := slices.IndexFunc(all, func(m *mutant) bool { return m.name == name })
		if at < 0 {
			return nil, fmt.Errorf("there is no mutant %q; -list names them", name)
		}
		chosen = append(chosen, all[at])
	}
	if len(o.names) == 0 {
		chosen = slices.Clone(all)
	}
	for _, m := range chosen {
		if o.blind && m.notRun == "" {
			m.detectors = []detector{campaign}
		}
		if o.tests {
			m.detectors = slices.DeleteFunc(m.detectors, func(d detector) bool { return d == campaign })
		}
	}
	return slices.DeleteFunc(chosen, func(m *mutant) bool { return len(m.detectors) == 0 && m.notRun == "" }), nil
}

func detectorsOf(mutants []*mutant) (all []detector) {
	for _, m := range mutants {
		for _, d := range m.detectors {
			if !slices.Contains(all, d) {
				all = append(all, d)
			}
		}
	}
	return all
}

// found is what caught a mutant, on one line of the table: the campaign with its checker, or a test.
func found(said string, by detector) string {
	switch {
	case by == campaign:
		said = "campaign: " + said
	case strings.HasPrefix(said, "Test"):
		said = by.pkg + " " + said
	default:
		said = by.String() + ": " + said
	}
	if len(said) > 110 {
		said = said[:110] + "…"
	}
	return said
}

// moduleRoot is the nearest directory above with a go.mod.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	for ; err == nil; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", errors.New("no go.mod above")
		}
	}
	return "", err
}

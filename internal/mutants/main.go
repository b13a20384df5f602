package main

import (
	"cmp"
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
	h := &hunter{root: root, length: o.length}
	if h.binaries, err = plant(root, dir, all, needed); err != nil {
		return err
	}
	fmt.Printf("built in %.0f s\n", time.Since(begin).Seconds())
	return judge(h, chosen, needed, o.jobs, len(o.names) > 0)
}

// plant builds the tests that are needed, with all mutants in what they test.
func plant(root, dir string, all []*mutant, needed []detector) (binaries map[string]string, err error) {
	texts, err := weave(root, all)
	if err != nil {
		return nil, err
	}
	path, err := overlay(root, dir, texts)
	if err != nil {
		return nil, err
	}
	var pkgs []string
	for _, d := range needed {
		pkgs = append(pkgs, d.pkg)
	}
	slices.Sort(pkgs)
	return build(root, dir, path, slices.Compact(pkgs))
}

// judge runs the tests without a mutant, then each mutant, and prints what came of it.
func judge(h *hunter, chosen []*mutant, needed []detector, jobs int, aloud bool) error {
	begin := time.Now()
	if err := baseline(h, needed, jobs); err != nil {
		return err
	}
	caught := 0
	var mu sync.Mutex
	inParallel(jobs, chosen, func(m *mutant) {
		f, tried := hunt(h, m)
		mu.Lock()
		defer mu.Unlock()
		if f.caught {
			caught++
			fmt.Printf("caught   %-32s %5.1f s  %s: %s\n", m.name, f.took.Seconds(), tried, shortened(f.by, tried))
		} else {
			fmt.Printf("SURVIVED %-32s %5.1f s  %s\n", m.name, f.took.Seconds(), m.mistake)
		}
		if aloud {
			fmt.Println(f.output)
		}
	})
	fmt.Printf("%.0f s without the build\nmutants: %d of %d caught\n", time.Since(begin).Seconds(), caught, len(chosen))
	if caught < len(chosen) {
		return errSurvived
	}
	return nil
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
	for pkg, names := range tests {
		all = append(all, detector{pkg, strings.Join(names, "|")})
	}
	if slices.Contains(needed, campaign) {
		all = append(all, campaign)
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
		fmt.Printf("passes   %-32s %5.1f s  without a mutant\n", cmp.Or(map[bool]string{true: "campaign"}[d == campaign], d.pkg), f.took.Seconds())
	})
	return err
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
		if o.blind {
			m.detectors = []detector{campaign}
		}
		if o.tests {
			m.detectors = slices.DeleteFunc(m.detectors, func(d detector) bool { return d == campaign })
		}
	}
	return slices.DeleteFunc(chosen, func(m *mutant) bool { return len(m.detectors) == 0 }), nil
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

// shortened is what was found on one line of the table.
func shortened(by string, d detector) string {
	if by == d.tests {
		by = "fails"
	}
	if len(by) > 90 {
		by = by[:90] + "…"
	}
	return by
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

// Mutants plants mistakes into Truecount, one at a time, and sees whether its tests notice. A test kit that passes whatever is
// broken proves nothing; so each mistake that a system of this kind is known to make stands in planted/*.txt, with the tests
// that must fail for it.
//
//	go run ./internal/mutants            all of them, and first the same tests without any: those must pass
//	go run ./internal/mutants NAME …     these only, with what their tests say
//	    -list                            names, mistakes, and who made them
//	    -campaign                        let the campaign of internal/sim look for all of them, without the tests that know where
//
// Production code has no trace of this. All mutants are edits of the sources in an overlay (go help build), each behind a test
// of the environment variable PLANTED, so one build has them all:
//
//	planted/*.txt ─ read ─▶ mutants ─ weave ─▶ mutated copies and an overlay ─ build ─▶ test binaries ─ hunt ─▶ a table
//
// It prints what caught each, and after how long. Some mistakes show only on real disks; their tests are run last, one at a time.
// What this machine does not allow, or nothing can show yet, is listed as NOT RUN, with the reason, and not counted.
// The last line is "mutants: K of N caught". The exit status is 1 if one survives, or if a test fails without any.
//
// Tests: a mutant whose text is not in the sources any more, or whose test is gone, fails make test.
package main

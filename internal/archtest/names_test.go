package archtest

import "testing"

func TestCheckNamesFindsEmptyNamesAndInit(t *testing.T) {
	tree := plant(t, sources{
		"a/a.go":                "package a\ntype t int\nfunc (t) init() {}\nfunc initialise() {}\nvar init_ = 1",
		"b/b.go":                "package b\n\nfunc init() {}",
		"b/b_test.go":           "package b\nfunc init() {}",
		"c/c.go":                "package util",
		"internal/helpers/a.go": "package kit",
		"manager/a_test.go":     "package manager_test",
		"network/common/a.go":   "package common",
	})
	expect(t, CheckNames(tree), "b/b.go:3: init function", "b/b_test.go:2: init function", "package util in directory c",
		"package kit in directory internal/helpers", "package manager in directory manager",
		"package common in directory network/common")
}

func TestCheckSleepsFindsSleepingTests(t *testing.T) {
	tree := plant(t, sources{
		"a/a.go":           `package a; import "time"; func f() { time.Sleep(1) }`,
		"a/bubble_test.go": `package a; import ("testing/synctest"; "time"); func f() { synctest.Wait(); time.Sleep(1) }`,
		"a/clean_test.go":  `package a; import "time"; type t struct{}; func (t) Sleep() {}; func f(x t) { x.Sleep(); time.Now() }`,
		"a/dot_test.go":    `package a; import . "time"; func f() { Sleep(1) }`,
		"a/plain_test.go":  "package a\nimport \"time\"\nfunc f() {\n\ttime.Sleep(1)\n}",
		"a/under_test.go":  `package a; import clock "time"; func f() { g(clock.Sleep) }`,
	})
	expect(t, CheckSleeps(tree), "a/dot_test.go:1: time.Sleep", "a/plain_test.go:4: time.Sleep", "a/under_test.go:1: time.Sleep")
}

// Package demo is the newcomer's first five minutes: a cluster of processes on this machine that is counted with, and whose
// nodes can be killed and started again by another command. What it shows of that is computed from what clients were told.
//
//	tally     increments sent, answered and not → lost and doubled (tally.go has the argument)
//	pulse     when they were answered → rates, waits, the dip and its end
//
// Both are pure: who calls them says what time it is. The tests plant increments that are lost, doubled, refused and late.
package demo

// Command compare measures how many increments a second Truecount makes, beside Redis on the same machine (`make compare`).
//
//	run(args) → exit code
//	  parseOptions
//	  openBench                   a folder on a real disk, all servers started in it, each asked whether it syncs as it claims
//	    startRedis, startTruecount
//	    entrants                    who is loaded, where and by which generator: the rows of the tables
//	  schedule.run                calibrate; then rounds, in each round every case, in each case every entrant, rotated
//	    referee.turn                count, wait for quiet, load, count again; once more if it was disturbed
//	      Generator.Run               redis-benchmark, or truecount bench, as a child
//	  report                      tables in Markdown on stdout, every turn as JSON in a file
//
// The rules: one entrant is loaded at a time. Figures are compared only within a round, as ratios; the median of the rounds
// is shown. A turn counts only if the counters rose by exactly what was acknowledged: if they did not, the run fails.
// Progress goes to stderr. docs/BENCHMARKS.md has the method and the figures.
//
// The tests: truecountbench_test.go builds truecount and lets it count; turn_test.go has servers that lie; the rest is tables.
package main

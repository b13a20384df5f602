// Package demo is the newcomer's first five minutes: a cluster of processes on this machine that is counted with, and whose
// nodes can be killed and started again by another command. What it shows of that is computed from what clients were told.
//
//	Run                           a demo, from its start to the removal of its data
//	  takePlace, freePorts          one demo for each user; ports that nobody has
//	  stage.open                    processes, until all vote
//	  stage.play
//	    watch.run                   one for each node: asks it again and again what it is
//	    writer.run                  one for each node: counts, and tells the ledger (tally and pulse)
//	    serve                       commands from the socket
//	    stage.run                   takes commands and deaths (act.go), follows them to their outcome (episode.go),
//	                                compares (check.go), tells events (event.go, words.go) on the screen
//	  stage.killAll, stage.close
//	Dial → Control                the other side of the socket: Kill, Start, Nodes, Status, Stop
//
// The rules. The tally and the pulse, outcomes and words are pure. The stage belongs to one goroutine; writers and the watch
// share only the ledger, the sights and which doors are open with it. A process of a node never outlives the demo, however
// that ends: it is bound to a thread of it (forker.go). The demo's own end leaves nothing; if it was killed, the next one
// removes its data. No figure is assumed: lost and doubled come from the values that clients were told and from a strong
// read (tally.go has the argument), and what has no answer is shown as such.
//
// The tests: tally_test.go plants increments that are lost, doubled, refused and late; testdata/screen.txt is what people
// see, recorded; run_test.go has starts that fail. Real processes, killed twenty times: internal/e2e/demo_test.go.
package demo

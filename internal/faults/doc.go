// Program faults breaks clusters of real processes and checks that nothing that clients saw was wrong.
//
//	run                      options, one cluster of three and one of five after the other, the report, the last line
//	  campaign.run           start, load, a calm stretch, faults one or two at a time, heal, settle, final looks, verify
//	    nemesis.inflict      one fault; injury.heal undoes it and says what proves that it acted
//	    cluster, node        processes that are started, killed, stopped, asked
//	    network              hosts and the links between them: cut, slow, lossy, each direction for itself; tun, else proxies
//	    door                 where clients reach a node; it can cut them off
//
// Rules. Only processes that it started are signalled. The machine's own network, clock and disks are not touched: nodes live
// in namespaces without a name, which end with the last process in them, and every process dies with the thread that started
// it. A fault without a proof of its effect makes the run invalid. What can't be done here is told, with the reason, as NOT
// RUN.
package main

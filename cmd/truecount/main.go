// Command truecount is the whole of Truecount in one binary: a node, and the few commands to look at and count with one.
//
//	main
//	  run(args, stdout, stderr) → exit code         the subcommands; an error becomes one line on stderr
//	    serve    configs.Load, signals, then
//	      Open(Config) → Program                    addresses, ports, door, node: in this order
//	        Server.Serve ─ gate                       clients, from the first moment
//	      Program.Run                               until a signal, a refused join or a failed disk
//	        joiner.run                                only with --join, only until the node is a member
//	        announce                                  the one ready line on stdout
//	      Program.Close                             hand over leadership, finish what is in flight, close the node
//	    status   TRUECOUNT STATUS of a node, as a table or as JSON
//	    members, join, leave, remove, transfer   TRUECOUNT … at a node; what they do is in meet.go and in package cluster
//	    do       one command, its reply as redis-cli prints it
//	    bench    load.Run, its Report as a table or as JSON
//	    verify   history.Verify of a file, a verdict per checker
//	    demo     a cluster on this machine to play with; demo kill, start, status and stop speak with it: package demo
//	    version
//
// The rules: this package wires and holds no logic of counting. Flags, signals, stdout, stderr and exit codes are looked
// at here and nowhere else. An error is one line that names the thing and the cure. Whatever waits has a named bound. A
// Program may be opened, run and closed many times in one process; Run owns its goroutines and joins them.
//
// The tests: program_test.go starts nodes in this process and uses them through run; join_test.go has the retries in
// virtual time; serve_test.go has flags and what becomes of them; address_test.go and reply_test.go are tables. Real processes, killed and restarted: internal/e2e.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
)

// errQuiet ends a command with exit code 1 when the reason has been printed already.
var errQuiet = errors.New("exit code 1")

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run is the program without its process: arguments in, exit code out (0 or 1).
func run(args []string, stdout, stderr io.Writer) int {
	root := &cobra.Command{
		Use:                "truecount",
		Short:              "A counter service that never lies: replicated, durable, linearizable, and it speaks Redis.",
		SilenceUsage:       true,
		SilenceErrors:      true,
		DisableSuggestions: true,
		CompletionOptions:  cobra.CompletionOptions{DisableDefaultCmd: true},
	}
	root.AddCommand(serveCommand(), statusCommand(), membersCommand(), joinCommand(), leaveCommand(), removeCommand(),
		transferCommand(), doCommand(), demoCommand(), benchCommand(), verifyCommand(), versionCommand())
	for _, cmd := range root.Commands() {
		cmd.DisableFlagsInUseLine = cmd.Name() != "serve" // the others' Use lines have theirs
	}
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fmt.Errorf("%w; see %s --help", err, cmd.CommandPath())
	})
	err := root.Execute()
	if err == nil {
		return 0
	}
	if !errors.Is(err, errQuiet) {
		fmt.Fprintf(stderr, "truecount: %v\n", err)
	}
	return 1
}

// noArguments refuses what stands behind the flags, such as the value of a flag that takes none.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("%s takes flags only, not %q; see %s --help", cmd.Name(), args[0], cmd.CommandPath())
	}
	return nil
}

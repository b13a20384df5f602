package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/truecount/truecount/demo"
)

const demoLong = `Start three nodes on this machine, with temporary data, and count with them: a hundred increments a second, each
node with a client of its own. Then kill a node, in another terminal, and see what becomes of the counting. Ctrl-C
stops everything and removes the data.

What is shown is computed, not assumed. Every increment answers with a value; a value that was told twice, or that the
counter does not reach, is an increment lost. A value that was told to nobody must be that of an increment whose client
got no answer because its node died; if there is no such increment, it is doubled. Comparisons are made with a strong
read, each second and for each outcome. The clients' key, demo:visits, may be read by anybody. If somebody else writes
to it, that is seen as lost or doubled: count with a key of your own, such as hits.

With --json, each line on stdout is an event with a type and a time:

  ready      the nodes, their addresses and processes, the folder with their data and logs
  count      each second: acknowledged_now, the rate, and the figures of the last comparison
  killed     a node's process has ended, whoever ended it
  leader     who leads now; after_ms since its predecessor was killed, null if none was
  recovered  counting goes on: what the clients saw, and the figures
  waiting    counting can't go on: who is missing, or what the nodes answer instead
  started    a node's process was started again
  caught_up  it has what was counted without it
  mismatch   lost or doubled is another number than before
  stopped    the last figures; compared is false if the value could not be read at the end, and they are older

The figures: acknowledged, value, lost, doubled, unanswered (it may or may not have happened), refused (surely not
applied, and sent again), compared_at. While a comparison is overdue, lost and doubled are null, and not_compared says
why. Names that end in _ms are milliseconds, in _per_second rates. What demo kill and demo start print with --json is
the body of recovered, waiting or caught_up. The exit code is 1 if increments are lost or doubled at the end.`

func demoCommand() *cobra.Command {
	options := demo.Options{}
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Start a cluster on this machine to play with, and count with it",
		Long:  demoLong,
		Example: `  truecount demo
  truecount demo kill leader      # in another terminal; n1, n2 or n3 will do, too
  truecount demo start n1
  truecount demo --nodes 5 --json`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			executable, err := os.Executable()
			if err != nil {
				return fmt.Errorf("the nodes can't be started: %w", err)
			}
			options.Out, options.Mode = cmd.OutOrStdout(), demoMode(cmd.OutOrStdout(), asJSON)
			options.Executable, options.Program = executable, os.Args[0]
			if _, err := exec.LookPath("redis-cli"); err == nil {
				options.RedisCLI = "redis-cli"
			}
			ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
			defer stop()
			context.AfterFunc(ctx, stop) // a second signal ends the process at once, and the system its nodes
			return demo.Run(ctx, options)
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.IntVar(&options.Nodes, "nodes", 3, "how many nodes: 1, 3 or 5")
	flags.IntVar(&options.Port, "port", 7379, "the first node's port; the others follow, and peer ports are 10000 above. If one is taken, the next free ones are used")
	flags.IntVar(&options.Rate, "rate", 100, fmt.Sprintf("increments a second, %d to %d", demo.MinRate, demo.MaxRate))
	flags.BoolVar(&asJSON, "json", false, "print events as JSON, one a line")
	cmd.AddCommand(demoKillCommand(), demoStartCommand(), demoStatusCommand(), demoStopCommand())
	for _, sub := range cmd.Commands() {
		sub.DisableFlagsInUseLine = true
	}
	return cmd
}

// demoMode chooses by what out is.
func demoMode(out io.Writer, asJSON bool) demo.Mode {
	switch {
	case asJSON:
		return demo.JSON
	case isTerminal(out) && os.Getenv("TERM") != "dumb":
		return demo.Terminal
	}
	return demo.Plain
}

func demoKillCommand() *cobra.Command {
	return demoCall("kill leader|ID [--json]", "Kill a node of the running demo, and show what comes of it",
		`Kill the process of a node, as kill -9 does, and wait until counting goes on as before, or it is clear that it can't.
Leader is whichever node leads.`,
		oneArgument("the id of a node, or leader"),
		func(cmd *cobra.Command, c *demo.Control, node string) (reply, error) {
			outcome, err := c.Kill(cmd.Context(), node)
			return reply{outcome, outcome.Text(os.Args[0])}, err
		})
}

func demoStartCommand() *cobra.Command {
	return demoCall("start ID [--json]", "Start a node of the running demo again, with the data it had",
		`Start a node that was killed, and wait until it has caught up, or it is clear that others are missing.`,
		oneArgument("the id of a node, such as n1"),
		func(cmd *cobra.Command, c *demo.Control, node string) (reply, error) {
			word := time.AfterFunc(wordAfter, func() {
				fmt.Fprintf(cmd.ErrOrStderr(), "%s runs; waiting until it has caught up\n", node)
			})
			defer word.Stop()
			outcome, err := c.Start(cmd.Context(), node)
			return reply{outcome, outcome.Text(os.Args[0])}, err
		})
}

func demoStatusCommand() *cobra.Command {
	return demoCall("status [--json]", "Show the nodes of the running demo, and its figures", "", noArguments,
		func(cmd *cobra.Command, c *demo.Control, _ string) (reply, error) {
			status, err := c.Status(cmd.Context())
			return reply{status, status.Text()}, err
		})
}

func demoStopCommand() *cobra.Command {
	return demoCall("stop [--json]", "End the running demo, as Ctrl-C does", "", noArguments,
		func(cmd *cobra.Command, c *demo.Control, _ string) (reply, error) {
			status, err := c.Stop(cmd.Context())
			return reply{status, []string{fmt.Sprintf("the demo (pid %d) has stopped, and its data is removed", status.PID)}}, err
		})
}

// reply is what a call to the demo gives, for programs and for people.
type reply struct {
	value any
	lines []string
}

// demoCall is a command that speaks with the running demo, about a node if it takes an argument.
func demoCall(use, short, long string, args cobra.PositionalArgs,
	call func(cmd *cobra.Command, c *demo.Control, node string) (reply, error)) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{Use: use, Short: short, Long: long, Args: args}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := demo.Dial(cmd.Context())
		if err != nil {
			return err
		}
		defer c.Close()
		node := ""
		if len(args) > 0 {
			node = args[0]
		}
		r, err := call(cmd, c, node)
		if err != nil {
			return err
		}
		return printDemo(cmd.OutOrStdout(), r, asJSON)
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the answer as JSON")
	return cmd
}

func printDemo(out io.Writer, r reply, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(out).Encode(r.value)
	}
	for _, line := range r.lines {
		if _, err := fmt.Fprintln(out, line); err != nil {
			return err
		}
	}
	return nil
}

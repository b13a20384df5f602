package main

import (
	"errors"
	"io"
	"os"
	"strings"
	"time"

	"github.com/gomodule/redigo/redis"
	"github.com/spf13/cobra"
)

// doTime bounds connecting and the answer. A node answers each command within two seconds, if only with an error.
const doTime = 5 * time.Second

func doCommand() *cobra.Command {
	var node string
	var nodes caller
	cmd := &cobra.Command{
		Use:   "do [--node ADDR] COMMAND [ARG...]",
		Short: "Run one command",
		Long: `Run one command, and print its reply as redis-cli does: dressed up on a terminal, raw into a pipe.
The exit code is 1 when the reply is an error.`,
		Example: `  truecount do INCR hits
  truecount do --node 127.0.0.1:7380 SET lock me NX PX 5000`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return errors.New("do: no command given: try truecount do INCR hits")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkTarget("node", node); err != nil {
				return err
			}
			rest := make([]any, len(args)-1)
			for i, arg := range args[1:] {
				rest[i] = arg
			}
			reply, err := nodes.ask(cmd.Context(), node, doTime, args[0], rest...)
			refusal := redis.Error("")
			if errors.As(err, &refusal) {
				reply = refusal
			} else if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			if _, err := io.WriteString(out, printReply(out, args[0], reply)); err != nil {
				return err
			}
			if refusal != "" {
				return errQuiet
			}
			return nil
		},
	}
	cmd.Flags().SetInterspersed(false) // what follows COMMAND is its own: INCRBY hits -5
	nodes.passwordFlag(cmd)
	cmd.Flags().StringVar(&node, "node", defaultNode, "RESP address of the node to ask")
	return cmd
}

// printReply chooses the form by what out is. INFO is made for people as it is.
func printReply(out io.Writer, command string, reply any) string {
	if strings.EqualFold(command, "INFO") || !isTerminal(out) {
		return rawReply(reply)
	}
	return terminalReply(reply)
}

func isTerminal(out io.Writer) bool {
	file, ok := out.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

package main

import (
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/truecount/truecount/fsm"
)

// statusTime bounds connecting and the answer; a node that can't ask its leader answers without it in a third of a second.
const statusTime = 2 * time.Second

func statusCommand() *cobra.Command {
	var node string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show a node and its cluster",
		Args:  noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkTarget("node", node); err != nil {
				return err
			}
			status, text, err := askStatus(cmd.Context(), node, statusTime)
			if err != nil {
				return err
			}
			if asJSON {
				_, err := fmt.Fprintf(cmd.OutOrStdout(), "%s\n", text)
				return err
			}
			return writeStatus(cmd.OutOrStdout(), status)
		},
	}
	cmd.Flags().StringVar(&node, "node", defaultNode, "RESP address of the node to ask")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the node's answer as it is, in JSON")
	return cmd
}

// writeStatus prints two lines on the node, then a table of the members.
func writeStatus(w io.Writer, s fsm.Status) error {
	leader := "no leader known"
	if s.Leader != nil {
		leader = "leader " + s.Leader.ID + " at " + s.Leader.RESP
	}
	voters := 0
	for _, member := range s.Members {
		if member.Voter {
			voters++
		}
	}
	fmt.Fprintf(w, "%s is %s, %s, version %s\n", s.ID, s.Role, leader, s.Version)
	fmt.Fprintf(w, "term %d, committed %d, applied %d, %d keys; can lose %d of %d voters\n\n",
		s.Term, s.CommitIndex, s.AppliedIndex, s.Keys, s.CanLose, voters)

	if err := writeMembers(w, s.Members); err != nil {
		return err
	}
	return writeWarnings(w, s)
}

func writeWarnings(w io.Writer, s fsm.Status) error {
	for _, warning := range s.Warnings {
		if _, err := fmt.Fprintf(w, "\nwarning: %s\n", warning); err != nil {
			return err
		}
	}
	return nil
}

func writeMembers(w io.Writer, members []fsm.Member) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "ID\tROLE\tVOTER\tRESP\tPEER\tREACHABLE\tLAG")
	for _, m := range members {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", m.ID, m.Role, yesNo(&m.Voter), m.RESP, m.Peer, yesNo(m.Reachable), number(m.Lag))
	}
	return t.Flush()
}

// yesNo and number print null, what only a leader could know, as a question mark.
func yesNo(b *bool) string {
	switch {
	case b == nil:
		return "?"
	case *b:
		return "yes"
	}
	return "no"
}

func number(n *uint64) string {
	if n == nil {
		return "?"
	}
	return strconv.FormatUint(*n, 10)
}

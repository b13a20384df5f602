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
	var nodes caller
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "status [--node ADDR] [--json]",
		Short: "Show a node and its cluster",
		Args:  noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkTarget("node", node); err != nil {
				return err
			}
			status, text, err := nodes.status(cmd.Context(), node, statusTime)
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
	nodes.passwordFlag(cmd)
	cmd.Flags().StringVar(&node, "node", defaultNode, "RESP address of the node to ask")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the node's answer as it is, in JSON")
	return cmd
}

// writeStatus prints what the node itself knows, then a table of the members, then what an operator should know.
func writeStatus(w io.Writer, s fsm.Status) error {
	leader := ", no leader known"
	switch {
	case s.Role == fsm.Leader:
		leader = ""
	case s.Leader != nil:
		leader = ", leader " + s.Leader.ID + " at " + known(s.Leader.RESP)
	}
	fmt.Fprintf(w, "%s is %s%s, version %s\n", s.ID, s.Role, leader, s.Version)
	fmt.Fprintf(w, "term %d, committed %d, applied %d; %s\n", s.Term, s.CommitIndex, s.AppliedIndex, canLose(s))
	fmt.Fprintf(w, "%s\n\n", room(s))

	if err := writeMembers(w, s.Members); err != nil {
		return err
	}
	return writeWarnings(w, s)
}

// canLose is the leader's knowledge, as Member.Reachable is: without it the 0 of the status means nothing.
func canLose(s fsm.Status) string {
	voters, asked := 0, false
	for _, m := range s.Members {
		if m.Voter {
			voters++
		}
		asked = asked || m.Reachable != nil
	}
	if !asked {
		return fmt.Sprintf("can lose ? of %s", counted(voters, "voter"))
	}
	return fmt.Sprintf("can lose %d of %s", s.CanLose, counted(voters, "voter"))
}

// room is what there is and takes of the cluster's limits, and what is left of this node's disk.
func room(s fsm.Status) string {
	text := counted(s.Keys, "key")
	if s.MaxKeys > 0 {
		text = fmt.Sprintf("%d of at most %s", s.Keys, counted(s.MaxKeys, "key"))
	}
	if s.Instances > 0 {
		text += ", " + counted(s.Instances, "instance")
	}
	if s.Sessions > 0 {
		text += ", " + counted(s.Sessions, "session")
	}
	text += ", " + size(s.UsedBytes)
	if s.MaxBytes > 0 {
		text += " of at most " + size(s.MaxBytes)
	}
	if s.DiskFree != nil {
		text += "; " + size(*s.DiskFree) + " of disk free"
	}
	if s.DiskLow {
		text += ", LOW: this node refuses writes"
	}
	return text
}

func writeWarnings(w io.Writer, s fsm.Status) error {
	for i, warning := range s.Warnings {
		if i == 0 {
			fmt.Fprintln(w)
		}
		if _, err := fmt.Fprintf(w, "warning: %s\n", warning); err != nil {
			return err
		}
	}
	return nil
}

func writeMembers(w io.Writer, members []fsm.Member) error {
	if len(members) == 0 {
		_, err := fmt.Fprintln(w, "no members known: this node is still joining, or reads its directory")
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "ID\tROLE\tVOTER\tRESP\tPEER\tREACHABLE\tLAG\tDISK")
	for _, m := range members {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", m.ID, m.Role, voter(m), known(m.RESP), m.Peer,
			choose(m.Reachable, "yes", "no"), number(m.Lag), choose(m.LowDisk, "LOW", "ok"))
	}
	return t.Flush()
}

// voter tells a read replica from a member that has yet to catch up.
func voter(m fsm.Member) string {
	switch {
	case m.Voter:
		return "yes"
	case m.Nonvoter:
		return "never"
	}
	return "not-yet"
}

// choose, number and known print what is not known as a question mark.
func choose(b *bool, yes, no string) string {
	switch {
	case b == nil:
		return "?"
	case *b:
		return yes
	}
	return no
}

func number(n *uint64) string {
	if n == nil {
		return "?"
	}
	return strconv.FormatUint(*n, 10)
}

func known(addr string) string {
	if addr == "" {
		return "?"
	}
	return addr
}

// counted is a number of things.
func counted[N int | uint64](n N, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// size is a number of bytes for people: three digits or so. --json has it exactly.
func size(n uint64) string {
	const units = "KMGTPE"
	if n < 1<<10 {
		return fmt.Sprintf("%d B", n)
	}
	unit, value := 0, float64(n)/(1<<10)
	for ; value >= 1<<10 && unit < len(units)-1; unit++ {
		value /= 1 << 10
	}
	return fmt.Sprintf("%.1f %ciB", value, units[unit])
}

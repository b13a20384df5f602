package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/gomodule/redigo/redis"
	"github.com/spf13/cobra"

	"github.com/truecount/truecount/fsm"
)

const (
	askChangeTime = changeTime + 5*time.Second // a node answers a change within changeTime, if only that it was not made
	wordAfter     = 2 * time.Second            // a change that takes longer says that it is under way
	progressEvery = 200 * time.Millisecond     // between two looks at a joining node
	progressTime  = 10 * time.Minute           // for it to catch up, unless --wait says otherwise
)

// nodeFlag adds the flags that all commands about a running node have.
func nodeFlag(cmd *cobra.Command, node *string, nodes *caller) *cobra.Command {
	nodes.passwordFlag(cmd)
	cmd.Flags().StringVar(node, "node", defaultNode, "RESP address of the node to ask")
	return cmd
}

func membersCommand() *cobra.Command {
	var node string
	var nodes caller
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "members [--node ADDR] [--json]",
		Short: "Show the members of a node's cluster",
		Args:  noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkTarget("node", node); err != nil {
				return err
			}
			if asJSON {
				reply, err := nodes.ask(cmd.Context(), node, statusTime, "TRUECOUNT", "MEMBERS")
				if err != nil {
					return err
				}
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s\n", reply)
				return err
			}
			status, _, err := nodes.status(cmd.Context(), node, statusTime)
			if err != nil {
				return err
			}
			if err := writeMembers(cmd.OutOrStdout(), status.Members); err != nil {
				return err
			}
			return writeWarnings(cmd.OutOrStdout(), status)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the node's answer as it is, in JSON")
	return nodeFlag(cmd, &node, &nodes)
}

func joinCommand() *cobra.Command {
	var node string
	var nodes caller
	var wait time.Duration
	cmd := &cobra.Command{
		Use:   "join [--node ADDR] CLUSTER_ADDR",
		Short: "Make a node a member of a cluster, and wait until it votes",
		Long: `Make the node at --node and the cluster of the node at CLUSTER_ADDR (both RESP addresses) one cluster. Whichever of the
two nobody has counted with joins the other; if both hold counters, they stay as they are.`,
		Example: "  truecount join --node 127.0.0.1:7380 127.0.0.1:7379",
		Args:    oneArgument("the RESP address of a member of the cluster, such as " + defaultNode),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := errors.Join(checkTarget("node", node), checkAddress(args[0])); err != nil {
				return err
			}
			var who [2]fsm.Status
			for i, addr := range []string{node, args[0]} {
				var err error
				if who[i], _, err = nodes.status(cmd.Context(), addr, statusTime); err != nil {
					return err
				}
			}
			if err := askChange(cmd, &nodes, node, "JOIN", args[0]); err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), wait)
			defer cancel()
			return writeProgress(ctx, cmd.OutOrStdout(), &nodes, []string{args[0], node}, who[0].ServerID, who[1].ServerID)
		},
	}
	cmd.Flags().DurationVar(&wait, "wait", progressTime, "how long to wait until it votes")
	return nodeFlag(cmd, &node, &nodes)
}

func leaveCommand() *cobra.Command {
	var node string
	var nodes caller
	cmd := nodeFlag(&cobra.Command{
		Use:   "leave --node ADDR",
		Short: "Take a node out of its cluster, and end it",
		Long: `Take the node at --node out of its cluster: it hands leadership over if it leads, leaves, and ends with exit code 0.
Its directory can't be used again.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !cmd.Flags().Changed("node") {
				return fmt.Errorf("leave ends a node for good: say which with --node, such as --node %s", defaultNode)
			}
			return runChange(cmd, &nodes, node, node+" has left its cluster, and its process ends", "LEAVE")
		},
	}, &node, &nodes)
	cmd.Flags().Lookup("node").DefValue = "" // there is none: see above
	return cmd
}

func removeCommand() *cobra.Command {
	var node string
	var nodes caller
	return nodeFlag(&cobra.Command{
		Use:   "remove [--node ADDR] ID",
		Short: "Take a member out of its cluster for ever",
		Long: `Take the member ID (its name or server id) out of the cluster of the node at --node, which may be any member. ID may be
dead. It can't come back: another node, with an empty directory, may take its name.`,
		Example: "  truecount remove --node 127.0.0.1:7379 n3",
		Args:    oneArgument("the id of the member to remove (truecount members has them)"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runChange(cmd, &nodes, node, args[0]+" is no member any more", "REMOVE", args[0])
		},
	}, &node, &nodes)
}

func transferCommand() *cobra.Command {
	var node string
	var nodes caller
	return nodeFlag(&cobra.Command{
		Use:   "transfer [--node ADDR] [ID]",
		Short: "Hand leadership over to a voter",
		Long: `Make the voter ID (its name or server id) the leader of the cluster of the node at --node; without ID, any other voter
than the one that leads.`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return fmt.Errorf("transfer takes one argument at most: the id of the voter that shall lead; see %s --help", cmd.CommandPath())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			rest := []any{}
			if len(args) > 0 {
				rest = append(rest, args[0])
			}
			if err := checkTarget("node", node); err != nil {
				return err
			}
			before, _, err := nodes.status(cmd.Context(), node, statusTime)
			if err != nil {
				return err
			}
			if err := askChange(cmd, &nodes, node, "TRANSFER", rest...); err != nil {
				return err
			}
			ask := func(ctx context.Context) (fsm.Status, error) {
				status, _, err := nodes.status(ctx, node, statusTime)
				return status, err
			}
			return writeLeader(cmd.Context(), cmd.OutOrStdout(), ask, node, before, args)
		},
	}, &node, &nodes)
}

// runChange asks for a change and prints what is true when it is made.
func runChange(cmd *cobra.Command, nodes *caller, node, made, change string, args ...any) error {
	if err := checkTarget("node", node); err != nil {
		return err
	}
	if err := askChange(cmd, nodes, node, change, args...); err != nil {
		return err
	}
	_, err := fmt.Fprintln(cmd.OutOrStdout(), made)
	return err
}

func askChange(cmd *cobra.Command, nodes *caller, node, change string, args ...any) error {
	word := time.AfterFunc(wordAfter, func() {
		fmt.Fprintf(cmd.ErrOrStderr(), "%s is trying, for up to %v\n", node, changeTime)
	})
	defer word.Stop()
	_, err := nodes.ask(cmd.Context(), node, askChangeTime, "TRUECOUNT", append([]any{change}, args...)...)
	if refusal := redis.Error(""); errors.As(err, &refusal) {
		return fmt.Errorf("%s answered: %s", node, string(refusal))
	}
	return err
}

// writeProgress prints how far the joining one of two nodes is, whenever that has changed, until both are what they shall
// be, or ctx ends.
func writeProgress(ctx context.Context, w io.Writer, nodes *caller, addrs []string, ids ...string) error {
	said, reason := "", "it is not a member yet"
	for i := 0; ; i++ {
		status, _, err := nodes.status(ctx, addrs[i%len(addrs)], statusTime)
		if err == nil {
			line, done := progress(status, ids)
			if line != said {
				fmt.Fprintln(w, line)
				said = line
			}
			if done {
				return writeWarnings(w, status)
			}
			reason = line
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("not done within the time of --wait (%s); it goes on by itself, see truecount members", reason)
		case <-time.After(progressEvery):
		}
	}
}

// progress says what the least ready of the members ids is.
func progress(s fsm.Status, ids []string) (line string, done bool) {
	voters := 0
	for _, m := range s.Members {
		if m.Voter {
			voters++
		}
	}
	for _, id := range ids {
		if !isMember(s, id) {
			return "not a member yet", false
		}
	}
	for _, m := range s.Members {
		switch {
		case m.ServerID != ids[0] && m.ServerID != ids[1] || m.Voter || m.Nonvoter && m.Lag != nil && *m.Lag == 0:
		case m.Lag == nil:
			return m.ID + " is a member, and gets the data", false
		default:
			return fmt.Sprintf("%s is a member, and %d entries behind", m.ID, *m.Lag), false
		}
	}
	return fmt.Sprintf("done: %d members, %d of them vote", len(s.Members), voters), true
}

// writeLeader prints who leads, once the node knows it: the target; without one, another than before, in a later term. (A
// follower may note the old leader just behind its new term, so a later term alone says nothing.)
func writeLeader(ctx context.Context, w io.Writer, ask func(context.Context) (fsm.Status, error), node string,
	before fsm.Status, target []string) error {
	ctx, cancel := context.WithTimeout(ctx, statusTime)
	defer cancel()
	leads := ""
	for {
		status, err := ask(ctx)
		if err == nil && status.Leader != nil {
			leads = status.Leader.ID
			if done := len(target) > 0 && leadsNow(status, target[0]) ||
				len(target) == 0 && status.Term > before.Term && (before.Leader == nil || leads != before.Leader.ID); done {
				_, err := fmt.Fprintf(w, "leader is %s\n", leads)
				return err
			}
		}
		select {
		case <-ctx.Done():
			if leads == "" {
				return fmt.Errorf("handed over, but %s does not know the new leader yet: see truecount status", node)
			}
			return fmt.Errorf("handed over, but %s says that %s leads: see truecount status", node, leads)
		case <-time.After(progressEvery):
		}
	}
}

// leadsNow reports whether target, a name or a server id, leads.
func leadsNow(s fsm.Status, target string) bool {
	return s.Leader != nil && (s.Leader.ID == target || isServerID(s, target, s.Leader.ID))
}

// isServerID reports whether serverID is that of the member named id.
func isServerID(s fsm.Status, serverID, id string) bool {
	return slices.ContainsFunc(s.Members, func(m fsm.Member) bool { return m.ServerID == serverID && m.ID == id })
}

// oneArgument refuses any other number of arguments, and says what the one is.
func oneArgument(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != 1 {
			return fmt.Errorf("%s takes one argument: %s; see %s --help", cmd.Name(), what, cmd.CommandPath())
		}
		return nil
	}
}

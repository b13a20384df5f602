package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/truecount/truecount/cluster"
)

func serveCommand() *cobra.Command {
	config := Config{Version: version(), Timing: cluster.DefaultTiming()}
	var logLevel string
	var logJSON bool
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run a node",
		Long: `Run a node. With an empty directory it is a cluster of one, ready at once; with --join it becomes a member of the
cluster behind any of the addresses. With a directory that was used before it goes on as the node it was.`,
		Example: `  truecount serve
  truecount serve --dir ./n2 --resp 127.0.0.1:7380 --join 127.0.0.1:7379`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			logger, err := newLogger(cmd.ErrOrStderr(), logLevel, logJSON)
			if err != nil {
				return err
			}
			config.Logger, config.Ready = logger, cmd.OutOrStdout()
			return serve(config)
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&config.ID, "id", "", "the node's name (default: drawn at random, then kept in the directory)")
	flags.StringVar(&config.Dir, "dir", "./truecount-data", "data directory")
	flags.StringVar(&config.RESP, "resp", defaultNode, "address for clients, in the Redis protocol")
	flags.StringVar(&config.Peer, "peer", "", "address for other nodes (default: the RESP address with 10000 added to its port)")
	flags.StringSliceVar(&config.Join, "join", nil, "RESP addresses of nodes whose cluster to join, by comma; ignored once joined")
	flags.BoolVar(&config.Insecure, "insecure", false, "allow addresses that are not loopback, without any password or TLS")
	flags.DurationVar(&config.Timing.Heartbeat, "heartbeat", config.Timing.Heartbeat, "raft: a follower without a word from the leader for so long stands for election")
	flags.DurationVar(&config.Timing.Election, "election", config.Timing.Election, "raft: how long a candidate waits for votes")
	flags.DurationVar(&config.Timing.Lease, "lease", config.Timing.Lease, "raft: a leader that can't reach a majority for so long steps down; at most --heartbeat")
	flags.StringVar(&logLevel, "log-level", "info", "trace, debug, info, warn, error or off")
	flags.BoolVar(&logJSON, "log-json", false, "log JSON objects instead of lines")
	return cmd
}

// serve runs a node until SIGTERM or SIGINT; a second one ends the process at once.
func serve(config Config) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // from now on signals do what they do by default

	program, err := Open(config)
	if err != nil {
		return err
	}
	return program.Run(ctx)
}

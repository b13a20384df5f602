package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/hashicorp/go-hclog"
	"github.com/spf13/cobra"

	"github.com/truecount/truecount/cluster"
	"github.com/truecount/truecount/configs"
	"github.com/truecount/truecount/resp"
)

func serveCommand() *cobra.Command {
	var file, clock string
	var printOnly bool
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run a node",
		Long: `Run a node. With an empty directory it is a cluster of one, ready at once; with --join it becomes a member of the
cluster behind any of the addresses. With a directory that was used before it goes on as the node it was.

A flag such as --max-bytes may also be given as a variable, TRUECOUNT_MAX_BYTES, or as a key of a TOML file, max-bytes.
Flags win over variables, variables over the file, the file over the defaults. An empty variable counts as not set.`,
		Example: `  truecount serve
  truecount serve --dir ./n2 --resp 127.0.0.1:7380 --join 127.0.0.1:7379
  truecount serve --config /etc/truecount.toml --print-config`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			settings, err := configs.Load(configs.Sources{Flags: givenFlags(cmd), Environ: os.Environ(), File: file})
			if err != nil {
				return err
			}
			if printOnly {
				return settings.Print(cmd.OutOrStdout(), configs.ReadMemory())
			}
			said := &output{w: cmd.ErrOrStderr()}
			defer said.end()
			config, err := newConfig(settings, cmd.OutOrStdout(), said)
			if err != nil {
				return err
			}
			if clock != "" {
				config.Wall = shiftedClock(clock)
				config.Logger.Warn("the wall clock is shifted, for tests", "by", clock)
			}
			return serve(config)
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	for _, s := range configs.Settings() {
		flag := flags.VarPF(&textFlag{text: s.Default, kind: s.Kind()}, s.Name, "", s.Help)
		if s.Kind() == "bool" {
			flag.NoOptDefVal = "true"
		}
	}
	flags.StringVar(&file, "config", "", "TOML file with the settings above; "+configs.FileVariable+" names one, too")
	flags.StringVar(&clock, "debug-clock", "", "file with milliseconds by which the wall clock is shifted, read whenever it is looked at")
	_ = flags.MarkHidden("debug-clock") // for tests; TIME tells what the node takes for the time. It exists, so hiding it can't fail
	flags.BoolVar(&printOnly, "print-config", false, "print the settings in effect, and where each comes from, as a file for --config; start nothing")
	return cmd
}

// textFlag keeps a setting's text until configs.Load reads it together with the other sources'.
type textFlag struct {
	text, kind string
	given      bool
}

// String is the text, which is the default's before Set.
func (f *textFlag) String() string { return f.text }

// Type is what --help shows as the value.
func (f *textFlag) Type() string { return f.kind }

// Set takes any text. Addresses may be given by many flags.
func (f *textFlag) Set(text string) error {
	if f.given && f.kind == "addresses" {
		text = f.text + "," + text
	}
	f.text, f.given = text, true
	return nil
}

// givenFlags are the texts of the settings that stand in the command line.
func givenFlags(cmd *cobra.Command) map[string]string {
	given := map[string]string{}
	for _, s := range configs.Settings() {
		if flag := cmd.Flags().Lookup(s.Name); flag.Changed {
			given[s.Name] = flag.Value.String()
		}
	}
	return given
}

// newConfig turns settings into what a Program is told; it reads the secret and the password.
func newConfig(s *configs.Config, stdout, stderr io.Writer) (Config, error) {
	logger, err := newLogger(stderr, s.LogLevel, s.LogJSON)
	if err != nil {
		return Config{}, err
	}
	secret, err := readSecret(configs.ReadSecret, s.SecretFile, "secret", logger)
	if err != nil {
		return Config{}, err
	}
	password, err := readSecret(configs.ReadPassword, s.PasswordFile, "password", logger)
	if err != nil {
		return Config{}, err
	}
	return Config{
		ID:            s.ID,
		Dir:           s.Dir,
		RESP:          s.RESP,
		Peer:          s.Peer,
		Join:          s.Join,
		Insecure:      s.Insecure,
		Secret:        secret,
		Password:      password,
		Timing:        cluster.Timing{Heartbeat: s.Heartbeat, Election: s.Election, Lease: s.Lease},
		Version:       version(),
		Logger:        logger,
		Ready:         stdout,
		Nonvoter:      s.Nonvoter,
		LogStore:      s.LogStore,
		MaxBytes:      s.MaxBytes,
		MaxKeys:       s.MaxKeys,
		MinFree:       s.MinFree,
		MaxClients:    s.MaxClients,
		MaxInstances:  s.MaxInstances,
		MaxSessions:   s.MaxSessions,
		DeadInstance:  s.DeadInstance,
		BindGrace:     s.BindGrace,
		Told:          s.Advertise,
		ToldPeer:      s.AdvertisePeer,
		Facade:        facade(s.Facade),
		MasterName:    s.MasterName,
		SnapshotBytes: s.SnapshotBytes,
	}, nil
}

// facade is what a setting's word means.
func facade(word string) resp.Facade {
	if word == "none" {
		return resp.NoFacade
	}
	return resp.Facade(word)
}

// readSecret reads a file by read, if there is one, and warns if others may read it, too.
func readSecret(read func(string) ([]byte, error), file, what string, logger hclog.Logger) ([]byte, error) {
	if file == "" {
		return nil, nil
	}
	secret, err := read(file)
	if err == nil && configs.SecretExposed(file) {
		logger.Warn("others than its owner may read the "+what+" file: chmod 600", "file", file)
	}
	return secret, err
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

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

func newServe() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve the Lambda API",
		Long: `Serve the Lambda API until SIGINT or SIGTERM, then finish the invocations in progress; a second signal ends at once.

Settings come from flags, else from environment variables (THAW_LISTEN, THAW_DATA, ...), else from the YAML file named by
--config, else from the defaults below.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := loadConfig(cmd)
			if err != nil {
				return err
			}
			ctx, cancel := untilSignal(cmd.Context())
			defer cancel()
			n, err := startNode(ctx, cfg, cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "thaw: serving the Lambda API on %s, data in %s\n", n.url(), cfg.Data)
			fmt.Fprintf(cmd.ErrOrStderr(), "thaw: for the AWS CLI and SDKs: eval \"$(%s)\"\n", n.envCommand())
			return n.wait(ctx)
		},
	}
	addFlags(cmd.Flags())
	return cmd
}

// untilSignal ends the context at the first signal and the process at the second.
func untilSignal(parent context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(parent)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	go func() {
		select {
		case <-signals:
			fmt.Fprintln(os.Stderr, "thaw: finishing what runs; a second signal ends at once")
			cancel()
		case <-ctx.Done():
			signal.Stop(signals)
			return
		}
		<-signals
		fmt.Fprintln(os.Stderr, "thaw: ended at once")
		os.Exit(130)
	}()
	return ctx, cancel
}

// wait serves until ctx ends, then shuts down.
func (n *node) wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		n.stop(ctx)
		return nil
	case err := <-n.served:
		n.stop(ctx)
		return errors.Join(errors.New("the server ended"), err)
	}
}

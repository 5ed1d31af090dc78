package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/thawrun/thaw/engine/store"
)

func newBackup() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "backup FILE",
		Short: "Write all functions, code and settings to a file",
		Long: `Write all that a server keeps (functions, versions, code, layers, policies, identities, waiting events) to a file, as it
is at one moment. A server that runs on the data folder goes on serving meanwhile. FILE may be - for the standard output.

The file has secrets in it, such as the server's keys and those of users: keep it like the data folder. The root user's keys
(thaw env) are not in it: a server on a restored folder makes new ones.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			data, err := cmd.Flags().GetString("data")
			if err != nil {
				return err
			}
			if args[0] == "-" {
				return backup(cmd.Context(), data, cmd.OutOrStdout())
			}
			return writeWhole(args[0], func(w io.Writer) error { return backup(cmd.Context(), data, w) })
		},
	}
	cmd.Flags().String("data", defaultData(), "data folder of the server")
	return cmd
}

// backup asks the running server, or opens the folder itself if none runs.
func backup(ctx context.Context, data string, w io.Writer) error {
	err := askAdmin(ctx, data, "/backup", w)
	if !errors.Is(err, errNoServer) {
		return err
	}
	dir := filepath.Join(data, "store")
	if _, err := os.Stat(dir); err != nil {
		return fmt.Errorf("nothing to back up: %w", err)
	}
	s, err := store.Open(dir, store.Options{})
	if err != nil {
		return err
	}
	return errors.Join(s.Backup(ctx, w), s.Close())
}

// writeWhole writes a file that appears when all of it is written.
func writeWhole(name string, write func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+"-*") // readable by its owner only
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	if err := errors.Join(write(f), f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}

func newRestore() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "restore FILE",
		Short: "Make a data folder of a backup",
		Long: `Make the store of a data folder of a file that thaw backup wrote. The folder must not have one yet, and no server may run
on it. FILE may be - for the standard input. A damaged file is refused as a whole.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			data, err := cmd.Flags().GetString("data")
			if err != nil {
				return err
			}
			in := cmd.InOrStdin()
			if args[0] != "-" {
				f, err := os.Open(args[0])
				if err != nil {
					return err
				}
				defer f.Close()
				in = f
			}
			dir := filepath.Join(data, "store")
			err = store.Restore(cmd.Context(), in, dir, store.Options{})
			if errors.Is(err, store.ErrExists) {
				return fmt.Errorf("%s has something in it already: choose another folder with --data, or move it away", dir)
			}
			return err
		},
	}
	cmd.Flags().String("data", defaultData(), "data folder to be made")
	return cmd
}

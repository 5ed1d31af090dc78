package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func newEnv() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "env",
		Short: "Print what a shell needs to use the AWS CLI and SDKs with a server",
		Long: `Print exports for a shell: the root user's credentials, the region and the endpoint of the server that uses, or last used, the
data folder.

  eval "$(thaw env)"                             sh, bash, zsh
  thaw env | source                              fish
  thaw env --shell powershell | Invoke-Expression`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := readConfig(cmd)
			if err != nil {
				return err
			}
			shell, err := cmd.Flags().GetString("shell")
			if err != nil {
				return err
			}
			a, err := readAccess(cfg.Data)
			if errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("no server has used the data folder %s yet: start one with thaw serve or thaw up", cfg.Data)
			}
			if err != nil {
				return err
			}
			account := cfg.accounts()[0]
			if !cmd.Flags().Changed("account") && a.of(account) == nil && len(a.Accounts) > 0 {
				account = a.Accounts[0].Account
			}
			r := a.of(account)
			if r == nil {
				return fmt.Errorf("the data folder %s has no account %s", cfg.Data, account)
			}
			return printEnv(cmd.OutOrStdout(), shell, a, r)
		},
	}
	addFlags(cmd.Flags())
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		f.Hidden = f.Name != "config" && f.Name != "data" && f.Name != "account"
	})
	cmd.Flags().Lookup("account").Usage = "AWS account whose root user's credentials are printed"
	cmd.Flags().String("shell", defaultShell(), "sh, fish, powershell or json")
	return cmd
}

// defaultShell is the user's shell, as far as its syntax is concerned.
func defaultShell() string {
	if filepath.Base(os.Getenv("SHELL")) == "fish" {
		return "fish"
	}
	return "sh"
}

func printEnv(w io.Writer, shell string, a *access, r *rootAccess) error {
	set := [][2]string{
		{"AWS_ACCESS_KEY_ID", r.AccessKeyID}, {"AWS_SECRET_ACCESS_KEY", r.SecretAccessKey}, {"AWS_DEFAULT_REGION", a.Region}, {"AWS_REGION", a.Region}, {"AWS_ENDPOINT_URL", a.Endpoint},
	}
	unset := []string{"AWS_SESSION_TOKEN", "AWS_PROFILE"} // they would win over what is set
	switch shell {
	case "sh":
		for _, v := range set {
			fmt.Fprintf(w, "export %s='%s';\n", v[0], v[1]) // none of the values can contain a quote
		}
		fmt.Fprintf(w, "unset %s;\n", strings.Join(unset, " "))
	case "fish":
		for _, v := range set {
			fmt.Fprintf(w, "set -gx %s '%s';\n", v[0], v[1])
		}
		fmt.Fprintf(w, "set -e %s;\n", strings.Join(unset, " "))
	case "powershell":
		for _, v := range set {
			fmt.Fprintf(w, "$Env:%s = '%s'\n", v[0], v[1])
		}
		for _, name := range unset {
			fmt.Fprintf(w, "Remove-Item Env:%s -ErrorAction SilentlyContinue\n", name)
		}
	case "json":
		values := map[string]string{"account": r.Account}
		for _, v := range set {
			values[v[0]] = v[1]
		}
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(values)
	default:
		return fmt.Errorf("--shell %q: choose sh, fish, powershell or json", shell)
	}
	return nil
}

// envCommand is the command that prints the exports for this server.
func (n *node) envCommand() string {
	command := "thaw"
	if file, err := os.Executable(); err == nil {
		switch {
		case strings.Contains(file, "go-build"): // by go run
			command = "go run ./cmd/thaw"
		case os.Args[0] != "thaw":
			command = os.Args[0]
		}
	}
	command += " env"
	if n.cfg.Data != defaultData() {
		command += " --data " + n.cfg.Data
	}
	return command
}

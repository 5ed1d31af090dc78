package main

import (
	"github.com/spf13/cobra"
)

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "thaw",
		Short: "Run AWS Lambda functions on your own machine",
		Long: `Thaw serves the AWS Lambda API and runs Python and Node.js functions in WebAssembly sandboxes.

Try it:
  thaw up                      start a server, deploy sample functions, invoke them
  thaw serve                   start a server
  eval "$(thaw env)"           let this shell's AWS CLI and SDKs use it
  aws lambda list-functions`,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(newServe(), newUp(), newEnv(), newBackup(), newRestore(), newVersion())
	return root
}

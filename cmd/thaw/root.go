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
  aws lambda list-functions --endpoint-url http://127.0.0.1:9001`,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(newServe(), newUp(), newVersion())
	return root
}

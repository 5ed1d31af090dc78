// Command thaw runs AWS Lambda functions on this machine: it serves the Lambda API and runs the functions in WebAssembly
// sandboxes.
package main

import (
	"fmt"
	"os"
)

func main() {
	if err := newRoot().Execute(); err != nil {
		fmt.Fprintln(os.Stderr, "thaw: "+err.Error())
		os.Exit(1)
	}
}

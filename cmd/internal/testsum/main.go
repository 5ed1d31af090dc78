// Command testsum reads the output of go test -json, shows what failed and what was skipped and why, and ends with a line that
// counts the tests. It exits with 1 if anything failed or no test passed.
//
// A test with subtests is not counted besides them, unless it failed and none of them did. A package that does not build, or
// that ends without a failed test (a panic in TestMain, a data race after the last test, a timeout), counts as one failure.
package main

import (
	"fmt"
	"os"
)

func main() {
	s, err := read(os.Stdin, os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "testsum:", err)
		os.Exit(1)
	}
	if !s.print(os.Stdout) {
		os.Exit(1)
	}
}

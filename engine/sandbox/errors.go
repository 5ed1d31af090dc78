package sandbox

import (
	"errors"
	"fmt"
	"strings"

	"github.com/thawrun/thaw/engine/wasi"
)

// Errors of calls into a guest. All but ErrState leave the instance broken until it is reset.
var (
	ErrDeadline      = errors.New("deadline exceeded")
	ErrCanceled      = errors.New("call canceled")
	ErrOutOfMemory   = errors.New("guest out of memory")
	ErrStackOverflow = errors.New("guest stack overflow")
	// ErrState is the error of a call to an instance that is not bound, or broken by an earlier one.
	ErrState = errors.New("instance is not usable")
	// ErrContract is wrapped by errors about guests that don't follow abi/README.md.
	ErrContract = errors.New("guest breaks the contract")
	// ErrNotSnapshotable is wrapped by the reasons why no snapshot can be taken.
	ErrNotSnapshotable = errors.New("no snapshot possible")
)

// ExitError is the error of a guest that called proc_exit.
type ExitError = wasi.ExitError

// TrapError is a WebAssembly trap, with the guest's stack for the host's log.
type TrapError struct{ Text string }

func (e *TrapError) Error() string { return "trap: " + e.Text }

// FaultError is the text of a guest that answered with status fault.
type FaultError struct{ Op, Text string }

func (e *FaultError) Error() string { return fmt.Sprintf("%s: guest fault: %s", e.Op, e.Text) }

// classify turns what wazero returns into one of the errors above.
func classify(err error, refusedGrowth bool) error {
	var exit *ExitError
	switch {
	case errors.Is(err, ErrDeadline):
		return ErrDeadline
	case errors.Is(err, ErrCanceled):
		return ErrCanceled
	case errors.Is(err, ErrStackOverflow):
		return ErrStackOverflow
	case errors.As(err, &exit):
		return exit
	case refusedGrowth:
		// The guest asked for more than its cap, didn't get it and then failed: an allocation that nobody checked.
		return fmt.Errorf("%w: %w", ErrOutOfMemory, &TrapError{err.Error()})
	case strings.Contains(err.Error(), "stack overflow"):
		return ErrStackOverflow
	}
	return &TrapError{err.Error()}
}

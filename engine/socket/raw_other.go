//go:build !unix

package socket

import (
	"errors"
	"syscall"
)

// Elsewhere reads and writes go through Go's own non-blocking layer, beside the guest.
const haveRaw = false

func rawRead(syscall.RawConn, func() []byte, func([]byte), bool) ([]byte, bool, error) {
	return nil, false, errors.ErrUnsupported
}
func rawReadInto(syscall.RawConn, []byte) (int, bool, error) { return 0, false, errors.ErrUnsupported }
func rawWrite(syscall.RawConn, []byte) (int, error)          { return 0, errors.ErrUnsupported }
func rawWait(syscall.RawConn) error                          { return nil }

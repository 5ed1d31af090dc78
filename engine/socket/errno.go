package socket

import (
	"context"
	"errors"
	"net"
	"os"
	"syscall"

	"github.com/thawrun/thaw/engine/egress"
	"github.com/thawrun/thaw/engine/vfs"
)

// errno is the WASI error number of a network error.
func errno(err error) vfs.Errno {
	var refusal *egress.Refusal
	var number syscall.Errno
	switch {
	case err == nil:
		return vfs.OK
	case errors.As(err, &refusal):
		return vfs.EAcces
	case errors.Is(err, egress.ErrTooMany):
		return vfs.ENfile
	case errors.Is(err, egress.ErrClosed):
		return vfs.ENetdown
	case errors.As(err, &number):
		return systemErrno(number)
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return vfs.ETimedout
	case errors.Is(err, context.Canceled):
		return vfs.ECanceled
	case errors.Is(err, net.ErrClosed):
		return vfs.EBadf
	}
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		return vfs.ETimedout
	}
	return vfs.EIO
}

func systemErrno(n syscall.Errno) vfs.Errno {
	switch n {
	case syscall.ECONNREFUSED:
		return vfs.EConnrefused
	case syscall.ECONNRESET:
		return vfs.EConnreset
	case syscall.ECONNABORTED:
		return vfs.EConnaborted
	case syscall.EPIPE:
		return vfs.EPipe
	case syscall.ETIMEDOUT:
		return vfs.ETimedout
	case syscall.EHOSTUNREACH:
		return vfs.EHostunreach
	case syscall.ENETUNREACH:
		return vfs.ENetunreach
	case syscall.ENETDOWN:
		return vfs.ENetdown
	case syscall.EADDRINUSE:
		return vfs.EAddrinuse
	case syscall.EADDRNOTAVAIL:
		return vfs.EAddrnotav
	case syscall.EAFNOSUPPORT:
		return vfs.EAfnosupport
	case syscall.EACCES, syscall.EPERM:
		return vfs.EAcces
	case syscall.EINVAL:
		return vfs.EInval
	case syscall.EMSGSIZE:
		return vfs.EMsgsize
	case syscall.ENOBUFS, syscall.ENOMEM:
		return vfs.ENobufs
	case syscall.EMFILE, syscall.ENFILE:
		return vfs.ENfile
	case syscall.ENOTCONN:
		return vfs.ENotconn
	}
	return vfs.EIO
}

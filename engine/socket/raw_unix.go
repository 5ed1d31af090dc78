//go:build unix

package socket

import (
	"io"
	"syscall"
)

// rawRead reads from a connection into a block of get's: what is there now, or, if wait is set, what comes. No block is held
// while it waits. again: nothing is there.
func rawRead(raw syscall.RawConn, get func() []byte, put func([]byte), wait bool) (b []byte, again bool, err error) {
	var inner error
	err = raw.Read(func(fd uintptr) bool {
		buf := get()
		n, e := retry(func() (int, error) { return syscall.Read(int(fd), buf) })
		again = e == syscall.EAGAIN
		switch {
		case again:
			put(buf)
			return !wait
		case e != nil:
			inner = e
		case n == 0:
			inner = io.EOF
		}
		if inner != nil {
			put(buf)
			return true
		}
		b = buf[:n]
		return true
	})
	if inner != nil {
		err = inner
	}
	return b, again && b == nil, err
}

// rawReadInto likewise, into p, without waiting.
func rawReadInto(raw syscall.RawConn, p []byte) (n int, again bool, err error) {
	var inner error
	err = raw.Read(func(fd uintptr) bool {
		n, inner = retry(func() (int, error) { return syscall.Read(int(fd), p) })
		return true
	})
	switch {
	case inner == syscall.EAGAIN:
		return 0, true, nil
	case inner != nil:
		return 0, false, inner
	case err == nil && n == 0 && len(p) > 0:
		err = io.EOF
	}
	return max(n, 0), false, err
}

// rawWrite writes what the kernel takes now.
func rawWrite(raw syscall.RawConn, p []byte) (n int, err error) {
	var inner error
	err = raw.Write(func(fd uintptr) bool {
		n, inner = retry(func() (int, error) { return syscall.Write(int(fd), p) })
		return true
	})
	switch {
	case inner == syscall.EAGAIN:
		return 0, nil
	case inner != nil:
		return 0, inner
	}
	return max(n, 0), err
}

// rawWait waits until something can be received, or returns the error that is pending.
func rawWait(raw syscall.RawConn) (err error) {
	var inner error
	err = raw.Read(func(fd uintptr) bool {
		var b [1]byte
		_, inner = retry(func() (int, error) {
			n, _, e := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK)
			return n, e
		})
		return inner != syscall.EAGAIN
	})
	if err == nil {
		err = inner
	}
	return err
}

func retry(f func() (int, error)) (int, error) {
	for {
		if n, err := f(); err != syscall.EINTR {
			return n, err
		}
	}
}

const haveRaw = true

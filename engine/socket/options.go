package socket

import (
	"net"
	"time"

	"github.com/thawrun/thaw/abi"
	"github.com/thawrun/thaw/engine/vfs"
)

// options are what a guest set of a TCP socket. They apply when it is connected, and from then on at once.
type options struct {
	noDelay, keepAlive bool
	keep               net.KeepAliveConfig
	reset              bool // linger 0: a close resets the connection
	send, receive      uint32
	changed            bool
}

const (
	defaultBuffer = 64 << 10
	maxBuffer     = 1 << 20 // a wish beyond is cut
	maxSeconds    = 32767
)

func (o *options) init() {
	o.noDelay = true
	o.keep = net.KeepAliveConfig{Idle: 7200 * time.Second, Interval: 75 * time.Second, Count: 9} // Linux's
	o.send, o.receive = defaultBuffer, defaultBuffer
}

// apply sets what differs from a new connection's state. Errors are of options that the system doesn't know: not fatal.
func (o *options) apply(c *net.TCPConn) {
	if !o.changed {
		return
	}
	_ = c.SetNoDelay(o.noDelay)
	o.keep.Enable = o.keepAlive
	_ = c.SetKeepAliveConfig(o.keep)
	if o.reset {
		_ = c.SetLinger(0)
	} else {
		_ = c.SetLinger(-1)
	}
	if o.send != defaultBuffer {
		_ = c.SetWriteBuffer(int(o.send))
	}
	if o.receive != defaultBuffer {
		_ = c.SetReadBuffer(int(o.receive))
	}
}

func (o *options) get(opt abi.SocketOption) (uint32, bool) {
	switch opt {
	case abi.OptionNoDelay:
		return number(o.noDelay), true
	case abi.OptionKeepAlive:
		return number(o.keepAlive), true
	case abi.OptionKeepIdle:
		return uint32(o.keep.Idle / time.Second), true
	case abi.OptionKeepInterval:
		return uint32(o.keep.Interval / time.Second), true
	case abi.OptionKeepCount:
		return uint32(o.keep.Count), true
	case abi.OptionLinger:
		return number(o.reset), true
	case abi.OptionSendBuffer:
		return o.send, true
	case abi.OptionReceiveBuffer:
		return o.receive, true
	case abi.OptionReuseAddr, abi.OptionBroadcast:
		return 0, true
	case abi.OptionV6Only:
		return 1, true
	}
	return 0, false
}

func (o *options) set(opt abi.SocketOption, v uint32) vfs.Errno {
	positive := func(most uint32) bool { return v > 0 && v <= most }
	switch opt {
	case abi.OptionNoDelay:
		o.noDelay = v != 0
	case abi.OptionKeepAlive:
		o.keepAlive = v != 0
	case abi.OptionKeepIdle, abi.OptionKeepInterval:
		if !positive(maxSeconds) {
			return vfs.EInval
		}
		if d := time.Duration(v) * time.Second; opt == abi.OptionKeepIdle {
			o.keep.Idle = d
		} else {
			o.keep.Interval = d
		}
	case abi.OptionKeepCount:
		if !positive(127) {
			return vfs.EInval
		}
		o.keep.Count = int(v)
	case abi.OptionLinger:
		// Only "reset at once" has an effect: a close that waits would wait on the host.
		o.reset = v == 1
	case abi.OptionSendBuffer:
		o.send = min(max(v, smallBuffer), maxBuffer)
	case abi.OptionReceiveBuffer:
		o.receive = min(max(v, smallBuffer), maxBuffer)
	case abi.OptionReuseAddr, abi.OptionV6Only:
		return vfs.OK
	case abi.OptionBroadcast:
		if v != 0 {
			return vfs.EAcces
		}
		return vfs.OK
	default:
		return vfs.ENoprotoopt
	}
	o.changed = true
	return vfs.OK
}

func number(b bool) uint32 {
	if b {
		return 1
	}
	return 0
}

// Get reads an option.
func (s *Stream) Get(opt abi.SocketOption) (uint32, vfs.Errno) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch opt {
	case abi.OptionError:
		return uint32(s.takeError(vfs.OK)), vfs.OK
	case abi.OptionType:
		return abi.SocketStream, vfs.OK
	case abi.OptionFamily:
		return s.family, vfs.OK
	case abi.OptionReadable:
		if len(s.in) == 0 && s.state == streamOpen && s.raw != nil && !s.filling && !s.ended() {
			s.tryFill()
		}
		return uint32(len(s.in)), vfs.OK
	case abi.OptionUnsent:
		return uint32(len(s.out) + s.sending), vfs.OK
	}
	if v, ok := s.options.get(opt); ok {
		return v, vfs.OK
	}
	return 0, vfs.ENoprotoopt
}

// Set sets an option.
func (s *Stream) Set(opt abi.SocketOption, v uint32) vfs.Errno {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.options.set(opt, v)
	if tcp, ok := s.conn.(*net.TCPConn); ok && e == vfs.OK && !s.closed {
		s.options.apply(tcp)
	}
	return e
}

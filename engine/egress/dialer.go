package egress

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// connectTimeout is how long a connection attempt lasts at most, about what Linux gives it.
	connectTimeout = 130 * time.Second
	// ownFor is how long the list of the node's own addresses is believed.
	ownFor = 10 * time.Second
	// leastSockets is the default limit where the process may have few descriptors.
	leastSockets = 64
)

// Errors of a Dialer.
var (
	ErrTooMany = errors.New("too many sockets are open on this node")
	ErrClosed  = errors.New("the network is closed")
)

// Dialer makes the connections of an engine's functions.
type Dialer struct {
	cfg      Config
	known    *registry
	resolver *net.Resolver
	lookups  chan struct{} // look-ups in progress
	sockets  atomic.Int64
	own      atomic.Pointer[ownList]

	mu     sync.Mutex
	closed bool
	work   sync.WaitGroup
	ended  context.Context
	end    context.CancelFunc
}

type ownList struct {
	addrs []netip.Addr
	until time.Time
}

// New makes a dialer. It starts nothing.
func New(cfg Config) *Dialer {
	if cfg.MaxSockets <= 0 {
		cfg.MaxSockets = max(leastSockets, descriptorLimit()/2)
	}
	d := &Dialer{cfg: cfg, known: newRegistry(), resolver: &net.Resolver{PreferGo: true}, lookups: make(chan struct{}, maxLookups)}
	d.ended, d.end = context.WithCancel(context.Background())
	return d
}

// Close ends what is in progress and waits for it. Sockets must be closed by their owners.
func (d *Dialer) Close() {
	d.mu.Lock()
	d.closed = true
	d.mu.Unlock()
	d.end()
	d.work.Wait()
}

// Go runs f beside the caller, until Close has waited for it. f must end soon after the context does. It returns false, and
// doesn't run f, once the dialer is closed.
func (d *Dialer) Go(f func(context.Context)) bool {
	d.mu.Lock()
	if d.closed {
		d.mu.Unlock()
		return false
	}
	d.work.Add(1)
	d.mu.Unlock()
	go func() {
		defer d.work.Done()
		f(d.ended)
	}()
	return true
}

// OnClose runs f in a goroutine of its own when the dialer is closed, unless stop is called before.
func (d *Dialer) OnClose(f func()) (stop func() bool) { return context.AfterFunc(d.ended, f) }

// Acquire counts a socket; ErrTooMany if there are too many. Release must follow.
func (d *Dialer) Acquire() error {
	if d.sockets.Add(1) > int64(d.cfg.MaxSockets) {
		d.sockets.Add(-1)
		return ErrTooMany
	}
	return nil
}

// Release counts a socket as closed.
func (d *Dialer) Release() { d.sockets.Add(-1) }

// Sockets is how many are open.
func (d *Dialer) Sockets() int { return int(d.sockets.Load()) }

// Dial connects to an address that a policy has allowed. network is tcp4, tcp6, udp4 or udp6; local may be invalid.
func (d *Dialer) Dial(ctx context.Context, network string, local, to netip.AddrPort) (net.Conn, error) {
	dialer := net.Dialer{Timeout: connectTimeout, KeepAlive: -1}
	if local.IsValid() {
		if network[:3] == "udp" {
			dialer.LocalAddr = net.UDPAddrFromAddrPort(local)
		} else {
			dialer.LocalAddr = net.TCPAddrFromAddrPort(local)
		}
	}
	return dialer.DialContext(ctx, network, to.String())
}

// Listen opens a UDP socket that can send to many addresses. network is udp4 or udp6; local may be invalid.
func (d *Dialer) Listen(ctx context.Context, network string, local netip.AddrPort) (*net.UDPConn, error) {
	address := ":0"
	if local.IsValid() {
		address = local.String()
	}
	var c net.ListenConfig
	conn, err := c.ListenPacket(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return conn.(*net.UDPConn), nil
}

// ownAddresses are those of the node's interfaces.
func (d *Dialer) ownAddresses() []netip.Addr {
	now := time.Now()
	if l := d.own.Load(); l != nil && now.Before(l.until) {
		return l.addrs
	}
	l := &ownList{until: now.Add(ownFor)}
	addrs, _ := net.InterfaceAddrs() // none where the system doesn't tell
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok {
			if ip, ok := netip.AddrFromSlice(n.IP); ok {
				l.addrs = append(l.addrs, ip.Unmap())
			}
		}
	}
	d.own.Store(l)
	return l.addrs
}

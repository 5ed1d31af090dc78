package egress

import (
	"fmt"
	"net/netip"
	"slices"
)

// Config says where functions may connect to. The zero value opens public addresses only.
type Config struct {
	// Closed refuses public addresses too: only what Allow names is open.
	Closed bool
	// Allow and Deny apply to every function. Deny wins.
	Allow, Deny []Rule
	// Networks are opened to the functions whose VpcConfig names one of their subnets.
	Networks []Network

	// MaxSockets limits the sockets that all functions together have open; 0 means half of the descriptors that the process
	// may have, at least 64.
	MaxSockets int
}

// Network is a named profile: what functions in certain subnets may reach besides.
type Network struct {
	Name    string
	Subnets []string // ids as in VpcConfig.SubnetIds, for example "subnet-0a1b2c"
	// Closed refuses public addresses to these functions, as a VPC without a NAT gateway does.
	Closed      bool
	Allow, Deny []Rule
}

// Policy answers for one function version. It doesn't change; several goroutines may ask.
type Policy struct {
	closed      bool
	allow, deny []Rule
	networks    []string // names of the networks that apply
	known       *registry
	own         func() []netip.Addr
}

// Refusal is the error of an address that the policy doesn't allow.
type Refusal struct {
	Addr   netip.AddrPort
	Reason string // for people
	Hint   string // what would open it; may be empty
}

func (r *Refusal) Error() string {
	text := fmt.Sprintf("connection to %s refused by the egress policy: %s", r.Addr, r.Reason)
	if r.Hint != "" {
		text += " (" + r.Hint + ")"
	}
	return text
}

// Policy returns the policy of a function in these subnets. unknown are those that no network names: they open nothing.
func (d *Dialer) Policy(subnets []string) (p *Policy, unknown []string) {
	c := &d.cfg
	p = &Policy{closed: c.Closed, allow: slices.Clone(c.Allow), deny: slices.Clone(c.Deny), known: d.known, own: d.ownAddresses}
	var used []int
	for _, subnet := range subnets {
		i := slices.IndexFunc(c.Networks, func(n Network) bool { return slices.Contains(n.Subnets, subnet) })
		switch {
		case i < 0:
			unknown = append(unknown, subnet)
		case !slices.Contains(used, i):
			used = append(used, i)
		}
	}
	for _, i := range used {
		n := &c.Networks[i]
		p.closed = p.closed || n.Closed
		p.allow = append(p.allow, n.Allow...)
		p.deny = append(p.deny, n.Deny...)
		p.networks = append(p.networks, n.Name)
	}
	return p, unknown
}

// Networks are the names of the networks that apply.
func (p *Policy) Networks() []string { return p.networks }

// Check says whether a function may send to an address: nil, or a *Refusal.
func (p *Policy) Check(to netip.AddrPort) error {
	addr := to.Addr().Unmap()
	refuse := func(reason, hint string) error { return &Refusal{to, reason, hint} }
	if p == nil {
		return refuse("the function has no network", "")
	}
	if !addr.IsValid() || to.Addr().Zone() != "" {
		return refuse("an address with a zone", "")
	}
	candidates := append(make([]netip.Addr, 0, 2), addr)
	if v4, ok := p.known.embedded(addr); ok {
		candidates = append(candidates, v4) // what lies behind a translator counts as well
	}
	for _, a := range candidates {
		for _, r := range p.deny {
			if r.contains(a, to.Port()) {
				return refuse("denied by the rule "+r.String(), "")
			}
		}
	}
	for _, a := range candidates {
		c := p.classify(a)
		if p.allowed(a, to.Port(), c) {
			continue
		}
		switch {
		case c.opens == never:
			return refuse(c.name, "")
		case c.name != "":
			return refuse(c.name, "allow it with the rule "+Rule{netip.PrefixFrom(a, a.BitLen()), to.Port(), to.Port()}.String())
		case p.closed:
			return refuse("public addresses are closed", "allow it with the rule "+Rule{netip.PrefixFrom(a, a.BitLen()), to.Port(), to.Port()}.String())
		}
	}
	return nil
}

func (p *Policy) allowed(a netip.Addr, port uint16, c class) bool {
	for _, r := range p.allow {
		if !r.contains(a, port) {
			continue
		}
		switch c.opens {
		case anyRule:
			return true
		case ownRule: // a rule within the block: one for the whole internet doesn't mean loopback
			if c.block.Bits() <= r.Prefix.Bits() {
				return true
			}
		case hostRule:
			if r.host() {
				return true
			}
		}
	}
	return false
}

// opens is what kind of rule opens a class of addresses.
type opens uint8

const (
	anyRule  opens = iota // one that contains the address
	ownRule               // one within the class's block
	hostRule              // one that names the address itself
	never
)

// class is a kind of address; its name is empty for public ones.
type class struct {
	name  string
	block netip.Prefix
	opens opens
}

// classes are looked through in order. Sources: IANA's special-purpose address registries (RFC 6890), and what the clouds
// document as addresses of their metadata services.
func classes() []class {
	p := netip.MustParsePrefix
	return []class{
		{"metadata service", p("169.254.169.254/32"), hostRule}, // AWS, Google, Azure, …
		{"metadata service", p("169.254.170.2/32"), hostRule},   // ECS task credentials
		{"metadata service", p("169.254.170.23/32"), hostRule},  // EKS pod identity
		{"metadata service", p("168.63.129.16/32"), hostRule},   // Azure's wire server
		{"metadata service", p("100.100.100.200/32"), hostRule}, // Alibaba
		{"metadata service", p("fd00:ec2::254/128"), hostRule},
		{"metadata service", p("fd00:ec2::23/128"), hostRule},
		{"metadata service", p("fd20:ce::254/128"), hostRule}, // Google

		{"unspecified address", p("0.0.0.0/8"), never},
		{"loopback address", p("127.0.0.0/8"), ownRule},
		{"link-local address", p("169.254.0.0/16"), ownRule},
		{"private address", p("10.0.0.0/8"), anyRule},
		{"private address", p("172.16.0.0/12"), anyRule},
		{"private address", p("192.168.0.0/16"), anyRule},
		{"shared address of carrier-grade NAT", p("100.64.0.0/10"), anyRule},
		{"reserved address", p("192.0.0.0/24"), ownRule},
		{"documentation address", p("192.0.2.0/24"), ownRule},
		{"documentation address", p("198.51.100.0/24"), ownRule},
		{"documentation address", p("203.0.113.0/24"), ownRule},
		{"benchmarking address", p("198.18.0.0/15"), ownRule},
		{"multicast address", p("224.0.0.0/4"), never},
		{"reserved address", p("240.0.0.0/4"), never}, // broadcast included

		{"unspecified address", p("::/128"), never},
		{"loopback address", p("::1/128"), ownRule},
		{"link-local address", p("fe80::/10"), ownRule},
		{"site-local address", p("fec0::/10"), ownRule},
		{"unique local address", p("fc00::/7"), anyRule},
		{"multicast address", p("ff00::/8"), never},
		{"discard-only address", p("100::/64"), ownRule},
		{"documentation address", p("2001:db8::/32"), ownRule},
		{"documentation address", p("3fff::/20"), ownRule},
		{"Teredo address", p("2001::/32"), never},
		{"local NAT64 address", p("64:ff9b:1::/48"), ownRule},
		{"IPv4-compatible address", p("::/96"), never},
		{"IPv4-translated address", p("::ffff:0:0:0/96"), never},
	}
}

// registry is what a policy knows of addresses.
type registry struct {
	classes []class
	nat64   netip.Prefix // RFC 6052
	sixTo4  netip.Prefix // RFC 3056
	global  netip.Prefix // what IANA assigns as global unicast
}

func newRegistry() *registry {
	p := netip.MustParsePrefix
	return &registry{classes(), p("64:ff9b::/96"), p("2002::/16"), p("2000::/3")}
}

func (p *Policy) classify(a netip.Addr) class {
	for _, c := range p.known.classes {
		if c.block.Contains(a) {
			return c
		}
	}
	if slices.Contains(p.own(), a) {
		return class{"address of this node", netip.PrefixFrom(a, a.BitLen()), hostRule}
	}
	if a.Is6() && !p.known.global.Contains(a) && !p.known.nat64.Contains(a) {
		return class{"reserved address", netip.PrefixFrom(a, a.BitLen()), ownRule}
	}
	return class{}
}

// embedded is the IPv4 address that a translator or tunnel would send to.
func (r *registry) embedded(a netip.Addr) (netip.Addr, bool) {
	b := a.As16()
	switch {
	case r.nat64.Contains(a):
		return netip.AddrFrom4([4]byte(b[12:])), true
	case r.sixTo4.Contains(a):
		return netip.AddrFrom4([4]byte(b[2:6])), true
	}
	return netip.Addr{}, false
}

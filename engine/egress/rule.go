package egress

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// Rule names addresses and ports.
type Rule struct {
	Prefix      netip.Prefix // IPv4-mapped addresses are written as IPv4
	First, Last uint16       // ports, both included; 0, 65535 = all
}

// ParseRule reads a rule: an address or a network (CIDR), and optionally a port or a range of ports after a colon. IPv6 is in
// brackets where ports follow.
//
//	10.0.0.0/8   10.1.2.3:5432   192.168.0.0/16:8000-8999   fd00::/8   [fd00::/8]:443   localhost:9001
//
// localhost stands for 127.0.0.1 and ::1, which is why one text can be two rules.
func ParseRule(text string) ([]Rule, error) {
	host, ports := strings.TrimSpace(text), ""
	if rest, ok := strings.CutPrefix(host, "["); ok {
		h, after, closed := strings.Cut(rest, "]")
		var colon bool
		if ports, colon = strings.CutPrefix(after, ":"); !closed || !colon && after != "" {
			return nil, fmt.Errorf("egress rule %q: want [address]:port", text)
		}
		if host = h; colon && ports == "" {
			return nil, fmt.Errorf("egress rule %q: no port after the colon", text)
		}
	} else if strings.Count(host, ":") == 1 {
		host, ports, _ = strings.Cut(host, ":")
		if ports == "" {
			return nil, fmt.Errorf("egress rule %q: no port after the colon", text)
		}
	}
	r := Rule{Last: 65535}
	if ports != "" {
		first, last, ranged := strings.Cut(ports, "-")
		if !ranged {
			last = first
		}
		a, err := strconv.ParseUint(first, 10, 16)
		b, err2 := strconv.ParseUint(last, 10, 16)
		if err != nil || err2 != nil || a > b {
			return nil, fmt.Errorf("egress rule %q: %q is no port or range of ports", text, ports)
		}
		r.First, r.Last = uint16(a), uint16(b)
	}
	if host == "localhost" {
		v4, v6 := r, r
		v4.Prefix = netip.PrefixFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), 32)
		v6.Prefix = netip.PrefixFrom(netip.IPv6Loopback(), 128)
		return []Rule{v4, v6}, nil
	}
	if prefix, err := netip.ParsePrefix(host); err == nil {
		if prefix.Addr().Is4In6() {
			if prefix.Bits() < 96 {
				return nil, fmt.Errorf("egress rule %q: write IPv4 networks as IPv4", text)
			}
			prefix = netip.PrefixFrom(prefix.Addr().Unmap(), prefix.Bits()-96)
		}
		r.Prefix = prefix.Masked()
		return []Rule{r}, nil
	}
	addr, err := netip.ParseAddr(host)
	if err != nil || addr.Zone() != "" {
		return nil, fmt.Errorf("egress rule %q: want an address or a network such as 10.0.0.0/8, optionally with :port", text)
	}
	addr = addr.Unmap()
	r.Prefix = netip.PrefixFrom(addr, addr.BitLen())
	return []Rule{r}, nil
}

// ParseRules reads several.
func ParseRules(texts ...string) ([]Rule, error) {
	var all []Rule
	for _, text := range texts {
		rules, err := ParseRule(text)
		if err != nil {
			return nil, err
		}
		all = append(all, rules...)
	}
	return all, nil
}

// String writes a rule as ParseRule reads it.
func (r Rule) String() string {
	host := r.Prefix.String()
	if r.host() {
		host = r.Prefix.Addr().String()
	}
	if r.First == 0 && r.Last == 65535 {
		return host
	}
	if r.Prefix.Addr().Is6() {
		host = "[" + host + "]"
	}
	if r.First == r.Last {
		return fmt.Sprintf("%s:%d", host, r.First)
	}
	return fmt.Sprintf("%s:%d-%d", host, r.First, r.Last)
}

// host says whether the rule names a single address.
func (r Rule) host() bool { return r.Prefix.IsSingleIP() }

// contains says whether an address, unmapped, and a port are the rule's.
func (r Rule) contains(a netip.Addr, port uint16) bool {
	return r.Prefix.Contains(a) && r.First <= port && port <= r.Last
}

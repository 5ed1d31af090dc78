package egress

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/thawrun/thaw/abi"
)

const (
	// maxLookups bounds the look-ups in progress of all functions.
	maxLookups = 512
	// lookupTimeout ends one look-up.
	lookupTimeout = 30 * time.Second
	// maxAnswers and maxAnswerBytes cut what a name server, who may be hostile, has to say.
	maxAnswers     = 256
	maxAnswerBytes = 64 << 10
	// maxName is longer than any name in the DNS.
	maxName = 1024
)

// Lookup asks for a name, or for an address with abi.DNSPTR, and returns the answer that a guest gets: a status, then the
// strings of a record (abi/README.md, section 5.4). It never fails otherwise.
func (d *Dialer) Lookup(ctx context.Context, name string, kind uint32) (status uint32, answers []string) {
	if name == "" || len(name) > maxName || strings.ContainsAny(name, "\x00%") {
		return abi.DNSMalformed, nil
	}
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	select {
	case d.lookups <- struct{}{}:
		defer func() { <-d.lookups }()
	case <-ctx.Done():
		return abi.DNSTemporary, nil
	}
	answers, err := d.ask(ctx, name, kind)
	if err != nil {
		return lookupStatus(err), nil
	}
	size := 0
	for i, a := range answers {
		if size += 4 + len(a); i >= maxAnswers || size > maxAnswerBytes {
			answers = answers[:i]
			break
		}
	}
	if len(answers) == 0 {
		return abi.DNSNoName, nil
	}
	return abi.DNSOK, answers
}

var errKind = errors.New("kind not supported")

func (d *Dialer) ask(ctx context.Context, name string, kind uint32) (answers []string, err error) {
	r := d.resolver
	switch kind {
	case abi.DNSAny, abi.DNSIPv4, abi.DNSIPv6:
		return addresses(ctx, r, name, kind)
	case abi.DNSPTR:
		if _, err := netip.ParseAddr(name); err != nil {
			return nil, &net.DNSError{Err: "not an address", Name: name, IsNotFound: true}
		}
		names, err := r.LookupAddr(ctx, name)
		return plain(names), err
	case abi.DNSNS:
		all, err := r.LookupNS(ctx, name)
		for _, x := range all {
			answers = append(answers, undot(x.Host))
		}
		return answers, err
	case abi.DNSCNAME:
		cname, err := r.LookupCNAME(ctx, name)
		if err != nil || strings.EqualFold(undot(cname), undot(name)) {
			return nil, err
		}
		return []string{undot(cname)}, nil
	case abi.DNSMX:
		all, err := r.LookupMX(ctx, name)
		for _, x := range all {
			answers = append(answers, fmt.Sprintf("%d %s", x.Pref, undot(x.Host)))
		}
		return answers, err
	case abi.DNSTXT:
		return r.LookupTXT(ctx, name)
	case abi.DNSSRV:
		_, all, err := r.LookupSRV(ctx, "", "", name)
		for _, x := range all {
			answers = append(answers, fmt.Sprintf("%d %d %d %s", x.Priority, x.Weight, x.Port, undot(x.Target)))
		}
		return answers, err
	}
	return nil, errKind
}

func addresses(ctx context.Context, r *net.Resolver, name string, kind uint32) (answers []string, err error) {
	network := map[uint32]string{abi.DNSAny: "ip", abi.DNSIPv4: "ip4", abi.DNSIPv6: "ip6"}[kind]
	ips, err := r.LookupNetIP(ctx, network, name)
	for _, ip := range ips {
		if ip = ip.Unmap(); ip.Zone() == "" {
			answers = append(answers, string(ip.AsSlice()))
		}
	}
	return answers, err
}

func plain(names []string) []string {
	for i, n := range names {
		names[i] = undot(n)
	}
	return names
}

func undot(name string) string { return strings.TrimSuffix(name, ".") }

func lookupStatus(err error) uint32 {
	var dns *net.DNSError
	var addr *net.AddrError // the name is an address, of the other family
	switch {
	case errors.As(err, &addr):
		return abi.DNSNoName
	case errors.Is(err, errKind):
		return abi.DNSUnsupported
	case errors.As(err, &dns) && dns.IsNotFound:
		return abi.DNSNoName
	case errors.As(err, &dns) && (dns.IsTimeout || dns.IsTemporary), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return abi.DNSTemporary
	}
	return abi.DNSFailed
}

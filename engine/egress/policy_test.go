package egress

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/thawrun/thaw/abi"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func parse(t testing.TB, texts ...string) []Rule {
	t.Helper()
	r, err := ParseRules(texts...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// What is open without configuration, and why the rest is not.
func TestDefaultPolicy(t *testing.T) {
	d := New(Config{})
	defer d.Close()
	d.own.Store(&ownList{addrs: []netip.Addr{netip.MustParseAddr("198.51.99.7"), netip.MustParseAddr("2a00::7")}, until: time.Now().Add(time.Hour)})
	p, unknown := d.Policy(nil)
	if len(unknown) != 0 {
		t.Fatal(unknown)
	}
	for to, reason := range map[string]string{
		"93.184.216.34:443":           "",
		"1.1.1.1:53":                  "",
		"[2606:4700::1111]:443":       "",
		"[::ffff:1.1.1.1]:443":        "",
		"[64:ff9b::101:101]:443":      "", // NAT64 of 1.1.1.1
		"[2002:101:101::1]:443":       "", // 6to4 of 1.1.1.1
		"172.15.255.255:1":            "",
		"172.32.0.0:1":                "",
		"100.63.255.255:1":            "",
		"126.255.255.255:1":           "",
		"128.0.0.1:1":                 "",
		"198.51.99.8:1":               "",
		"127.0.0.1:80":                "loopback",
		"127.255.255.254:80":          "loopback",
		"[::1]:80":                    "loopback",
		"[::ffff:127.0.0.1]:80":       "loopback",
		"[64:ff9b::7f00:1]:80":        "loopback",
		"[2002:7f00:1::]:80":          "loopback",
		"0.0.0.0:80":                  "unspecified",
		"0.1.2.3:80":                  "unspecified",
		"[::]:80":                     "unspecified",
		"[::ffff:0.0.0.0]:80":         "unspecified",
		"169.254.169.254:80":          "metadata",
		"[::ffff:169.254.169.254]:80": "metadata",
		"[64:ff9b::a9fe:a9fe]:80":     "metadata",
		"[2002:a9fe:a9fe::1]:80":      "metadata",
		"[fd00:ec2::254]:80":          "metadata",
		"169.254.170.2:80":            "metadata",
		"168.63.129.16:80":            "metadata",
		"100.100.100.200:80":          "metadata",
		"169.254.1.1:80":              "link-local",
		"[fe80::1]:80":                "link-local",
		"10.0.0.1:80":                 "private",
		"172.16.0.1:80":               "private",
		"172.31.255.255:80":           "private",
		"192.168.1.1:80":              "private",
		"[64:ff9b::c0a8:101]:80":      "private",
		"100.64.0.1:80":               "carrier-grade NAT",
		"[fd12:3456::1]:80":           "unique local",
		"[fc00::1]:80":                "unique local",
		"[fec0::1]:80":                "site-local",
		"224.0.0.1:80":                "multicast",
		"239.255.255.250:1900":        "multicast",
		"[ff02::1]:80":                "multicast",
		"255.255.255.255:80":          "reserved",
		"240.0.0.1:80":                "reserved",
		"192.0.0.170:80":              "reserved",
		"198.18.0.1:80":               "benchmarking",
		"192.0.2.1:80":                "documentation",
		"[2001:db8::1]:80":            "documentation",
		"[2001::1]:80":                "Teredo",
		"[64:ff9b:1::1]:80":           "local NAT64",
		"[::7f00:1]:80":               "IPv4-compatible",
		"[::ffff:0:7f00:1]:80":        "IPv4-translated",
		"[4000::1]:80":                "reserved",
		"198.51.99.7:22":              "address of this node",
		"[2a00::7]:22":                "address of this node",
		"[64:ff9b::c633:6307]:22":     "address of this node",
	} {
		err := p.Check(netip.MustParseAddrPort(to))
		if reason == "" {
			if err != nil {
				t.Errorf("%s: %v", to, err)
			}
			continue
		}
		var refusal *Refusal
		if !errors.As(err, &refusal) || !strings.Contains(refusal.Reason, reason) || !strings.Contains(err.Error(), to) {
			t.Errorf("%s: %v, want %s", to, err, reason)
		}
	}
	if err := p.Check(netip.MustParseAddrPort("[fe80::1%eth0]:80")); err == nil {
		t.Error("an address with a zone is open")
	}
	if err := (*Policy)(nil).Check(netip.MustParseAddrPort("1.1.1.1:80")); err == nil {
		t.Error("open without a policy")
	}
}

// Rules open what they name: a broad one not loopback, link-local or metadata.
func TestRules(t *testing.T) {
	d := New(Config{
		Allow: parse(t, "10.0.0.0/8", "127.0.0.1:5432", "0.0.0.0/0:7000-7999", "[::/0]:7000", "169.254.169.254", "198.51.99.7:80"),
		Deny:  parse(t, "10.66.0.0/16", "8.8.8.8", "1.1.1.1:25"),
		Networks: []Network{
			{Name: "db", Subnets: []string{"subnet-1", "subnet-2"}, Allow: parse(t, "192.168.7.0/24:5432")},
			{Name: "inner", Subnets: []string{"subnet-3"}, Closed: true, Allow: parse(t, "172.16.0.0/12"), Deny: parse(t, "172.16.0.1")},
		},
	})
	defer d.Close()
	d.own.Store(&ownList{addrs: []netip.Addr{netip.MustParseAddr("10.0.0.9"), netip.MustParseAddr("198.51.99.7")}, until: time.Now().Add(time.Hour)})
	for _, c := range []struct {
		subnets string
		to      string
		open    bool
	}{
		{"", "10.1.2.3:80", true},
		{"", "[::ffff:10.1.2.3]:80", true},
		{"", "[64:ff9b::a01:203]:80", true},
		{"", "10.0.0.9:80", true}, // private comes first: the rule names it
		{"", "10.66.1.1:80", false},
		{"", "[64:ff9b::a42:101]:80", false},
		{"", "127.0.0.1:5432", true},
		{"", "127.0.0.1:5433", false},
		{"", "127.0.0.1:7000", false},   // by a rule for everything
		{"", "169.254.1.1:7000", false}, // likewise
		{"", "192.168.1.1:7000", true},
		{"", "192.168.1.1:8000", false},
		{"", "[fd00::1]:7000", true},
		{"", "[::1]:7000", false},
		{"", "169.254.169.254:80", true}, // named
		{"", "169.254.170.2:7000", false},
		{"", "198.51.99.7:80", true},
		{"", "198.51.99.7:7000", false}, // this node, by a rule for everything
		{"", "224.0.0.1:7000", false},
		{"", "8.8.8.8:53", false},
		{"", "1.1.1.1:25", false},
		{"", "1.1.1.1:443", true},
		{"", "192.168.7.1:5432", false},
		{"subnet-1", "192.168.7.1:5432", true},
		{"subnet-1,subnet-2", "192.168.7.1:5432", true},
		{"subnet-1", "192.168.7.1:22", false},
		{"subnet-1", "9.9.9.9:443", true},
		{"subnet-3", "9.9.9.9:443", false},
		{"subnet-3", "172.16.5.5:443", true},
		{"subnet-3", "172.16.0.1:443", false},
		{"subnet-3,subnet-1", "192.168.7.1:5432", true},
		{"subnet-9", "192.168.7.1:5432", false},
	} {
		var subnets []string
		if c.subnets != "" {
			subnets = strings.Split(c.subnets, ",")
		}
		p, unknown := d.Policy(subnets)
		if slices.Contains(subnets, "subnet-9") != (len(unknown) == 1) {
			t.Errorf("%s: unknown %v", c.subnets, unknown)
		}
		if err := p.Check(netip.MustParseAddrPort(c.to)); (err == nil) != c.open {
			t.Errorf("%s to %s: %v", c.subnets, c.to, err)
		}
	}
	closed := New(Config{Closed: true, Allow: parse(t, "9.9.9.9:443")})
	defer closed.Close()
	p, _ := closed.Policy(nil)
	if p.Check(netip.MustParseAddrPort("9.9.9.9:443")) != nil || p.Check(netip.MustParseAddrPort("9.9.9.9:80")) == nil {
		t.Error("closed to public addresses but for a rule")
	}
}

func TestParseRule(t *testing.T) {
	for text, want := range map[string]string{
		"10.0.0.0/8": "10.0.0.0/8", "10.1.2.3/8": "10.0.0.0/8", " 10.1.2.3 ": "10.1.2.3", "10.1.2.3:80": "10.1.2.3:80", "10.0.0.0/8:1-9": "10.0.0.0/8:1-9",
		"fd00::/8": "fd00::/8", "[fd00::/8]:443": "[fd00::/8]:443", "::1": "::1", "[::1]": "::1", "[::1]:5": "[::1]:5", "::ffff:1.2.3.4": "1.2.3.4",
		"::ffff:1.2.3.0/120": "1.2.3.0/24", "1.2.3.4:0-65535": "1.2.3.4",
	} {
		rules, err := ParseRule(text)
		if err != nil || len(rules) != 1 || rules[0].String() != want {
			t.Errorf("%q: %v, %v", text, rules, err)
		}
	}
	if rules, err := ParseRule("localhost:80"); err != nil || len(rules) != 2 {
		t.Errorf("localhost: %v, %v", rules, err)
	}
	for _, text := range []string{"", "example.com", "10.0.0.0/33", "10.0.0.1:", "10.0.0.1:99999", "10.0.0.1:9-1", "[::1", "[::1]5", "[::1]:", "fe80::1%eth0", "10.0.0.1:a", "::ffff:0:0/90"} {
		if rules, err := ParseRule(text); err == nil {
			t.Errorf("%q is %v", text, rules)
		}
	}
}

func FuzzParseRule(f *testing.F) {
	for _, s := range []string{"10.0.0.0/8", "[fd00::/8]:443", "localhost", "1.2.3.4:1-2"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		rules, err := ParseRule(text)
		if err != nil {
			return
		}
		for _, r := range rules {
			again, err := ParseRule(r.String())
			if err != nil || len(again) != 1 || again[0] != r {
				t.Fatalf("%q: %v, then %v, %v", text, r, again, err)
			}
		}
	})
}

// Whatever notation hides an address that is closed, it stays closed.
func TestEmbeddedAddressesCount(t *testing.T) {
	d := New(Config{})
	defer d.Close()
	p, _ := d.Policy(nil)
	rapid.Check(t, func(t *rapid.T) {
		b := [4]byte(rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "address"))
		v4 := netip.AddrFrom4(b)
		plain := p.Check(netip.AddrPortFrom(v4, 80)) != nil
		mapped := netip.AddrFrom16(v4.As16())
		nat := netip.MustParseAddr("64:ff9b::").As16()
		copy(nat[12:], b[:])
		six := netip.MustParseAddr("2002::1").As16()
		copy(six[2:], b[:])
		for _, a := range []netip.Addr{mapped, netip.AddrFrom16(nat), netip.AddrFrom16(six)} {
			if refused := p.Check(netip.AddrPortFrom(a, 80)) != nil; refused != plain {
				t.Fatalf("%s refused: %v, %s refused: %v", v4, plain, a, refused)
			}
		}
	})
}

func TestLookup(t *testing.T) {
	d := New(Config{})
	defer d.Close()
	ctx := t.Context()
	status, answers := d.Lookup(ctx, "localhost", abi.DNSIPv4)
	if status != abi.DNSOK || len(answers) == 0 || answers[0] != "\x7f\x00\x00\x01" {
		t.Errorf("localhost: %d, %q", status, answers)
	}
	status, answers = d.Lookup(ctx, "::1", abi.DNSAny)
	if status != abi.DNSOK || len(answers) != 1 || len(answers[0]) != 16 {
		t.Errorf("::1: %d, %q", status, answers)
	}
	if status, _ = d.Lookup(ctx, "::1", abi.DNSIPv4); status != abi.DNSNoName {
		t.Errorf("IPv4 of ::1: %d", status)
	}
	for _, name := range []string{"", strings.Repeat("a", 2000), "a\x00b", "fe80::1%lo"} {
		if status, _ := d.Lookup(ctx, name, abi.DNSAny); status != abi.DNSMalformed {
			t.Errorf("%.10q: %d", name, status)
		}
	}
	if status, _ = d.Lookup(ctx, "localhost", 99); status != abi.DNSUnsupported {
		t.Errorf("kind 99: %d", status)
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if status, _ = d.Lookup(ended, "host.invalid", abi.DNSAny); status == abi.DNSOK {
		t.Error("an answer after the end")
	}
}

// A name server that answers at length is cut short.
func TestLookupOfHugeAnswer(t *testing.T) {
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	tcp, err := net.Listen("tcp", server.LocalAddr().String())
	if err != nil {
		t.Skip("no TCP port of the same number: ", err)
	}
	done := make(chan struct{})
	go func() { serveDNS(server, tcp); close(done) }()
	d := New(Config{})
	d.resolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		var dialer net.Dialer
		return dialer.DialContext(ctx, network, server.LocalAddr().String())
	}}
	status, answers := d.Lookup(t.Context(), "huge.example.", abi.DNSIPv4)
	if status != abi.DNSOK || len(answers) != maxAnswers {
		t.Errorf("status %d, %d answers", status, len(answers))
	}
	d.Close()
	_ = server.Close()
	_ = tcp.Close()
	<-done
}

func TestDialerLimits(t *testing.T) {
	d := New(Config{MaxSockets: 2})
	if d.Acquire() != nil || d.Acquire() != nil || !errors.Is(d.Acquire(), ErrTooMany) {
		t.Error("a third socket")
	}
	d.Release()
	if d.Sockets() != 1 || d.Acquire() != nil {
		t.Error("released one")
	}
	started := make(chan struct{})
	if !d.Go(func(ctx context.Context) { close(started); <-ctx.Done() }) {
		t.Fatal("refused")
	}
	<-started
	d.Close()
	if d.Go(func(context.Context) {}) {
		t.Error("something started after Close")
	}
}

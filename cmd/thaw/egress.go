package main

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/spf13/pflag"

	"github.com/thawrun/thaw/engine/egress"
)

// addEgressFlags declares the flags that say where functions may connect to.
func addEgressFlags(f *pflag.FlagSet) {
	f.String("egress", "public", "public: functions may connect to public addresses; closed: only to what --egress-allow names")
	f.String("egress-allow", "", "more addresses that functions may connect to, such as 10.0.0.0/8,192.168.1.5:5432")
	f.String("egress-deny", "", "addresses that functions may not connect to, whatever else is said")
	f.Bool("egress-endpoint", false, "functions may call this server")
	f.String("egress-roots", "", "file of certificates (PEM) that functions trust besides the system's")
}

// egressNetwork is a network of the configuration file: what functions in certain subnets may reach besides.
type egressNetwork struct {
	Name    string   `yaml:"name" koanf:"name"`
	Subnets []string `yaml:"subnets" koanf:"subnets"`
	Closed  bool     `yaml:"closed" koanf:"closed"`
	Allow   []string `yaml:"allow" koanf:"allow"`
	Deny    []string `yaml:"deny" koanf:"deny"`
}

// egressSection takes the section egress out of a configuration file and returns it as the keys that the flags have. A plain
// value, egress: closed, is the flag's.
func egressSection(file values) (values, error) {
	section, ok := file["egress"].(map[string]any)
	if !ok {
		return nil, nil
	}
	delete(file, "egress")
	text, err := yaml.Marshal(section)
	if err != nil {
		return nil, fmt.Errorf("egress: %w", err)
	}
	var s struct {
		Default  *string         `yaml:"default"`
		Allow    []string        `yaml:"allow"`
		Deny     []string        `yaml:"deny"`
		Endpoint *bool           `yaml:"endpoint"`
		Roots    *string         `yaml:"roots"`
		Networks []egressNetwork `yaml:"networks"`
	}
	if err := yaml.UnmarshalWithOptions(text, &s, yaml.Strict()); err != nil {
		return nil, fmt.Errorf("egress: %w", err)
	}
	v := values{}
	if s.Default != nil {
		v["egress"] = *s.Default
	}
	if s.Allow != nil {
		v["egress-allow"] = strings.Join(s.Allow, ",")
	}
	if s.Deny != nil {
		v["egress-deny"] = strings.Join(s.Deny, ",")
	}
	if s.Endpoint != nil {
		v["egress-endpoint"] = *s.Endpoint
	}
	if s.Roots != nil {
		v["egress-roots"] = *s.Roots
	}
	if s.Networks != nil {
		v["egress-networks"] = s.Networks
	}
	return v, nil
}

// egress is the policy and the certificates of --egress-roots.
func (c *config) egress() (policy egress.Config, roots []byte, err error) {
	switch c.Egress {
	case "public", "":
	case "closed":
		policy.Closed = true
	default:
		return policy, nil, fmt.Errorf("--egress %q: choose public or closed", c.Egress)
	}
	if policy.Allow, err = egress.ParseRules(list(c.EgressAllow)...); err != nil {
		return policy, nil, fmt.Errorf("--egress-allow: %w", err)
	}
	if policy.Deny, err = egress.ParseRules(list(c.EgressDeny)...); err != nil {
		return policy, nil, fmt.Errorf("--egress-deny: %w", err)
	}
	if c.EgressEndpoint {
		rules, err := endpointRules(c.Listen)
		if err != nil {
			return policy, nil, fmt.Errorf("--egress-endpoint: --listen %s is no address: %w", c.Listen, err)
		}
		policy.Allow = append(policy.Allow, rules...)
	}
	subnets := map[string]string{}
	for _, n := range c.EgressNetworks {
		network := egress.Network{Name: n.Name, Subnets: n.Subnets, Closed: n.Closed}
		if n.Name == "" || len(n.Subnets) == 0 {
			return policy, nil, fmt.Errorf("egress network %q: want a name and subnets", n.Name)
		}
		for _, id := range n.Subnets {
			if other, ok := subnets[id]; ok {
				return policy, nil, fmt.Errorf("egress: subnet %s belongs to both %s and %s", id, other, n.Name)
			}
			subnets[id] = n.Name
		}
		if network.Allow, err = egress.ParseRules(n.Allow...); err != nil {
			return policy, nil, fmt.Errorf("egress network %s: %w", n.Name, err)
		}
		if network.Deny, err = egress.ParseRules(n.Deny...); err != nil {
			return policy, nil, fmt.Errorf("egress network %s: %w", n.Name, err)
		}
		policy.Networks = append(policy.Networks, network)
	}
	if c.EgressRoots != "" {
		if roots, err = os.ReadFile(c.EgressRoots); err != nil {
			return policy, nil, fmt.Errorf("--egress-roots: %w", err)
		}
	}
	return policy, roots, nil
}

// endpointRules open the address that the server listens on; where that is all of the machine's, each of these.
func endpointRules(listen string) ([]egress.Rule, error) {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return nil, err
	}
	if ip, err := netip.ParseAddr(host); host != "" && (err != nil || !ip.IsUnspecified()) {
		return egress.ParseRules(listen)
	}
	texts := []string{net.JoinHostPort("localhost", port)}
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return nil, err
	}
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok && !n.IP.IsLoopback() && !n.IP.IsLinkLocalUnicast() {
			texts = append(texts, net.JoinHostPort(n.IP.String(), port))
		}
	}
	return egress.ParseRules(texts...)
}

// list splits a comma-separated flag.
func list(text string) (all []string) {
	for item := range strings.SplitSeq(text, ",") {
		if item = strings.TrimSpace(item); item != "" {
			all = append(all, item)
		}
	}
	return all
}

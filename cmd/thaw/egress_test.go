package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/thawrun/thaw/engine/egress"
)

func rules(t *testing.T, texts ...string) []egress.Rule {
	t.Helper()
	r, err := egress.ParseRules(texts...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// The section of the file and the flags mean the same; flags win.
func TestEgressConfiguration(t *testing.T) {
	roots := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(roots, []byte("certificates"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		file string
		args []string
		want egress.Config
		pem  string
	}{
		"default": {"", nil, egress.Config{}, ""},
		"flags": {"", []string{"--egress", "closed", "--egress-allow", "10.0.0.0/8, [fd00::1]:443", "--egress-deny", "10.9.0.0/16", "--egress-endpoint", "--egress-roots", roots},
			egress.Config{Closed: true, Allow: rules(t, "10.0.0.0/8", "[fd00::1]:443", "127.0.0.1:9001"), Deny: rules(t, "10.9.0.0/16")}, "certificates"},
		"a word in the file": {"egress: closed\n", nil, egress.Config{Closed: true}, ""},
		"section": {`egress:
  default: closed
  allow: [10.0.0.0/8, "192.168.1.5:5432"]
  endpoint: true
  networks:
    - name: backend
      subnets: [subnet-1, subnet-2]
      closed: true
      allow: [172.16.0.0/12]
      deny: ["172.16.0.1:22"]
`, []string{"--egress", "public", "--listen", "127.0.0.1:8000"}, egress.Config{
			Allow: rules(t, "10.0.0.0/8", "192.168.1.5:5432", "127.0.0.1:8000"),
			Networks: []egress.Network{{Name: "backend", Subnets: []string{"subnet-1", "subnet-2"}, Closed: true,
				Allow: rules(t, "172.16.0.0/12"), Deny: rules(t, "172.16.0.1:22")}},
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			cfg, err := load(t, c.file, nil, c.args...)
			if err != nil {
				t.Fatal(err)
			}
			got, pem, err := cfg.egress()
			if err != nil || string(pem) != c.pem {
				t.Fatalf("%q, %v", pem, err)
			}
			if len(got.Allow) == 0 {
				got.Allow = nil
			}
			if diff := cmp.Diff(c.want, got, cmp.Comparer(func(a, b egress.Rule) bool { return a == b })); diff != "" {
				t.Error(diff)
			}
		})
	}
	for _, listen := range []string{"0.0.0.0:8000", "[::]:8000", ":8000"} {
		got, err := endpointRules(listen)
		if err != nil || len(got) < 2 || got[0] != rules(t, "127.0.0.1:8000")[0] || got[1] != rules(t, "[::1]:8000")[0] {
			t.Errorf("%s: %v, %v", listen, got, err)
		}
	}
	for file, want := range map[string]string{
		"egress: sometimes\n":                                                       `choose public or closed`,
		"egress:\n  allow: [nonsense]\n":                                            `egress rule "nonsense"`,
		"egress:\n  allows: [10.0.0.0/8]\n":                                         `unknown field`,
		"egress:\n  networks: [{name: a}]\n":                                        `want a name and subnets`,
		"egress:\n  roots: /nonexistent/file\n":                                     `--egress-roots`,
		"egress:\n  networks: [{name: a, subnets: [s]}, {name: b, subnets: [s]}]\n": `both a and b`,
	} {
		if _, err := load(t, file, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", file, err)
		}
	}
}

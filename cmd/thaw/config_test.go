package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"pgregory.net/rapid"
)

// load reads the settings as thaw serve would, from a clean environment.
func load(t *testing.T, file string, env map[string]string, args ...string) (*config, error) {
	t.Helper()
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); strings.HasPrefix(name, "THAW_") {
			t.Setenv(name, "")
			if err := os.Unsetenv(name); err != nil { // t.Setenv puts it back
				t.Fatal(err)
			}
		}
	}
	t.Setenv("XDG_DATA_HOME", "/data")
	for name, value := range env {
		t.Setenv(name, value)
	}
	if file != "" {
		name := filepath.Join(t.TempDir(), "thaw.yaml")
		if err := os.WriteFile(name, []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, "--config", name)
	}
	var c *config
	var err error
	cmd := &cobra.Command{Use: "test", RunE: func(cmd *cobra.Command, _ []string) error { c, err = loadConfig(cmd); return nil }}
	addFlags(cmd.Flags())
	cmd.SetArgs(args)
	if perr := cmd.Execute(); perr != nil {
		t.Fatal(perr)
	}
	return c, err
}

// defaults are what the issue that asked for the command lays down.
func defaults() config {
	return config{
		Listen: "127.0.0.1:9001", Data: "/data/thaw", Auth: "sigv4", Audit: "files", Region: "us-east-1", Account: "000000000000", Limits: "guide", LogLevel: "info",
		MemoryBudget: "0", IdleTimeout: 10 * time.Minute, CPU: "shared",
		Egress: "public", AsyncRetryDelay: time.Minute,
	}
}

// Flags win over the environment, that over the file, that over defaults.
func TestConfigPrecedence(t *testing.T) {
	with := func(edit func(*config)) config { c := defaults(); edit(&c); return c }
	file := "region: eu-west-1\ncpu: proportional\nidle-timeout: 90s\nfunction-snapshots: true\nmemory-budget: 1073741824\n"
	for name, c := range map[string]struct {
		file string
		env  map[string]string
		args []string
		want config
	}{
		"nothing set":   {want: defaults()},
		"an empty file": {file: "# nothing\n", want: defaults()},
		"the file": {file: file, want: with(func(c *config) {
			c.Region, c.CPU, c.IdleTimeout, c.FunctionSnapshots, c.MemoryBudget = "eu-west-1", "proportional", 90*time.Second, true, "1073741824"
		})},
		"an account in quotes": {file: "account: \"012345678901\"", want: with(func(c *config) { c.Account = "012345678901" })},
		"the environment": {env: map[string]string{"THAW_REGION": "eu-west-2", "THAW_FUNCTION_SNAPSHOTS": "true", "THAW_IDLE_TIMEOUT": "1m"}, want: with(func(c *config) {
			c.Region, c.FunctionSnapshots, c.IdleTimeout = "eu-west-2", true, time.Minute
		})},
		"environment over file": {file: file, env: map[string]string{"THAW_REGION": "eu-west-2", "THAW_FUNCTION_SNAPSHOTS": "false"}, want: with(func(c *config) {
			c.Region, c.CPU, c.IdleTimeout, c.MemoryBudget = "eu-west-2", "proportional", 90*time.Second, "1073741824"
		})},
		"flag over both": {file: file, env: map[string]string{"THAW_REGION": "eu-west-2", "THAW_CPU": "proportional"}, args: []string{"--region", "eu-west-3", "--cpu=shared", "--function-snapshots=false"}, want: with(func(c *config) {
			c.Region, c.IdleTimeout, c.MemoryBudget = "eu-west-3", 90*time.Second, "1073741824"
		})},
		"a flag set to its default wins too": {file: file, args: []string{"--region", "us-east-1"}, want: with(func(c *config) {
			c.CPU, c.IdleTimeout, c.FunctionSnapshots, c.MemoryBudget = "proportional", 90*time.Second, true, "1073741824"
		})},
		"IPv6 loopback": {args: []string{"--listen", "[::1]:0"}, want: with(func(c *config) { c.Listen = "[::1]:0" })},
		"localhost":     {args: []string{"--listen", "localhost:80"}, want: with(func(c *config) { c.Listen = "localhost:80" })},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := load(t, c.file, c.env, c.args...)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, *got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// The README's example is one.
func TestConfigOfTheREADME(t *testing.T) {
	b, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, block, ok := strings.Cut(string(b), "```yaml\n")
	if !ok {
		t.Fatal("the README has no YAML")
	}
	block, _, _ = strings.Cut(block, "```")
	want := defaults()
	want.Account, want.Limits, want.MemoryBudget, want.IdleTimeout = "123456789012", "current", "4GiB", 30*time.Minute
	got, err := load(t, block, nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, *got); diff != "" {
		t.Error(diff)
	}
}

func TestConfigRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		file string
		env  map[string]string
		args []string
		want string
	}{
		"unknown key":             {file: "colour: blue", want: `unknown key "colour", known are account, async-retry-delay, audit, auth, cpu, data,`},
		"a flag that is no key":   {file: "once: true", want: `unknown key "once"`},
		"a file in the file":      {file: "config: other.yaml", want: `unknown key "config"`},
		"a list":                  {file: "listen: [a, b]", want: "listen takes one value"},
		"a tree":                  {file: "cpu:\n  mode: shared\n", want: "cpu takes one value"},
		"nothing after the colon": {file: "region:", want: "region takes one value"},
		"not a mapping":           {file: "- a\n- b\n", want: "configuration"},
		"account as a number":     {file: "account: 123456789012", want: `write the account in quotes`},
		"account as octal":        {file: "account: 000000000000", want: `write the account in quotes`},
		"short account":           {args: []string{"--account", "42"}, want: "12 digits"},
		"region":                  {env: map[string]string{"THAW_REGION": "moon"}, want: `--region "moon"`},
		"not a switch":            {env: map[string]string{"THAW_FUNCTION_SNAPSHOTS": "perhaps"}, want: "function-snapshots"},
		"not a duration":          {file: "idle-timeout: soon", want: "idle-timeout"},
		"no time at all":          {args: []string{"--idle-timeout", "0"}, want: "--idle-timeout"},
		"no data folder":          {args: []string{"--data", ""}, want: "--data is empty"},
		"a port alone":            {args: []string{"--listen", "9001"}, want: "want host:port"},
		"all interfaces":          {args: []string{"--auth", "none", "--listen", ":9001"}, want: "only serves loopback"},
		"all interfaces, IPv6":    {args: []string{"--auth", "none", "--listen", "[::]:9001"}, want: "only serves loopback"},
		"a name":                  {args: []string{"--auth=none", "--listen", "example.com:9001"}, want: "only serves loopback"},
		"account twice":           {args: []string{"--account", "123456789012,123456789012"}, want: "12 digits"},
		"audit":                   {args: []string{"--audit", "tape"}, want: "choose files, log"},
		"roles":                   {args: []string{"--roles", "lax"}, want: "choose strict or permissive"},
		"another auth":            {file: "auth: basic", want: "choose none or sigv4"},
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := load(t, c.file, c.env, c.args...); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%+v, %v; want %q", got, err, c.want)
			}
		})
	}
}

func TestMemoryBudget(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "1048576": 1 << 20, "3KiB": 3 << 10, "512 MiB": 512 << 20, " 2GiB ": 2 << 30, "9223372036854775807": 1<<63 - 1,
	} {
		if got, err := (&config{MemoryBudget: text}).memory(); err != nil || got != want {
			t.Errorf("%q: %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "much", "-1", "-1GiB", "1.5GiB", "1GB", "1 GiB MiB", "8589934592GiB", "9223372036854775808", "0x10", "GiB"} {
		if got, err := (&config{MemoryBudget: text}).memory(); err == nil {
			t.Errorf("%q is %d", text, got)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`-?[0-9]{0,20} ?(KiB|MiB|GiB)?`).Draw(t, "text")
		if got, err := (&config{MemoryBudget: text}).memory(); err == nil && got < 0 {
			t.Errorf("%q is %d", text, got)
		}
	})
}

// What --help promises is what holds.
func TestHelpStatesDefaults(t *testing.T) {
	t.Setenv("XDG_DATA_HOME", "/data")
	root := newRoot()
	var out strings.Builder
	root.SetOut(&out)
	root.SetArgs([]string{"serve", "--help"})
	if err := root.Execute(); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`(default "127.0.0.1:9001")`, `(default "/data/thaw")`, `(default "sigv4")`, `(default "us-east-1")`, `(default "000000000000")`, `(default "guide")`,
		`(default "info")`, `(default "shared")`, `(default 10m0s)`, "THAW_", "--config",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the help lacks %s:\n%s", want, &out)
		}
	}
}

func FuzzConfigFile(f *testing.F) {
	for _, s := range []string{"listen: 127.0.0.1:9001\n", "account: \"1\"", "a: [1, {b: c}]", "cpu: &x shared\nauth: *x\n", "? [", "\xff", "region: !!binary aGk=", "<<: 1"} {
		f.Add([]byte(s))
	}
	known := values{"listen": "", "account": "", "cpu": ""}
	f.Fuzz(func(t *testing.T, b []byte) {
		name := filepath.Join(t.TempDir(), "f.yaml")
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := readFile(name, known)
		if err != nil {
			return
		}
		for key, value := range got {
			if _, ok := known[key]; !ok {
				t.Errorf("key %q got through", key)
			}
			switch value.(type) {
			case string, bool, int, int64, uint64:
			default:
				t.Errorf("%s is a %T", key, value)
			}
		}
	})
}

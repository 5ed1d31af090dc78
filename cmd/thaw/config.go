package main

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/knadh/koanf/v2"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// config is what a server is started with. The names are those of flags, of keys in the file, and, upper-cased with THAW_
// before and _ for -, of environment variables.
type config struct {
	Listen            string        `koanf:"listen"`
	Data              string        `koanf:"data"`
	Auth              string        `koanf:"auth"`
	Roles             string        `koanf:"roles"`
	Audit             string        `koanf:"audit"`
	Region            string        `koanf:"region"`
	Account           string        `koanf:"account"`
	Limits            string        `koanf:"limits"`
	LogLevel          string        `koanf:"log-level"`
	MemoryBudget      string        `koanf:"memory-budget"`
	IdleTimeout       time.Duration `koanf:"idle-timeout"`
	CPU               string        `koanf:"cpu"`
	FunctionSnapshots bool          `koanf:"function-snapshots"`

	S3Endpoint      string        `koanf:"s3-endpoint"`
	S3Region        string        `koanf:"s3-region"`
	S3AccessKey     string        `koanf:"s3-access-key"`
	S3SecretKey     string        `koanf:"s3-secret-key"`
	S3VirtualHost   bool          `koanf:"s3-virtual-host"`
	AsyncRetryDelay time.Duration `koanf:"async-retry-delay"`
	RetiredRuntimes string        `koanf:"retired-runtimes"`

	Egress         string          `koanf:"egress"`
	EgressAllow    string          `koanf:"egress-allow"`
	EgressDeny     string          `koanf:"egress-deny"`
	EgressEndpoint bool            `koanf:"egress-endpoint"`
	EgressRoots    string          `koanf:"egress-roots"`
	EgressNetworks []egressNetwork `koanf:"egress-networks"` // only in the file
}

// addFlags declares the flags of every command that starts a server.
func addFlags(f *pflag.FlagSet) {
	f.String("config", "", "YAML file with settings named like these flags")
	f.String("listen", "127.0.0.1:9001", "address to serve the Lambda API on")
	f.String("data", defaultData(), "folder for functions, code and caches")
	f.String("auth", "sigv4", "sigv4: requests are signed with credentials that the server knows (see thaw env); none: everybody may do everything, only on a loopback address")
	f.String("roles", "", "strict: a function's role must exist and trust Lambda; permissive: any will do; empty = strict, but permissive with --auth none")
	f.String("audit", "files", "where calls are recorded, in CloudTrail's format: files (in the folder audit of the data folder), log, files,log or off")
	f.String("region", "us-east-1", "AWS region that the server stands for")
	f.String("account", "000000000000", "AWS accounts that the server stands for, separated by commas; the first is the default")
	f.String("limits", "guide", "guide: limits of the Developer Guide of 2016; current: today's Lambda quotas")
	f.String("log-level", "info", "debug, info, warn or error")
	f.String("memory-budget", "0", "memory for all function instances, such as 2GiB; 0 = half of what the machine or cgroup has")
	f.Duration("idle-timeout", 10*time.Minute, "how long an idle instance is kept")
	f.String("cpu", "shared", "shared: weights by memory under contention; proportional: 1,792 MB = one processor, even when idle")
	addEgressFlags(f)
	addCodeFlags(f)
	f.Bool("function-snapshots", false, "start every function from a snapshot with its handler loaded")
}

// defaultData follows the XDG base directory specification.
func defaultData() string {
	if dir := os.Getenv("XDG_DATA_HOME"); dir != "" {
		return filepath.Join(dir, "thaw")
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "thaw-data"
	}
	return filepath.Join(home, ".local", "share", "thaw")
}

// values is a koanf provider of a flat map.
type values map[string]any

func (v values) Read() (map[string]any, error) { return v, nil }
func (v values) ReadBytes() ([]byte, error)    { return nil, errors.New("not bytes") }

// loadConfig reads and checks the settings.
func loadConfig(cmd *cobra.Command) (*config, error) {
	c, err := readConfig(cmd)
	if err != nil {
		return nil, err
	}
	return c, c.check()
}

// readConfig reads the settings: flags win over the environment, that over the file, that over defaults.
func readConfig(cmd *cobra.Command) (*config, error) {
	flags := cmd.Flags()
	defaults, set := values{}, values{}
	flags.VisitAll(func(f *pflag.Flag) { defaults[f.Name] = f.DefValue })
	flags.Visit(func(f *pflag.Flag) { set[f.Name] = f.Value.String() })
	env := values{}
	for name := range defaults {
		if v, ok := os.LookupEnv("THAW_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))); ok {
			env[name] = v
		}
	}
	file := values{}
	for _, from := range []values{env, set} {
		if name, ok := from["config"].(string); ok && name != "" {
			var err error
			if file, err = readFile(name, defaults); err != nil {
				return nil, err
			}
		}
	}
	k := koanf.New("\x00") // keys are flat
	for _, source := range []values{defaults, file, env, set} {
		if err := k.Load(source, nil); err != nil {
			return nil, err
		}
	}
	c := new(config)
	if err := k.Unmarshal("", c); err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	return c, nil
}

func readFile(name string, known values) (values, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	file := values{}
	if err := yaml.Unmarshal(b, &file); err != nil {
		return nil, fmt.Errorf("configuration %s: %w", name, err)
	}
	egress, err := egressSection(file)
	if err != nil {
		return nil, fmt.Errorf("configuration %s: %w", name, err)
	}
	keys := slices.DeleteFunc(slices.Sorted(maps.Keys(known)), func(key string) bool { return slices.Contains(notInFile(), key) })
	for key, value := range file {
		if !slices.Contains(keys, key) {
			return nil, fmt.Errorf("configuration %s: unknown key %q, known are %s", name, key, strings.Join(keys, ", "))
		}
		switch value.(type) {
		case string, bool:
		case int, int64, uint64:
			// YAML has no idea that 000000000000 is not a number, and reads 0123 as octal.
			if key == "account" {
				return nil, fmt.Errorf("configuration %s: write the account in quotes, account: \"123456789012\"", name)
			}
		default:
			return nil, fmt.Errorf("configuration %s: %s takes one value, not %v", name, key, value)
		}
	}
	maps.Copy(file, egress)
	return file, nil
}

// notInFile are the flags that are not settings of a server.
func notInFile() []string { return []string{"config", "help", "once", "shell"} }

func (c *config) check() error {
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return fmt.Errorf("--listen %q: want host:port", c.Listen)
	}
	switch c.Auth {
	case "none":
		if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			return fmt.Errorf("--auth none lets everybody do everything, so it only serves loopback addresses, not %s", c.Listen)
		}
	case "sigv4":
	default:
		return fmt.Errorf("--auth %q: choose none or sigv4", c.Auth)
	}
	for i, id := range c.accounts() {
		if !accountPattern().MatchString(id) || slices.Contains(c.accounts()[:i], id) {
			return fmt.Errorf("--account %q: want 12 digits, or several such numbers separated by commas", c.Account)
		}
	}
	if !slices.Contains([]string{"files", "log", "files,log", "log,files", "off"}, c.Audit) {
		return fmt.Errorf("--audit %q: choose files, log, files,log or off", c.Audit)
	}
	if c.Roles != "" && c.Roles != "strict" && c.Roles != "permissive" {
		return fmt.Errorf("--roles %q: choose strict or permissive", c.Roles)
	}
	if !regionPattern().MatchString(c.Region) {
		return fmt.Errorf("--region %q: want a name such as us-east-1", c.Region)
	}
	if c.Data == "" {
		return errors.New("--data is empty: name a folder")
	}
	if c.IdleTimeout <= 0 {
		return fmt.Errorf("--idle-timeout %s: want more than nothing, such as 10m", c.IdleTimeout)
	}
	if c.CPU != "shared" && c.CPU != "proportional" {
		return fmt.Errorf("--cpu %q: choose shared or proportional", c.CPU)
	}
	if _, err = c.memory(); err != nil {
		return err
	}
	if _, err = c.codeSource(); err != nil {
		return err
	}
	_, _, err = c.egress()
	return err
}

// The shapes of an ARN's parts, in which region and account appear (API reference, FunctionName).
func accountPattern() *regexp.Regexp { return regexp.MustCompile(`^[0-9]{12}$`) }
func regionPattern() *regexp.Regexp {
	return regexp.MustCompile(`^[a-z]{2}(-gov|-iso[a-z]?)?-[a-z]+-[0-9]$`)
}

// accounts are the accounts that there are, the default one first.
func (c *config) accounts() []string {
	all := strings.Split(c.Account, ",")
	for i := range all {
		all[i] = strings.TrimSpace(all[i])
	}
	return all
}

// permissiveRoles says whether functions may have roles that don't exist.
func (c *config) permissiveRoles() bool {
	return c.Roles == "permissive" || c.Roles == "" && c.Auth == "none"
}

func (c *config) level() (l slog.Level, err error) {
	if err = l.UnmarshalText([]byte(c.LogLevel)); err != nil {
		err = fmt.Errorf("--log-level %q: choose debug, info, warn or error", c.LogLevel)
	}
	return l, err
}

// memory is the memory budget in bytes.
func (c *config) memory() (int64, error) {
	text := strings.TrimSpace(c.MemoryBudget)
	shift := 0
	for unit, s := range map[string]int{"KiB": 10, "MiB": 20, "GiB": 30} {
		if t, ok := strings.CutSuffix(text, unit); ok {
			text, shift = strings.TrimSpace(t), s
			break
		}
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 || n > math.MaxInt64>>shift {
		return 0, fmt.Errorf("--memory-budget %q: want a number of bytes, or one with KiB, MiB or GiB", c.MemoryBudget)
	}
	return n << shift, nil
}

package engine

import (
	"crypto/rand"
	"encoding/hex"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/thawrun/thaw/abi"
)

// logGroup is the CloudWatch log group of a function (guide, rows MON-02).
func (f *Function) logGroup() string {
	if f.LogGroup != "" {
		return f.LogGroup
	}
	return "/aws/lambda/" + f.Name
}

// initialization says how instances come about, as Lambda tells functions.
func (f *Function) initialization() string {
	switch {
	case f.Prewarm > 0:
		return "provisioned-concurrency"
	case f.SnapStart:
		return "snap-start"
	}
	return "on-demand"
}

// newLogStream names the log stream of a new instance as Lambda does: date, version, 32 hexadecimal digits.
func newLogStream(version string, now time.Time) string {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails (package crypto/rand)
	return now.UTC().Format("2006/01/02/[") + version + "]" + hex.EncodeToString(id[:])
}

// environment is the whole environment of a function as alternating keys and values. What Lambda reserves can't be
// overridden by the function; what it merely presets can (Lambda Developer Guide, "Defined runtime environment variables").
// What every function has comes first, sorted, then the function's own, sorted: guests may be prepared for the former.
func environment(f *Function, g *abi.Guest, region, logStream string) []string {
	env := map[string]string{
		"LANG":            "en_US.UTF-8",
		"PATH":            "/usr/local/bin:/usr/bin/:/bin:/opt/bin",
		"LD_LIBRARY_PATH": "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib",
		"TZ":              ":UTC",
	}
	for _, kv := range g.Env {
		k, v, _ := strings.Cut(kv, "=")
		env[k] = v
	}
	var own []string
	for k, v := range f.Env {
		if _, preset := env[k]; !preset {
			own = append(own, k)
		}
		env[k] = v
	}
	reserved := map[string]string{
		"_HANDLER":                        f.Handler,
		"AWS_REGION":                      region,
		"AWS_DEFAULT_REGION":              region,
		"AWS_EXECUTION_ENV":               "AWS_Lambda_" + f.Runtime,
		"AWS_LAMBDA_FUNCTION_NAME":        f.Name,
		"AWS_LAMBDA_FUNCTION_VERSION":     f.Version,
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": strconv.Itoa(f.MemoryMB),
		"AWS_LAMBDA_INITIALIZATION_TYPE":  f.initialization(),
		"AWS_LAMBDA_LOG_GROUP_NAME":       f.logGroup(),
		logStreamVariable:                 logStream,
		"LAMBDA_TASK_ROOT":                abi.TaskRoot,
		"LAMBDA_RUNTIME_DIR":              abi.RuntimeRoot,
	}
	maps.Copy(env, reserved)
	own = slices.DeleteFunc(own, func(k string) bool { _, ok := reserved[k]; return ok })
	pairs := make([]string, 0, 2*len(env))
	common := slices.DeleteFunc(slices.Sorted(maps.Keys(env)), func(k string) bool { return slices.Contains(own, k) })
	slices.Sort(own)
	for _, k := range append(common, own...) {
		pairs = append(pairs, k, env[k])
	}
	return pairs
}

// logStreamVariable is the only variable that instances of a version differ in, credentials apart.
const logStreamVariable = "AWS_LAMBDA_LOG_STREAM_NAME"

// environment is that of a version's instances, with another log stream each.
func (v *version) environment(logStream string) []string {
	v.envOnce.Do(func() {
		v.env = environment(&v.f, v.g.abi, v.e.cfg.Region, "")
		for i := 0; i < len(v.env); i += 2 {
			if v.env[i] == logStreamVariable {
				v.envStream = i + 1
			}
		}
	})
	pairs := append(make([]string, 0, len(v.env)+6), v.env...) // room for credentials
	pairs[v.envStream] = logStream
	return pairs
}

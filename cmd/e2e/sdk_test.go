package e2e

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// needNetwork says why a tool could not fetch what a test needs, if that is the reason, and skips the test: loudly, and not in CI.
func needNetwork(t *testing.T, out []byte, err error) {
	t.Helper()
	if err == nil {
		return
	}
	for _, text := range []string{"dial tcp", "no such host", "ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "i/o timeout", "ETIMEDOUT"} {
		if strings.Contains(string(out), text) && os.Getenv("CI") == "" {
			t.Skipf("SKIPPED, NOT TESTED: no network to fetch the SDK:\n%s", out)
		}
	}
	t.Fatalf("%v\n%s", err, out)
}

// aws-sdk-go-v2, and the calls of deploy tools that are made with it. The program is a module of its own.
func TestSDKForGo(t *testing.T) {
	program := filepath.Join(t.TempDir(), "program")
	build := exec.Command("go", "build", "-o", program, ".")
	build.Dir = filepath.Join("clients", "go")
	out, err := build.CombinedOutput()
	needNetwork(t, out, err)
	s := serve(t, dataDir(t), "--auth", "sigv4", "--roles", "permissive")
	cmd := exec.Command(program)
	cmd.Env = s.clientEnv()
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "checks passed") {
		t.Errorf("%v\n%s", err, out)
	}
}

// Versions 2 and 3 of the SDK for JavaScript, as npm has them.
func TestSDKForJavaScript(t *testing.T) {
	node, npm := tool(t, "node", "--version"), tool(t, "npm", "--version")
	dir := t.TempDir()
	for _, name := range []string{"v2.mjs", "v3.mjs", "zip.mjs"} {
		b, err := os.ReadFile(filepath.Join("clients", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	install := exec.CommandContext(ctx, npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--no-package-lock", "aws-sdk@2.1692.0", "@aws-sdk/client-lambda@3.1160.0")
	install.Dir = dir
	out, err := install.CombinedOutput()
	needNetwork(t, out, err)
	s := serve(t, dataDir(t), "--auth", "sigv4", "--roles", "permissive")
	for _, name := range []string{"v2", "v3"} {
		cmd := exec.Command(node, "--no-warnings", name+".mjs")
		cmd.Dir = dir
		cmd.Env = append(s.clientEnv(), "AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE=1")
		if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), name+" passed") {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
}

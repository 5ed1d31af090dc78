package e2e

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// The README's blocks do what it says: the AWS CLI block is run word for word against a server, but for its data folder.
func TestREADME(t *testing.T) {
	tool(t, "aws", "--version")
	b, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var blocks []string
	for i, part := range strings.Split(string(b), "```") {
		if text, ok := strings.CutPrefix(part, "sh\n"); ok && i%2 == 1 {
			blocks = append(blocks, text)
		}
	}
	if len(blocks) != 3 || blocks[0] != "go run ./cmd/thaw up\n" || blocks[1] != "make test\n" {
		t.Fatalf("the README's shell blocks are %q", blocks)
	}
	s := serve(t, dataDir(t), "--auth", "sigv4")
	script := strings.Replace(blocks[2], "go run ./cmd/thaw env", binary+" env --data "+s.data, 1)
	if script == blocks[2] {
		t.Fatal("the block does not ask thaw env")
	}
	cmd := exec.Command("bash", "-euo", "pipefail", "-c", script)
	cmd.Dir = t.TempDir()
	// Nothing but what the block itself sets may be needed.
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "AWS_") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	cmd.Env = append(cmd.Env, "AWS_EC2_METADATA_DISABLED=true", "HOME="+cmd.Dir)
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.HasSuffix(strings.TrimSpace(string(out)), `{"message": "Hello Ada"}`) {
		t.Errorf("%v\n%s", err, out)
	}
}

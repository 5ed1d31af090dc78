package e2e

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// packagesEvent has a small RSA key: what is signed with it is the same everywhere.
const packagesEvent = `{
	"n": "N", "d": "D", "p": "P", "q": "Q",
	"Records": [
		{"eventName": "ObjectCreated:Put", "s3": {"object": {"key": "b", "size": 20}}},
		{"eventName": "ObjectRemoved:Delete", "s3": {"object": {"key": "gone"}}},
		{"eventName": "ObjectCreated:Put", "s3": {"object": {"key": "a", "size": 10}}}
	]
}`

// Third-party packages, copied beside the code as pip install --target does, give in a sandbox what they give natively. The
// packages are those that come with the AWS CLI.
func TestRealPackages(t *testing.T) {
	python := tool(t, "python3", "-c", "import boto3, docutils, rsa, yaml")
	run := func(code string, args ...string) []byte {
		t.Helper()
		cmd := exec.Command(python, append([]string{"-c", code}, args...)...)
		cmd.Dir = "testdata"
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%v\n%s", err, &stderr)
		}
		return out
	}
	// The key is made once per run: primes of a size that takes no time, and enough for SHA-256.
	var key struct{ N, D, P, Q string }
	if err := json.Unmarshal(run("import rsa, json\nk = rsa.newkeys(1024)[1]\nprint(json.dumps({c: hex(getattr(k, c)) for c in 'ndpq'}))"), &key); err != nil {
		t.Fatal(err)
	}
	event := strings.NewReplacer(`"N"`, `"`+key.N+`"`, `"D"`, `"`+key.D+`"`, `"P"`, `"`+key.P+`"`, `"Q"`, `"`+key.Q+`"`).Replace(packagesEvent)
	want := run("import json, packages, sys\nprint(json.dumps(packages.handler(json.loads(sys.argv[1]), None)))", event)

	folder := strings.TrimSpace(string(run("import docutils, os\nprint(os.path.dirname(os.path.dirname(docutils.__file__)))")))
	code := zipFolder(t, folder, "jmespath", "dateutil", "six.py", "yaml", "docutils", "rsa", "pyasn1", "colorama")
	s := serve(t, dataDir(t))
	s.mustCreate("packages", "packages.handler", code, map[string]any{"MemorySize": 256, "Timeout": 60})
	for range 2 {
		if a := s.invoke("packages", event, nil); a.status != 200 || a.header.Get("X-Amz-Function-Error") != "" || !sameJSON(t, a.body, string(want)) {
			t.Errorf("%d %s\nnatively %s", a.status, a.body, want)
		}
	}
}

// zipFolder packs the named packages of a site-packages folder, without compiled files, beside testdata/packages.py.
func zipFolder(t *testing.T, folder string, names ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	add := func(file, name string) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		f, err := w.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(text); err != nil {
			t.Fatal(err)
		}
	}
	add("testdata/packages.py", "packages.py")
	for _, name := range names {
		err := filepath.WalkDir(filepath.Join(folder, name), func(file string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() || strings.HasSuffix(file, ".pyc") || strings.HasSuffix(file, ".so") {
				return err
			}
			inside, err := filepath.Rel(folder, file)
			add(file, filepath.ToSlash(inside))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

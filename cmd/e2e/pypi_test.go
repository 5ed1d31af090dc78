package e2e

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// pypiSubset are the jobs that run always; all of them run with THAW_PYPI=all, as in make packages.
var pypiSubset = []string{"requests", "jinja2", "pydantic", "sqlalchemy", "jsonschema", "powertools", "click", "pyyaml"}

// pypiPending are jobs that can't pass yet, and why.
var pypiPending = map[string]string{"sympy": "imports ctypes, which needs native code"}

// Widely used packages from PyPI, installed as a Lambda user installs them, do in a function what they do natively. A job of
// testdata/pypi is a handler that uses one package; its first line says which wheels its deployment package holds. The host's
// Python runs the same job for comparison.
func TestPackagesFromPyPI(t *testing.T) {
	python := tool(t, "python3", "-m", "pip", "--version")
	wheels, site := pypiWheels(t, python)
	jobs, err := filepath.Glob("testdata/pypi/job_*.py")
	if err != nil || len(jobs) < 25 {
		t.Fatalf("%d jobs, %v", len(jobs), err)
	}
	peer := pypiServer(t)
	s := serve(t, dataDir(t), "--egress-allow", "localhost")
	for _, file := range jobs {
		module := strings.TrimSuffix(filepath.Base(file), ".py")
		name := strings.TrimPrefix(module, "job_")
		if os.Getenv("THAW_PYPI") != "all" && !slices.Contains(pypiSubset, name) {
			continue
		}
		t.Run(name, func(t *testing.T) {
			if why := pypiPending[name]; why != "" {
				t.Skip(why)
			}
			s.t = t
			source, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(python, "-c", "import json, sys; sys.path[:0] = sys.argv[1:]; import "+module+"; print('\\n' + json.dumps("+module+".handler({}, None)))", site, "testdata/pypi")
			cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1", "AWS_EC2_METADATA_DISABLED=true", "TZ=UTC", "THAW_TEST_SERVER="+peer.URL)
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			out, err := cmd.Output()
			if err != nil {
				t.Fatalf("natively: %v\n%s", err, &stderr)
			}
			lines := strings.Split(strings.TrimSpace(string(out)), "\n")
			want := lines[len(lines)-1]
			code := pypiPackage(t, wheels, file, source)
			s.mustCreate("pypi-"+name, module+".handler", code, map[string]any{"MemorySize": 512, "Timeout": 120, "Runtime": "python3.13",
				"Environment": map[string]any{"Variables": map[string]string{"THAW_TEST_SERVER": peer.URL, "AWS_EC2_METADATA_DISABLED": "true"}}})
			for _, start := range []string{"cold", "warm"} {
				a := s.invoke("pypi-"+name, "{}", map[string]string{"X-Amz-Log-Type": "Tail"})
				if a.status != 200 || a.header.Get("X-Amz-Function-Error") != "" || !sameJSON(t, a.body, want) {
					t.Fatalf("%s: %d %s\nnatively %s", start, a.status, a.body, want)
				}
			}
		})
	}
}

// pypiWheels downloads the wheels once per machine and version of the list, and unpacks them side by side.
func pypiWheels(t *testing.T, python string) (wheels, site string) {
	t.Helper()
	list, err := os.ReadFile("testdata/pypi/requirements.txt")
	if err != nil {
		t.Fatal(err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(list)
	folder := filepath.Join(cache, "thaw-test", "pypi-"+hex.EncodeToString(sum[:8]))
	wheels, site = filepath.Join(folder, "wheels"), filepath.Join(folder, "site")
	if _, err := os.Stat(filepath.Join(folder, "done")); err == nil {
		return wheels, site
	}
	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(python, "-m", "pip", "download", "-q", "--disable-pip-version-check", "--no-deps", "--require-hashes", "--only-binary", ":all:",
		"--python-version", "3.13", "--platform", "manylinux2014_x86_64", "--platform", "manylinux_2_28_x86_64", "--platform", "any",
		"-d", wheels, "-r", "testdata/pypi/requirements.txt").CombinedOutput()
	if err != nil {
		t.Skipf("SKIPPED, no packages from PyPI were tested: pip download: %v\n%s", err, out)
	}
	files, err := filepath.Glob(filepath.Join(wheels, "*.whl"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if err := unpackWheel(f, site); err != nil {
			t.Fatalf("%s: %v", f, err)
		}
	}
	if err := os.WriteFile(filepath.Join(folder, "done"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return wheels, site
}

func unpackWheel(file, folder string) error {
	r, err := zip.OpenReader(file)
	if err != nil {
		return err
	}
	defer r.Close()
	return fs.WalkDir(r, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(r, name)
		target := filepath.Join(folder, filepath.FromSlash(name))
		return errors.Join(err, os.MkdirAll(filepath.Dir(target), 0o700), os.WriteFile(target, data, 0o600))
	})
}

var pypiRequires = regexp.MustCompile(`^# requires: (.+)\n`)

// pypiPackage makes a deployment package: the job and the wheels that it names, as pip install --target lays them out.
func pypiPackage(t *testing.T, wheels, file string, source []byte) []byte {
	t.Helper()
	m := pypiRequires.FindSubmatch(source)
	if m == nil {
		t.Fatalf("%s does not say what it requires", file)
	}
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	add := func(name string, r io.Reader) error {
		f, err := w.Create(name)
		if err == nil {
			_, err = io.Copy(f, r)
		}
		return err
	}
	if err := add(filepath.Base(file), bytes.NewReader(source)); err != nil {
		t.Fatal(err)
	}
	for _, name := range strings.Fields(string(m[1])) {
		files, err := filepath.Glob(filepath.Join(wheels, name+"-*.whl"))
		if err != nil || len(files) != 1 {
			t.Fatalf("%d wheels of %s, %v", len(files), name, err)
		}
		if err := addWheel(files[0], add); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func addWheel(file string, add func(string, io.Reader) error) error {
	r, err := zip.OpenReader(file)
	if err != nil {
		return err
	}
	defer r.Close()
	for _, f := range r.File {
		if strings.HasSuffix(f.Name, "/") {
			continue
		}
		in, err := f.Open()
		if err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
		if err := errors.Join(add(f.Name, in), in.Close()); err != nil {
			return err
		}
	}
	return nil
}

package vfs

import (
	"slices"
	"strings"
	"testing"
)

func TestSearch(t *testing.T) {
	tree := mustOpen(t,
		item{name: "lib/site-packages/big.py", body: "import boto3"},
		item{name: "lib/other.py", body: "import json"},
		item{name: "app.py", body: "import os"},
		item{name: "readme.txt", body: "import boto3"},
		item{name: "stored.py", body: "from boto3 import x", store: true},
	)
	for name, want := range map[string]bool{"app.py": true, "lib": true, "lib/other.py": true, "lib/none": false, "app.py/x": false} {
		if got := tree.Has(name); got != want {
			t.Errorf("Has(%q) = %v", name, got)
		}
	}
	py := []string{".py"}
	skip := func(dir string) bool { return strings.HasSuffix(dir, "site-packages") }
	for _, c := range []struct {
		text  string
		limit int64
		want  bool
	}{
		{"boto3 import", 1000, true}, {"import boto3", 1000, false}, {"import json", 1000, true},
		{"import json", 30, false}, // app.py and stored.py come first and use it up
	} {
		if got := tree.Mentions(py, []string{"nowhere", c.text}, c.limit, skip); got != c.want {
			t.Errorf("%q within %d bytes: %v", c.text, c.limit, got)
		}
	}
	if !tree.Mentions(py, []string{"import boto3"}, 1000, nil) {
		t.Error("a folder was skipped without being asked for")
	}
	if n := tree.Reads(); n != 0 || len(tree.Read(py)) != 0 {
		t.Errorf("searching counts as reading: %d", n)
	}
	f := New(Mounts{Task: tree})
	for range 2 {
		if s, e := readAll(f, "/var/task/app.py"); e != OK || s != "import os" {
			t.Fatal(s, e)
		}
		_, _ = readAll(f, "/var/task/readme.txt")
		_, _ = readAll(f, "/var/task/lib/other.py")
	}
	if n, names := tree.Reads(), tree.Read(py); n != 3 || !slices.Equal(names, []string{"app.py", "lib/other.py"}) {
		t.Errorf("%d read: %s", n, names)
	}
	if names := tree.Names(); len(names) != 5 || !slices.Contains(names, "lib/site-packages/big.py") {
		t.Errorf("names: %s", names)
	}
}

func TestCompiledIsMounted(t *testing.T) {
	f := New(Mounts{Compiled: mustOpen(t, item{name: "a/b.pyc", body: "code"})})
	if s, e := readAll(f, "/var/cache/task/../../cache/task/a/b.pyc"); e != OK || s != "code" {
		t.Error(s, e)
	}
	f.Mount(Mounts{})
	if _, e := readAll(f, "/var/cache/task/a/b.pyc"); e != ENoent {
		t.Errorf("after another mount: errno %d", e)
	}
}

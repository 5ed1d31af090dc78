package main

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/thawrun/thaw/abi"
)

// Every sample's folder is deployed, has an event, and holds the handler that it names.
func TestSamples(t *testing.T) {
	dirs, err := sampleFiles.ReadDir("samples")
	if err != nil {
		t.Fatal(err)
	}
	known := samples()
	if len(dirs) != len(known) {
		t.Errorf("%d folders, %d samples", len(dirs), len(known))
	}
	for _, s := range known {
		event, err := sampleFiles.ReadFile(path.Join("samples", s.name, "event.json"))
		if err != nil || !json.Valid(event) {
			t.Errorf("%s: event %q, %v", s.name, event, err)
		}
		code, err := packageOf(s.name)
		if err != nil {
			t.Fatal(err)
		}
		z, err := zip.NewReader(bytes.NewReader(code), int64(len(code)))
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, f := range z.File {
			names = append(names, f.Name)
		}
		module, _, _ := strings.Cut(s.handler, ".")
		if !slices.Contains(names, module+".py") && !slices.Contains(names, module+".js") || slices.Contains(names, "event.json") {
			t.Errorf("%s holds %q", s.name, names)
		}
		if !slices.ContainsFunc(guests(), func(g *abi.Guest) bool { return slices.Contains(g.Runtimes, s.runtime) }) {
			t.Errorf("%s: nothing runs %s", s.name, s.runtime)
		}
	}
}

func TestShorten(t *testing.T) {
	for in, want := range map[string]string{"": "", "short": "short", "exactly8": "exactly8", "nine char": "nine ch…", "żółć 漢字 🚀 more": "żółć 漢字…"} {
		if got := shorten(in, 8); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// Package python offers CPython 3.13, compiled to WebAssembly, as a guest for the runtime names python3.6 to python3.14.
//
// The embedded artefacts are built by build/build.sh from pinned packages; python313.lock.json records what went in and what
// came out.
package python

import (
	"archive/zip"
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/thawrun/thaw/abi"
)

//go:embed python313.wasm.zst
var wasm []byte

//go:embed python313.zip.zst
var files []byte

//go:embed python313.lock.json
var lock []byte

// softInterrupt is how long before its deadline a handler is interrupted: enough for finally blocks and log lines.
const softInterrupt = 10 * time.Millisecond

// Guest describes CPython 3.13.
func Guest() *abi.Guest {
	return &abi.Guest{
		Name:     "CPython 3.13.5",
		ID:       "python3.13",
		Runtimes: []string{"python3.6", "python3.7", "python3.8", "python3.9", "python3.10", "python3.11", "python3.12", "python3.13", "python3.14"},
		Wasm:     func() ([]byte, error) { return decompress(wasm) },
		Files:    func() ([]byte, error) { return decompress(files) },
		Digest:   digest(),
		Env: []string{
			"PYTHONPATH=/var/runtime",
			"LAMBDA_RUNTIME_NAME=python",
		},
		SoftInterrupt: softInterrupt,
		Rehearsal:     rehearsal(),
		Trusted:       true,
	}
}

func decompress(b []byte) ([]byte, error) {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	defer d.Close()
	out, err := d.DecodeAll(b, nil)
	if err != nil {
		return nil, fmt.Errorf("embedded artefact: %w", err)
	}
	return out, nil
}

// digest names the build by the hashes of what it consists of, as the lock file has them.
func digest() string {
	var l struct {
		Outputs map[string]struct {
			SHA256 string `json:"sha256"`
		} `json:"outputs"`
	}
	if err := json.Unmarshal(lock, &l); err != nil {
		return "" // TestLock fails
	}
	return l.Outputs["python/python313.wasm.zst"].SHA256[:32] + l.Outputs["python/python313.zip.zst"].SHA256[:32]
}

// rehearsal is the simplest of functions, in a package made here.
func rehearsal() *abi.Rehearsal {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	f, err := w.Create("app.py")
	if err == nil {
		_, err = f.Write([]byte("import json\nimport os\n\n\ndef handler(event, context):\n    return {'message': 'Hello ' + event['name']}\n"))
	}
	if err != nil || w.Close() != nil {
		return nil // a buffer doesn't fail
	}
	return &abi.Rehearsal{Runtime: "python3.13", Handler: "app.handler", Code: b.Bytes(), Event: []byte(`{"name": "x"}`)}
}

// Package python27 offers CPython 2.7.18, compiled to WebAssembly, as a guest for the runtime name python2.7.
//
// The embedded artefacts are built by build/build.sh from pinned packages; python27.lock.json records what went in and what
// came out.
package python27

import (
	_ "embed"
	"time"

	"github.com/thawrun/thaw/abi"
	"github.com/thawrun/thaw/runtimes/artefact"
)

//go:embed python27.wasm.zst
var wasm []byte

//go:embed python27.zip.zst
var files []byte

//go:embed python27.lock.json
var lock []byte

// softInterrupt is how long before its deadline a handler is interrupted: enough for finally blocks and log lines.
const softInterrupt = 10 * time.Millisecond

// Guest describes CPython 2.7.
func Guest() *abi.Guest {
	return &abi.Guest{
		Name:     "CPython 2.7.18",
		ID:       "python2.7",
		Runtimes: []string{"python2.7"},
		Wasm:     func() ([]byte, error) { return artefact.Decompress(wasm) },
		Files:    func() ([]byte, error) { return artefact.Decompress(files) },
		Digest:   artefact.Digest(lock, "python27/python27.wasm.zst", "python27/python27.zip.zst"),
		Env: []string{
			"PYTHONPATH=/var/runtime",
			"LAMBDA_RUNTIME_NAME=python",
		},
		SoftInterrupt: softInterrupt,
		Rehearsal:     rehearsal(),
		Preloads: []abi.Preload{{
			Name: "boto3", Sources: []string{".py"}, Markers: []string{"boto3", "botocore"}, Own: []string{"boto3/__init__.py", "botocore/__init__.py"},
		}},
		Trusted: true,
	}
}

// rehearsal is the simplest of functions: what it writes is what every function writes.
func rehearsal() *abi.Rehearsal {
	const code = "import json\nimport os\n\n\ndef handler(event, context):\n    return {'message': 'Hello ' + event['name']}\n"
	return &abi.Rehearsal{Runtime: "python2.7", Handler: "app.handler", Code: artefact.Zip("app.py", code), Event: []byte(`{"name": "x"}`)}
}

// Package python offers CPython 3.13, compiled to WebAssembly, as a guest for the runtime names python3.6 to python3.14.
//
// The embedded artefacts are built by build/build.sh from pinned packages; python313.lock.json records what went in and what
// came out.
package python

import (
	_ "embed"
	"time"

	"github.com/thawrun/thaw/abi"
	"github.com/thawrun/thaw/runtimes/artefact"
)

//go:embed python313.wasm.zst
var wasm []byte

//go:embed python313.zip.zst
var files []byte

//go:embed python313-aws.zip.zst
var aws []byte

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
		Files:    images,
		Digest:   digest(),
		Env: []string{
			"PYTHONPATH=/var/runtime",
			"LAMBDA_RUNTIME_NAME=python",
		},
		SoftInterrupt: softInterrupt,
		Rehearsal:     rehearsal(),
		Preloads:      []abi.Preload{boto3()},
		Sources:       []string{".py"},
		Trusted:       true,
	}
}

func decompress(b []byte) ([]byte, error) { return artefact.Decompress(b) }

func digest() string {
	return artefact.Digest(lock, "python/python313.wasm.zst", "python/python313.zip.zst", "python/python313-aws.zip.zst")
}

// images is the standard library and the AWS SDK as one archive.
func images() ([]byte, error) {
	library, err := decompress(files)
	if err != nil {
		return nil, err
	}
	sdk, err := decompress(aws)
	if err != nil {
		return nil, err
	}
	return artefact.Join(library, sdk)
}

// boto3 is the SDK imported, with the caches of clients that functions create most: guest/thaw_preload_boto3.py.
func boto3() abi.Preload {
	return abi.Preload{
		Name:    "boto3",
		Sources: []string{".py"},
		Markers: []string{"import boto3", "from boto3", "import botocore", "from botocore"},
		Own:     []string{"boto3/__init__.py", "botocore/__init__.py"},
	}
}

// rehearsal is the simplest of functions: what it writes is what every function writes.
func rehearsal() *abi.Rehearsal {
	const code = "import json\nimport os\n\n\ndef handler(event, context):\n    return {'message': 'Hello ' + event['name']}\n"
	return &abi.Rehearsal{Runtime: "python3.13", Handler: "app.handler", Code: artefact.Zip("app.py", code), Event: []byte(`{"name": "x"}`)}
}

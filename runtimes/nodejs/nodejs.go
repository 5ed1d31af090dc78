// Package nodejs offers QuickJS-NG with Node.js' own library, compiled to WebAssembly, as a guest for the runtime names nodejs
// to nodejs24.x.
//
// The embedded artefacts are built by build/build.sh from pinned packages; nodejs20.lock.json records what went in and what
// came out.
package nodejs

import (
	_ "embed"
	"encoding/json"
	"fmt"

	"github.com/klauspost/compress/zstd"

	"github.com/thawrun/thaw/abi"
)

//go:embed nodejs20.wasm.zst
var wasm []byte

//go:embed nodejs20.zip.zst
var files []byte

//go:embed nodejs20.lock.json
var lock []byte

// Guest describes QuickJS-NG 0.17.0 with the library of Node.js 20.
func Guest() *abi.Guest {
	return &abi.Guest{
		Name: "QuickJS-NG 0.17.0 with the library of Node.js 20.19.2",
		ID:   "nodejs20",
		Runtimes: []string{"nodejs", "nodejs4.3", "nodejs6.10", "nodejs8.10", "nodejs10.x", "nodejs12.x", "nodejs14.x", "nodejs16.x", "nodejs18.x",
			"nodejs20.x", "nodejs22.x", "nodejs24.x"},
		Wasm:    func() ([]byte, error) { return decompress(wasm) },
		Files:   func() ([]byte, error) { return decompress(files) },
		Digest:  digest(),
		Env:     []string{"LAMBDA_RUNTIME_DIR=/var/runtime", "NODE_PATH=/opt/nodejs/node_modules:/var/runtime/node_modules"},
		Trusted: true,
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
		return "" // TestLockedOutputs fails
	}
	w, f := l.Outputs["nodejs/nodejs20.wasm.zst"].SHA256, l.Outputs["nodejs/nodejs20.zip.zst"].SHA256
	if len(w) < 32 || len(f) < 32 {
		return ""
	}
	return w[:32] + f[:32]
}

// Package nodejs offers QuickJS-NG with Node.js' own library, compiled to WebAssembly, as a guest for the runtime names nodejs
// to nodejs24.x.
//
// The embedded artefacts are built by build/build.sh from pinned packages; nodejs20.lock.json records what went in and what
// came out.
package nodejs

import (
	_ "embed"

	"github.com/thawrun/thaw/abi"
	"github.com/thawrun/thaw/runtimes/artefact"
)

//go:embed nodejs20.wasm.zst
var wasm []byte

//go:embed nodejs20.zip.zst
var files []byte

//go:embed nodejs20-aws.zip.zst
var aws []byte

//go:embed nodejs20.lock.json
var lock []byte

// Guest describes QuickJS-NG 0.17.0 with the library of Node.js 20.
func Guest() *abi.Guest {
	return &abi.Guest{
		Name: "QuickJS-NG 0.17.0 with the library of Node.js 20.19.2",
		ID:   "nodejs20",
		Runtimes: []string{"nodejs", "nodejs4.3", "nodejs6.10", "nodejs8.10", "nodejs10.x", "nodejs12.x", "nodejs14.x", "nodejs16.x", "nodejs18.x",
			"nodejs20.x", "nodejs22.x", "nodejs24.x"},
		Wasm:      func() ([]byte, error) { return decompress(wasm) },
		Files:     images,
		Digest:    digest(),
		Env:       []string{"LAMBDA_RUNTIME_DIR=/var/runtime", "NODE_PATH=/opt/nodejs/node_modules:/var/runtime/node_modules"},
		Rehearsal: rehearsal(),
		Preloads:  preloads(),
		Sources:   []string{".js", ".mjs", ".cjs"},
		Trusted:   true,
	}
}

func decompress(b []byte) ([]byte, error) { return artefact.Decompress(b) }

func digest() string {
	return artefact.Digest(lock, "nodejs/nodejs20.wasm.zst", "nodejs/nodejs20.zip.zst", "nodejs/nodejs20-aws.zip.zst")
}

// images is Node.js' library and the AWS SDKs as one archive.
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

// preloads are the AWS SDKs loaded, with the models of the services that functions use most: guest/node/preload.js.
func preloads() []abi.Preload {
	sources := []string{".js", ".mjs", ".cjs"}
	return []abi.Preload{
		{Name: "aws-sdk", Sources: sources, Markers: []string{"'aws-sdk", `"aws-sdk`}, Own: []string{"node_modules/aws-sdk"}},
		{Name: "aws-sdk-v3", Sources: sources, Markers: []string{"'@aws-sdk/", `"@aws-sdk/`}, Own: []string{"node_modules/@aws-sdk"}},
	}
}

// rehearsal is the simplest of functions: what it writes is what every function writes.
func rehearsal() *abi.Rehearsal {
	const code = "exports.handler = async (event) => ({ message: 'Hello ' + event.name });\n"
	return &abi.Rehearsal{Runtime: "nodejs20.x", Handler: "index.handler", Code: artefact.Zip("index.js", code), Event: []byte(`{"name": "x"}`)}
}

// Package artefact holds what the runtimes have in common: embedded, compressed artefacts and the lock files that describe them.
package artefact

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/klauspost/compress/zstd"
)

// Decompress unpacks an embedded artefact.
func Decompress(b []byte) ([]byte, error) {
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

// Digest names a build by the hashes of its outputs, as the lock file has them: half of each, in the order given. It is empty
// if the lock file lacks one, which the runtimes' tests find.
func Digest(lock []byte, outputs ...string) string {
	var l struct {
		Outputs map[string]struct {
			SHA256 string `json:"sha256"`
		} `json:"outputs"`
	}
	if err := json.Unmarshal(lock, &l); err != nil {
		return ""
	}
	digest := ""
	for _, name := range outputs {
		sum := l.Outputs[name].SHA256
		if len(sum) != 64 {
			return ""
		}
		digest += sum[:32]
	}
	return digest
}

// Zip makes a deployment package of one file.
func Zip(name, text string) []byte {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	if f, err := w.Create(name); err == nil {
		_, _ = f.Write([]byte(text)) // a buffer doesn't fail
	}
	_ = w.Close()
	return b.Bytes()
}

// Join makes one archive of several, whose entries have different names. Nothing is compressed anew.
func Join(archives ...[]byte) ([]byte, error) {
	size := 0
	for _, a := range archives {
		size += len(a)
	}
	out := bytes.NewBuffer(make([]byte, 0, size))
	w := zip.NewWriter(out)
	for i, a := range archives {
		r, err := zip.NewReader(bytes.NewReader(a), int64(len(a)))
		if err != nil {
			return nil, fmt.Errorf("archive %d: %w", i, err)
		}
		for _, f := range r.File {
			if err := w.Copy(f); err != nil {
				return nil, fmt.Errorf("archive %d: %s: %w", i, f.Name, err)
			}
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

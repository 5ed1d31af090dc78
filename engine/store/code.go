package store

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/dgraph-io/badger/v4"
	"github.com/klauspost/compress/zstd"
)

// partSize is how much of a package one key holds, before compression; of large ones more, because what compresses well counts
// against Badger's limit for transactions.
const (
	partSize      = 1 << 20
	largePart     = 4 << 20
	largePackage  = 64 << 20
	maxPartMemory = 2 * largePart
)

// HashCode returns the hash of a package as Lambda writes it (CodeSha256): base64 of SHA-256.
func HashCode(code []byte) string {
	sum := sha256.Sum256(code)
	return base64.StdEncoding.EncodeToString(sum[:])
}

// Package is a code package made ready to be stored.
type Package struct {
	SHA256 string // as Lambda writes it: base64
	Size   int64  // bytes of the package as given

	parts [][]byte // zstd frames, in order
}

// Pack hashes and compresses a package. It is the expensive half of storing one, and holds no lock.
func (s *Store) Pack(code []byte) *Package {
	p := &Package{SHA256: HashCode(code), Size: int64(len(code))}
	size := partSize
	if len(code) > largePackage {
		size = largePart
	}
	for len(code) > 0 {
		n := min(len(code), size)
		// What doesn't get smaller becomes a raw frame, a few bytes longer than it was.
		p.parts = append(p.parts, s.enc.EncodeAll(code[:n], nil))
		code = code[n:]
	}
	return p
}

func newCodecs() (*zstd.Encoder, *zstd.Decoder, error) {
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest))
	if err != nil {
		return nil, nil, err
	}
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(2), zstd.WithDecoderMaxMemory(maxPartMemory))
	return enc, dec, err
}

func codeKey(sha string, part uint32) ([]byte, error) {
	raw, err := base64.StdEncoding.DecodeString(sha)
	if err != nil || len(raw) != sha256.Size {
		return nil, fmt.Errorf("%w: hash %q", ErrCorrupt, sha)
	}
	key := append([]byte("b/"), raw...)
	key = append(key, '/')
	return binary.BigEndian.AppendUint32(key, part), nil
}

// put adds the package's parts to what is written.
func (p *Package) put(writes map[string][]byte) error {
	for i, part := range p.parts {
		key, err := codeKey(p.SHA256, uint32(i))
		if err != nil {
			return err
		}
		writes[string(key)] = part
	}
	return nil
}

// deleteCode adds the removal of a package's parts, stored or about to be (pending), to what is written.
func (s *Store) deleteCode(sha string, writes, pending map[string][]byte) error {
	return s.db.View(func(tx *badger.Txn) error {
		for part := uint32(0); ; part++ {
			key, err := codeKey(sha, part)
			if err != nil {
				return err
			}
			if _, ok := pending[string(key)]; !ok {
				if _, err := tx.Get(key); errors.Is(err, badger.ErrKeyNotFound) {
					return nil
				} else if err != nil {
					return err
				}
			}
			writes[string(key)] = nil
		}
	})
}

// Code returns a package. Its hash is verified.
func (s *Store) Code(ctx context.Context, sha string) ([]byte, error) {
	var code, buf []byte // the decoder counts what its buffer already holds against its limit: hence two
	err := s.db.View(func(tx *badger.Txn) error {
		for part := uint32(0); ; part++ {
			if err := ctx.Err(); err != nil {
				return context.Cause(ctx)
			}
			key, err := codeKey(sha, part)
			if err != nil {
				return err
			}
			item, err := tx.Get(key)
			if errors.Is(err, badger.ErrKeyNotFound) {
				return nil
			}
			if err != nil {
				return err
			}
			if err := item.Value(func(v []byte) error {
				buf, err = s.dec.DecodeAll(v, buf[:0])
				code = append(code, buf...)
				return err
			}); err != nil {
				return fmt.Errorf("%w: part %d: %w", ErrCorrupt, part, err)
			}
		}
	})
	switch {
	case err != nil:
		return nil, fmt.Errorf("code %s: %w", sha, err)
	case code == nil:
		return nil, fmt.Errorf("code %s: %w", sha, ErrNotFound)
	case HashCode(code) != sha:
		return nil, fmt.Errorf("code %s: %w: hash differs", sha, ErrCorrupt)
	}
	return code, nil
}

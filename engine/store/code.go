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

// partSize is how much of a package one key holds, before compression.
const partSize = 1 << 20

// HashCode returns the hash of a package as Lambda writes it (CodeSha256): base64 of SHA-256.
func HashCode(code []byte) string {
	sum := sha256.Sum256(code)
	return base64.StdEncoding.EncodeToString(sum[:])
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

func putCode(tx *badger.Txn, sha string, code []byte) error {
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest))
	if err != nil {
		return err
	}
	defer enc.Close()
	for part := uint32(0); len(code) > 0; part++ {
		n := min(len(code), partSize)
		key, err := codeKey(sha, part)
		if err != nil {
			return err
		}
		if err := tx.Set(key, enc.EncodeAll(code[:n], nil)); err != nil {
			return err
		}
		code = code[n:]
	}
	return nil
}

func deleteCode(tx *badger.Txn, sha string) error {
	for part := uint32(0); ; part++ {
		key, err := codeKey(sha, part)
		if err != nil {
			return err
		}
		if _, err := tx.Get(key); errors.Is(err, badger.ErrKeyNotFound) {
			return nil
		} else if err != nil {
			return err
		}
		if err := tx.Delete(key); err != nil {
			return err
		}
	}
}

// Code returns a package. Its hash is verified.
func (s *Store) Code(ctx context.Context, sha string) ([]byte, error) {
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(2*partSize))
	if err != nil {
		return nil, err
	}
	defer dec.Close()
	var code, buf []byte
	err = s.db.View(func(tx *badger.Txn) error {
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
				buf, err = dec.DecodeAll(v, buf[:0])
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

package store

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/dgraph-io/badger/v4"
	"github.com/klauspost/compress/zstd"
)

// A backup is the line backupHeader, then a zstd stream (with its checksum) of entries: the lengths of key and value as
// uvarints, key, value; at the end an entry with an empty key whose value is the number of entries before it, u64. What is
// cut short or damaged is thus always noticed.
const backupHeader = "thaw backup 1\n"

// ErrBackup means that a backup is damaged or cut short.
var ErrBackup = errors.New("backup is damaged or cut short")

// Backup writes all that is stored as it is at one moment. Changes go on meanwhile.
func (s *Store) Backup(ctx context.Context, w io.Writer) error {
	if _, err := io.WriteString(w, backupHeader); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	z, err := zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	b := bufio.NewWriterSize(z, 1<<16)
	put := func(key, value []byte) error {
		head := binary.AppendUvarint(nil, uint64(len(key)))
		head = binary.AppendUvarint(head, uint64(len(value)))
		for _, part := range [][]byte{head, key, value} {
			if _, err := b.Write(part); err != nil {
				return err
			}
		}
		return nil
	}
	// One read transaction is one moment; Badger's own stream takes one per key range.
	err = s.db.View(func(tx *badger.Txn) error {
		it := tx.NewIterator(badger.IteratorOptions{PrefetchValues: true, PrefetchSize: 10})
		defer it.Close()
		var n uint64
		for it.Rewind(); it.Valid(); it.Next() {
			if err := ctx.Err(); err != nil {
				return context.Cause(ctx)
			}
			if err := it.Item().Value(func(v []byte) error { return put(it.Item().Key(), v) }); err != nil {
				return err
			}
			n++
		}
		return put(nil, binary.BigEndian.AppendUint64(nil, n))
	})
	if err := errors.Join(err, b.Flush(), z.Close()); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	return nil
}

// Restore makes a data folder of a backup. The folder must not exist, or be empty; it appears when all of the backup is in it.
func Restore(ctx context.Context, r io.Reader, dir string, o Options) error {
	if list, err := os.ReadDir(dir); err == nil && len(list) > 0 {
		return fmt.Errorf("restore: %w: %s is not empty", ErrExists, dir)
	} else if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("restore: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	tmp, err := os.MkdirTemp(filepath.Dir(dir), ".restore-")
	if err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	defer os.RemoveAll(tmp)
	if err := fill(ctx, r, tmp); err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	s, err := Open(tmp, o) // reads every record once
	if err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	if err := s.Close(); err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	if err := os.Remove(dir); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("restore: %w", err)
	}
	if err := os.Rename(tmp, dir); err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	return nil
}

// fill writes a backup's entries to a new Badger.
func fill(ctx context.Context, r io.Reader, dir string) (err error) {
	head := make([]byte, len(backupHeader))
	if _, err := io.ReadFull(r, head); err != nil || string(head) != backupHeader {
		return fmt.Errorf("%w: it has no header", ErrBackup)
	}
	z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(64<<20))
	if err != nil {
		return err
	}
	defer z.Close()
	db, err := badger.Open(badgerOptions(dir, Options{}))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	batch := db.NewWriteBatch()
	defer batch.Cancel()
	b := bufio.NewReaderSize(z, 1<<16)
	for n := uint64(0); ; n++ {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		key, value, err := backupEntry(b)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrBackup, err)
		}
		if len(key) == 0 {
			if len(value) != 8 || binary.BigEndian.Uint64(value) != n {
				return fmt.Errorf("%w: it has %d entries", ErrBackup, n)
			}
			break
		}
		if err := batch.Set(key, value); err != nil {
			return err
		}
	}
	if _, err := b.ReadByte(); !errors.Is(err, io.EOF) { // also verifies the checksum
		return fmt.Errorf("%w: it goes on behind its end (%v)", ErrBackup, err)
	}
	return batch.Flush()
}

// Limits of a backup's entries, in bytes: what the store writes itself is smaller.
const (
	maxBackupKey   = 1 << 10
	maxBackupValue = 16 << 20
)

func backupEntry(b *bufio.Reader) (key, value []byte, err error) {
	k, err := binary.ReadUvarint(b)
	if err != nil {
		return nil, nil, err
	}
	v, err := binary.ReadUvarint(b)
	if err != nil {
		return nil, nil, err
	}
	if k > maxBackupKey || v > maxBackupValue {
		return nil, nil, fmt.Errorf("entry of %d and %d bytes", k, v)
	}
	both := make([]byte, k+v)
	if _, err := io.ReadFull(b, both); err != nil {
		return nil, nil, err
	}
	return both[:k:k], both[k:], nil
}

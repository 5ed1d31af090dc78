package store

import (
	"context"
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/dgraph-io/badger/v4"
)

// Bucket is the records of another room, which alone knows what is in them. They are not part of the view in memory.
type Bucket struct {
	s      *Store
	prefix string
}

// Bucket returns the records of a name, which must not contain a slash.
func (s *Store) Bucket(name string) *Bucket { return &Bucket{s, "r/" + name + "/"} }

// Load passes all records on, in the order of their keys.
func (b *Bucket) Load(each func(key string, value []byte) error) error {
	return b.s.db.View(func(tx *badger.Txn) error {
		it := tx.NewIterator(badger.IteratorOptions{Prefix: []byte(b.prefix), PrefetchValues: true, PrefetchSize: 100})
		defer it.Close()
		for it.Rewind(); it.Valid(); it.Next() {
			key := strings.TrimPrefix(string(it.Item().Key()), b.prefix)
			if err := it.Item().Value(func(v []byte) error {
				if len(v) == 0 || v[0] != recordVersion {
					return fmt.Errorf("%s: %w: unknown version", it.Item().Key(), ErrCorrupt)
				}
				return each(key, v[1:])
			}); err != nil {
				return err
			}
		}
		return nil
	})
}

// Commit stores records in one transaction; a value of nil deletes. When it returns nil they are on disk.
func (b *Bucket) Commit(ctx context.Context, changes map[string][]byte) error {
	b.s.write.Lock()
	defer b.s.write.Unlock()
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	err := b.s.db.Update(func(tx *badger.Txn) error {
		for k, v := range changes {
			var err error
			if v == nil {
				err = tx.Delete([]byte(b.prefix + k))
			} else {
				err = tx.Set([]byte(b.prefix+k), append([]byte{recordVersion}, v...))
			}
			if err != nil {
				return err
			}
		}
		return tx.Set([]byte("m/revision"), binary.BigEndian.AppendUint64(nil, b.s.revision+1))
	})
	if err != nil {
		return fmt.Errorf("store %s: %w", b.prefix, err)
	}
	b.s.revision++
	return nil
}

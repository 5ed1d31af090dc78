package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/dgraph-io/badger/v4"
)

// Bucket is the records of another room as bytes, JSON, for rooms that keep a view of their own.
type Bucket struct {
	s            *Store
	name, prefix string
}

// Bucket returns the records of a name, which must not contain a slash.
func (s *Store) Bucket(name string) *Bucket { return &Bucket{s, name, "r/" + name + "/"} }

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

// Commit stores records in one change; a value of nil deletes. When it returns nil they are on disk.
func (b *Bucket) Commit(ctx context.Context, changes map[string][]byte) error {
	return b.s.Change(ctx, func(tx *Tx) error {
		for key, value := range changes {
			if value == nil {
				tx.Delete(b.name, key)
			} else if err := tx.Put(b.name, key, json.RawMessage(value)); err != nil {
				return err
			}
		}
		return nil
	})
}

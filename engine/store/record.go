package store

import "fmt"

// A record is a document of another room: JSON under a bucket and a key. All of them are in memory too. Buckets never contain
// a slash, keys may.
type record struct {
	raw   []byte
	value any // *T of the first reader, decoded at the first read; guarded by view.mu
}

type recordID struct{ bucket, key string }

func (id recordID) path() []byte { return []byte("r/" + id.bucket + "/" + id.key) }

// Get returns a record as T, which must always be the same for a bucket. What it returns is shared and must not be changed.
func Get[T any](s *Store, bucket, key string) (*T, bool, error) {
	r := s.view.record(recordID{bucket, key})
	if r == nil {
		return nil, false, nil
	}
	v, err := decoded[T](&s.view, r)
	return v, err == nil, err
}

// Scan returns up to limit records of a bucket in the order of their keys, those that begin with prefix and come after the
// given key.
func Scan[T any](s *Store, bucket, prefix, after string, limit int) ([]*T, error) {
	var all []*T
	for _, r := range s.view.scan(bucket, prefix, after, limit) {
		v, err := decoded[T](&s.view, r)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, nil
}

func decoded[T any](view *view, r *record) (*T, error) {
	view.mu.RLock()
	v, ok := r.value.(*T)
	view.mu.RUnlock()
	if ok {
		return v, nil
	}
	v, err := decode[T](r.raw)
	if err != nil {
		return nil, err
	}
	view.mu.Lock()
	r.value = v
	view.mu.Unlock()
	return v, nil
}

// GetTx is Get within a change.
func GetTx[T any](tx *Tx, bucket, key string) (*T, error) {
	r := tx.record(recordID{bucket, key})
	if r == nil {
		return nil, nil
	}
	return decode[T](r.raw)
}

// Put stores a record.
func (tx *Tx) Put(bucket, key string, value any) error {
	b, err := encode(value)
	if err != nil {
		return fmt.Errorf("store %s/%s: %w", bucket, key, err)
	}
	tx.records[recordID{bucket, key}] = &record{raw: b}
	return nil
}

// Delete removes a record. One that isn't there is no error.
func (tx *Tx) Delete(bucket, key string) { tx.records[recordID{bucket, key}] = nil }

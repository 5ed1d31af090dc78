package store

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/dgraph-io/badger/v4"
)

// Event is an asynchronous invocation that was accepted and isn't done with.
type Event struct {
	ID uint64 `json:"-"` // given by the store, in order

	Account   string `json:"account"`
	Region    string `json:"region"`
	Function  string `json:"function"`
	Qualifier string `json:"qualifier,omitempty"` // as the caller gave it

	RequestID string    `json:"requestId"`
	TraceID   string    `json:"traceId,omitempty"`
	Accepted  time.Time `json:"accepted"`
	Due       time.Time `json:"due"`                // not to be tried before
	Attempts  int       `json:"attempts,omitempty"` // executions that failed
	Throttles int       `json:"throttles,omitempty"`
	Size      int       `json:"size"` // of Payload, bytes

	ClientContext []byte `json:"clientContext,omitempty"` // JSON text
	Payload       []byte `json:"-"`                       // JSON text; not in what Events yields
}

func eventKey(id uint64) []byte   { return binary.BigEndian.AppendUint64([]byte("q/"), id) }
func payloadKey(id uint64) []byte { return binary.BigEndian.AppendUint64([]byte("p/"), id) }

// AppendEvent stores an event and gives it its ID. When it returns nil the event is on disk.
func (s *Store) AppendEvent(ctx context.Context, e *Event) error {
	return s.Change(ctx, func(tx *Tx) error {
		e.ID, e.Size = tx.b.revision+1, len(e.Payload) // the revision that this change takes
		tx.raw = append(tx.raw, entry{payloadKey(e.ID), append([]byte{}, e.Payload...)})
		return tx.putEvent(e)
	})
}

// PutEvent stores an event's new state; its payload stays as it is.
func (s *Store) PutEvent(ctx context.Context, e *Event) error {
	return s.Change(ctx, func(tx *Tx) error { return tx.putEvent(e) })
}

// DeleteEvent removes an event that is done with.
func (s *Store) DeleteEvent(ctx context.Context, id uint64) error {
	return s.Change(ctx, func(tx *Tx) error {
		tx.raw = append(tx.raw, entry{eventKey(id), nil}, entry{payloadKey(id), nil})
		return nil
	})
}

func (tx *Tx) putEvent(e *Event) error {
	b, err := encode(e)
	if err != nil {
		return fmt.Errorf("store event %d: %w", e.ID, err)
	}
	tx.raw = append(tx.raw, entry{eventKey(e.ID), b})
	return nil
}

// Event returns an event with its payload, ErrNotFound if it is done with.
func (s *Store) Event(id uint64) (e *Event, err error) {
	err = s.db.View(func(tx *badger.Txn) error {
		item, err := tx.Get(eventKey(id))
		if errors.Is(err, badger.ErrKeyNotFound) {
			return ErrNotFound
		}
		if err != nil {
			return err
		}
		if err := item.Value(func(v []byte) error {
			e, err = decode[Event](v)
			return err
		}); err != nil {
			return err
		}
		if item, err = tx.Get(payloadKey(id)); err != nil {
			return fmt.Errorf("%w: payload: %w", ErrCorrupt, err)
		}
		e.Payload, err = item.ValueCopy(nil)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("event %d: %w", id, err)
	}
	e.ID = id
	return e, nil
}

// Events calls f with every stored event in the order of acceptance, without payloads.
func (s *Store) Events(f func(*Event)) error {
	return s.db.View(func(tx *badger.Txn) error {
		return each(tx, "q/", func(key string, v []byte) error {
			if len(key) != 8 {
				return fmt.Errorf("%w: event key", ErrCorrupt)
			}
			e, err := decode[Event](v)
			if err != nil {
				return err
			}
			e.ID = binary.BigEndian.Uint64([]byte(key))
			f(e)
			return nil
		})
	})
}

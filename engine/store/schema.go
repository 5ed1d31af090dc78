package store

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/dgraph-io/badger/v4"
)

// schemaKey holds the schema's version, decimal.
const schemaKey = "m/schema"

// migration turns a data folder of one schema version into one of the next, within one transaction.
type migration func(*badger.Txn) error

// migrations leads from version 1 to today's, one step each: the first makes version 2 of version 1.
func migrations() []migration {
	return []migration{
		func(*badger.Txn) error { return nil }, // 2 adds kinds of records and changes none
	}
}

// migrate brings a data folder to the newest schema. A step and its version are written together, so that a crash between
// two steps resumes at the second.
func migrate(db *badger.DB, steps []migration) error {
	newest := len(steps) + 1
	for {
		done := false
		err := db.Update(func(tx *badger.Txn) error {
			item, err := tx.Get([]byte(schemaKey))
			if errors.Is(err, badger.ErrKeyNotFound) { // a new folder
				done = true
				return tx.Set([]byte(schemaKey), []byte(strconv.Itoa(newest)))
			}
			if err != nil {
				return err
			}
			text, err := item.ValueCopy(nil)
			if err != nil {
				return err
			}
			v, err := strconv.Atoi(string(text))
			switch {
			case err != nil || v < 1:
				return fmt.Errorf("%w: schema version %q", ErrCorrupt, text)
			case v > newest:
				return fmt.Errorf("%w: %d, this program knows %d", ErrSchema, v, newest)
			case v == newest:
				done = true
				return nil
			}
			if err := steps[v-1](tx); err != nil {
				return fmt.Errorf("migrate from schema %d: %w", v, err)
			}
			return tx.Set([]byte(schemaKey), []byte(strconv.Itoa(v+1)))
		})
		if err != nil || done {
			return err
		}
	}
}

package store

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/options"
	"github.com/klauspost/compress/zstd"
)

// Errors of the store.
var (
	ErrNotFound = errors.New("not found")
	ErrExists   = errors.New("already exists")
	ErrCorrupt  = errors.New("stored record is unreadable")
	// ErrInUse means that another process has the folder open.
	ErrInUse = errors.New("data folder is in use by another process")
	// ErrSchema means that the folder was written by a newer version of the program.
	ErrSchema = errors.New("data folder has a newer schema")
)

// Options configure a Store.
type Options struct {
	Logger *slog.Logger
	// NoSync acknowledges writes before they are on disk: for tests of other things.
	NoSync bool
}

// Store is an open data folder. Its methods may be called by many goroutines at once.
//
// Lock order: write before view.mu; Badger is only called with write held (changes) or with no lock (reads of code).
type Store struct {
	db  *badger.DB
	log *slog.Logger

	write    sync.Mutex // one change at a time
	revision uint64
	view     view

	enc *zstd.Encoder
	dec *zstd.Decoder

	stop func() // ends collect
	done chan struct{}
}

// Open opens a data folder and makes it if need be.
func Open(dir string, o Options) (*Store, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	// Sized for an edge node: the defaults take several hundred MB.
	opts := badger.DefaultOptions(dir).WithSyncWrites(!o.NoSync).WithLogger(badgerLog{o.Logger}).WithNumVersionsToKeep(1).
		WithMemTableSize(16 << 20).WithNumMemtables(2).WithNumLevelZeroTables(2).WithNumCompactors(2).WithValueLogFileSize(256 << 20).
		WithValueThreshold(32 << 10).WithCompression(options.None).WithBlockCacheSize(0).WithIndexCacheSize(8 << 20).
		WithDetectConflicts(false).WithMetricsEnabled(false)
	db, err := badger.Open(opts)
	if err != nil {
		if strings.Contains(err.Error(), "acquire directory lock") {
			return nil, fmt.Errorf("%w: %s", ErrInUse, dir)
		}
		return nil, fmt.Errorf("open %s: %w", dir, err)
	}
	stop := make(chan struct{})
	s := &Store{db: db, log: o.Logger, stop: sync.OnceFunc(func() { close(stop) }), done: make(chan struct{})}
	if s.enc, s.dec, err = newCodecs(); err == nil {
		err = s.load()
	}
	if err != nil {
		_ = db.Close()
		return nil, fmt.Errorf("open %s: %w", dir, err)
	}
	go s.collect(stop)
	return s, nil
}

// Close closes the folder. No other method may be called afterwards; closing again does nothing.
func (s *Store) Close() error {
	s.stop()
	<-s.done
	s.write.Lock()
	defer s.write.Unlock()
	return s.db.Close()
}

// load brings the schema up to date and builds the view.
func (s *Store) load() error {
	s.view.reset()
	if err := migrate(s.db, migrations()); err != nil {
		return err
	}
	return s.db.View(func(tx *badger.Txn) error {
		if item, err := tx.Get([]byte("m/revision")); err == nil {
			if err := item.Value(func(v []byte) error {
				if len(v) == 8 {
					s.revision = binary.BigEndian.Uint64(v)
				}
				return nil
			}); err != nil {
				return err
			}
		}
		it := tx.NewIterator(badger.IteratorOptions{Prefix: []byte("f/"), PrefetchValues: true, PrefetchSize: 100})
		defer it.Close()
		for it.Rewind(); it.Valid(); it.Next() {
			item := it.Item()
			if err := item.Value(func(v []byte) error {
				f, err := decodeFunction(v)
				if err != nil {
					return fmt.Errorf("%s: %w", item.Key(), err)
				}
				s.view.put(f)
				return nil
			}); err != nil {
				return err
			}
		}
		return nil
	})
}

// collect runs Badger's garbage collection of deleted code now and then.
func (s *Store) collect(stop <-chan struct{}) {
	defer close(s.done)
	tick := time.NewTicker(10 * time.Minute)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
			for s.db.RunValueLogGC(0.5) == nil {
				select {
				case <-stop:
					return
				default:
				}
			}
		}
	}
}

// Secret returns a random secret of this store, 32 bytes, made at first use.
func (s *Store) Secret(name string) (secret []byte, err error) {
	s.write.Lock()
	defer s.write.Unlock()
	err = s.db.Update(func(tx *badger.Txn) error {
		key := []byte("s/" + name)
		item, err := tx.Get(key)
		if err == nil {
			secret, err = item.ValueCopy(nil)
			return err
		}
		if !errors.Is(err, badger.ErrKeyNotFound) {
			return err
		}
		secret = make([]byte, 32)
		_, _ = rand.Read(secret) // never fails (package crypto/rand)
		return tx.Set(key, secret)
	})
	return secret, err
}

// Change is what a function becomes. Its package is given as Packed or as Code, or not at all if it stays the same.
type Change struct {
	Function *Function // becomes the store's; its CodeSHA256 and CodeSize follow from the package
	Packed   *Package  // made beforehand by Pack, so that other changes needn't wait for it
	Code     []byte    // as it is; packed during Update
}

// Update changes a function in one transaction. decide gets what is stored now (nil if nothing) and returns what is to be
// stored, nil to delete, or an error, which Update returns unchanged. The stored record is returned; it is immutable.
func (s *Store) Update(ctx context.Context, account, region, name string, decide func(old *Function) (*Change, error)) (*Function, error) {
	s.write.Lock()
	defer s.write.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	old := s.view.get(account, region, name)
	change, err := decide(old)
	if err != nil {
		return nil, err
	}
	if change == nil && old == nil {
		return nil, ErrNotFound
	}
	var next *Function
	if change != nil {
		next = change.Function
		if change.Packed == nil && change.Code != nil {
			change.Packed = s.Pack(change.Code)
		}
		if p := change.Packed; p != nil {
			next.CodeSHA256, next.CodeSize = p.SHA256, p.Size
		} else if old == nil || next.CodeSHA256 != old.CodeSHA256 {
			return nil, fmt.Errorf("store %s: %w: code %s", name, ErrNotFound, next.CodeSHA256)
		}
		next.Account, next.Region, next.Name = account, region, name
		next.Revision = s.revision + 1
	}
	err = s.db.Update(func(tx *badger.Txn) error {
		key := functionKey(account, region, name)
		if next == nil {
			if err := tx.Delete(key); err != nil {
				return err
			}
		} else {
			value, err := encodeFunction(next)
			if err != nil {
				return err
			}
			if err := tx.Set(key, value); err != nil {
				return err
			}
			if change.Packed != nil && s.view.references(next.CodeSHA256) == 0 {
				if err := change.Packed.put(tx); err != nil {
					return err
				}
			}
		}
		if old != nil && (next == nil || next.CodeSHA256 != old.CodeSHA256) && s.view.references(old.CodeSHA256) == 1 {
			if err := deleteCode(tx, old.CodeSHA256); err != nil {
				return err
			}
		}
		return tx.Set([]byte("m/revision"), binary.BigEndian.AppendUint64(nil, s.revision+1))
	})
	if err != nil {
		return nil, fmt.Errorf("store %s: %w", name, err)
	}
	s.revision++
	if next == nil {
		s.view.remove(old)
		return old, nil
	}
	s.view.put(next)
	return next, nil
}

// Settle waits for the changes in progress. The code that a change replaces is gone a moment before Function shows the change:
// who finds a record whose code is missing settles and looks again.
func (s *Store) Settle() {
	s.write.Lock()
	defer s.write.Unlock()
}

// Function returns a function's record. It must not be changed.
func (s *Store) Function(account, region, name string) (*Function, bool) {
	f := s.view.get(account, region, name)
	return f, f != nil
}

// List returns up to limit functions of an account and region in the order of their names, those after the given name.
func (s *Store) List(account, region, after string, limit int) []*Function {
	return s.view.list(account, region, after, limit)
}

// Usage is what the functions of an account and region add up to.
type Usage struct {
	Functions int
	CodeSize  int64 // bytes of all packages, each function's counted, as Lambda does
}

// Usage returns the totals of an account and region.
func (s *Store) Usage(account, region string) Usage { return s.view.usage(account, region) }

func functionKey(account, region, name string) []byte {
	return []byte("f/" + account + "/" + region + "/" + name)
}

const recordVersion = 1

func encodeFunction(f *Function) ([]byte, error) {
	b, err := json.Marshal(f)
	return append([]byte{recordVersion}, b...), err
}

func decodeFunction(b []byte) (*Function, error) {
	if len(b) == 0 || b[0] != recordVersion {
		return nil, fmt.Errorf("%w: unknown version", ErrCorrupt)
	}
	f := new(Function)
	if err := json.Unmarshal(b[1:], f); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return f, nil
}

// badgerLog passes Badger's messages on, one level down: what it calls information is noise to an operator.
type badgerLog struct{ l *slog.Logger }

func (b badgerLog) text(format string, args []any) string {
	return "badger: " + strings.TrimSpace(fmt.Sprintf(format, args...))
}
func (b badgerLog) Errorf(format string, args ...any)   { b.l.Error(b.text(format, args)) }
func (b badgerLog) Warningf(format string, args ...any) { b.l.Warn(b.text(format, args)) }
func (b badgerLog) Infof(format string, args ...any)    { b.l.Debug(b.text(format, args)) }
func (b badgerLog) Debugf(string, ...any)               {}

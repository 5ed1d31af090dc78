package store

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"math"
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
// Lock order: write, then queue or view.mu; Badger is only called with write held (changes) or with no lock (reads).
type Store struct {
	db  *badger.DB
	log *slog.Logger

	write    sync.Mutex // one commit at a time
	revision uint64
	view     view

	queue   sync.Mutex
	waiting []*decision

	enc *zstd.Encoder
	dec *zstd.Decoder

	stop func() // ends collect
	done chan struct{}
}

// valueThreshold is the size from which values lie outside of Badger's tree, bytes.
const valueThreshold = 32 << 10

// Open opens a data folder and makes it if need be.
func Open(dir string, o Options) (*Store, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	db, err := badger.Open(badgerOptions(dir, o))
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

func badgerOptions(dir string, o Options) badger.Options {
	logger := o.Logger
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	// Sized for an edge node: the defaults take several hundred MB.
	return badger.DefaultOptions(dir).WithSyncWrites(!o.NoSync).WithLogger(badgerLog{logger}).WithNumVersionsToKeep(1).
		WithMemTableSize(16 << 20).WithNumMemtables(2).WithNumLevelZeroTables(2).WithNumCompactors(2).WithValueLogFileSize(256 << 20).
		WithValueThreshold(valueThreshold).WithCompression(options.None).WithBlockCacheSize(0).WithIndexCacheSize(8 << 20).
		WithDetectConflicts(false).WithMetricsEnabled(false)
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
		return s.loadView(tx)
	})
}

// loadView reads all records but code and events.
func (s *Store) loadView(tx *badger.Txn) error {
	functions := map[functionID]*Function{}
	var order []functionID
	if err := each(tx, "f/", func(_ string, v []byte) error {
		f, err := decodeFunction(v)
		if err != nil {
			return err
		}
		id := functionID{f.Account, f.Region, f.Name}
		functions[id] = f
		order = append(order, id)
		return nil
	}); err != nil {
		return err
	}
	if err := each(tx, "v/", func(key string, b []byte) error {
		v, err := decode[Version](b)
		if err != nil {
			return err
		}
		f := functions[functionID{v.Account, v.Region, v.Name}]
		if f == nil {
			return fmt.Errorf("%w: version of no function", ErrCorrupt)
		}
		f.Versions = append(f.Versions, v) // keys are in order
		return nil
	}); err != nil {
		return err
	}
	if err := each(tx, "c/", func(key string, b []byte) error {
		q, err := decode[Qualified](b)
		if err != nil {
			return err
		}
		part := strings.SplitN(key, "/", 4)
		if len(part) != 4 {
			return fmt.Errorf("%w: key", ErrCorrupt)
		}
		f := functions[functionID{part[0], part[1], part[2]}]
		if f == nil {
			return fmt.Errorf("%w: settings of no function", ErrCorrupt)
		}
		if f.Qualified == nil {
			f.Qualified = map[string]*Qualified{}
		}
		f.Qualified[part[3]] = q
		return nil
	}); err != nil {
		return err
	}
	for _, id := range order {
		s.view.putFunction(id, functions[id])
	}
	if err := each(tx, "n/", func(key string, b []byte) error {
		part := strings.SplitN(key, "/", 3)
		if len(part) != 3 || len(b) != 8 {
			return fmt.Errorf("%w: counter", ErrCorrupt)
		}
		s.view.counters[functionID{part[0], part[1], part[2]}] = binary.BigEndian.Uint64(b)
		return nil
	}); err != nil {
		return err
	}
	if err := each(tx, "l/", func(_ string, b []byte) error {
		l, err := decode[Layer](b)
		if err != nil {
			return err
		}
		s.view.putLayer(functionID{l.Account, l.Region, l.Name}, l)
		return nil
	}); err != nil {
		return err
	}
	return each(tx, "r/", func(key string, b []byte) error {
		bucket, key, ok := strings.Cut(key, "/")
		if !ok {
			return fmt.Errorf("%w: key", ErrCorrupt)
		}
		s.view.putRecord(recordID{bucket, key}, &record{raw: bytes.Clone(b)})
		return nil
	})
}

// each calls f with every record whose key begins with prefix, in order; the key without the prefix. The value is only valid
// during the call.
func each(tx *badger.Txn, prefix string, f func(key string, value []byte) error) error {
	it := tx.NewIterator(badger.IteratorOptions{Prefix: []byte(prefix), PrefetchValues: true, PrefetchSize: 100})
	defer it.Close()
	for it.Rewind(); it.Valid(); it.Next() {
		item := it.Item()
		if err := item.Value(func(v []byte) error { return f(string(item.Key()[len(prefix):]), v) }); err != nil {
			return fmt.Errorf("%q: %w", item.Key(), err)
		}
	}
	return nil
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

// Settle waits for the changes in progress. The code that a change replaces is gone a moment before Function shows the change:
// who finds a record whose code is missing settles and looks again.
func (s *Store) Settle() {
	s.write.Lock()
	defer s.write.Unlock()
}

// Function returns a function. It must not be changed.
func (s *Store) Function(account, region, name string) (*Function, bool) {
	f := s.view.function(functionID{account, region, name})
	return f, f != nil
}

// List returns up to limit functions of an account and region in the order of their names, those after the given name.
func (s *Store) List(account, region, after string, limit int) []*Function {
	return s.view.listFunctions(scope{account, region}, after, limit)
}

// All calls f with every function of every account, until f returns false.
func (s *Store) All(f func(*Function) bool) {
	for _, scope := range s.view.allScopes() {
		for _, fn := range s.view.listFunctions(scope, "", math.MaxInt) {
			if !f(fn) {
				return
			}
		}
	}
}

// Layer returns a layer. It must not be changed.
func (s *Store) Layer(account, region, name string) (*Layer, bool) {
	l := s.view.layer(functionID{account, region, name})
	return l, l != nil
}

// Layers returns up to limit layers of an account and region in the order of their names, those after the given name. A layer
// whose versions were all deleted is among them.
func (s *Store) Layers(account, region, after string, limit int) []*Layer {
	return s.view.listLayers(scope{account, region}, after, limit)
}

// Usage is what the functions of an account and region add up to.
type Usage struct {
	Functions int
	CodeSize  int64 // bytes of all packages, each version's of each function and layer counted, as Lambda does
}

// Usage returns the totals of an account and region.
func (s *Store) Usage(account, region string) Usage { return s.view.usage(scope{account, region}) }

// badgerLog passes Badger's messages on, one level down: what it calls information is noise to an operator.
type badgerLog struct{ l *slog.Logger }

func (b badgerLog) text(format string, args []any) string {
	return "badger: " + strings.TrimSpace(fmt.Sprintf(format, args...))
}
func (b badgerLog) Errorf(format string, args ...any)   { b.l.Error(b.text(format, args)) }
func (b badgerLog) Warningf(format string, args ...any) { b.l.Warn(b.text(format, args)) }
func (b badgerLog) Infof(format string, args ...any)    { b.l.Debug(b.text(format, args)) }
func (b badgerLog) Debugf(string, ...any)               {}

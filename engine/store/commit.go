package store

import (
	"context"
	"encoding/binary"
	"fmt"
	"iter"
	"maps"

	"github.com/dgraph-io/badger/v4"
)

// What is changed at the same time is written together: a caller of Change queues its decision and waits for the write lock;
// whoever gets the lock first takes all that are queued, lets them decide one after the other, commits them in one Badger
// transaction, synced once, and shows them to readers. The others find their change done when they get the lock.

// Tx is one change while it is decided. Its reads see what the changes before it did, those of the same commit included; what
// it puts is stored wholly or not at all.
type Tx struct {
	s *Store
	b *batch

	functions map[functionID]*Function // nil = deleted
	layers    map[functionID]*Layer
	records   map[recordID]*record // nil = deleted
	packages  map[string]*Package
	raw       []entry
}

// entry is a key with its value, nil to delete it.
type entry struct{ key, value []byte }

// decision is a change that waits.
type decision struct {
	ctx      context.Context
	decide   func(*Tx) error
	done     bool
	err      error
	panicked any
}

// batch is what is committed together.
type batch struct {
	functions map[functionID]*Function
	layers    map[functionID]*Layer
	records   map[recordID]*record
	counters  map[functionID]uint64
	refs      map[string]int // what the batch adds to the view's
	sizes     map[scope]int64
	writes    map[string][]byte // nil = delete
	cost      int               // of writes, about, as Badger counts it
	revision  uint64
	done      []*decision
}

// batchCost ends a batch: Badger refuses transactions beyond 15 % of its memory table of 16 MB.
const batchCost = 512 << 10

// Change carries out one change. decide looks at what is there and puts what is to be; its error, which Change returns as it
// is, leaves nothing behind. It must not call methods of the Store that change something. When Change returns nil the change
// is on disk, whatever happens.
func (s *Store) Change(ctx context.Context, decide func(*Tx) error) error {
	d := &decision{ctx: ctx, decide: decide}
	s.queue.Lock()
	s.waiting = append(s.waiting, d)
	s.queue.Unlock()

	s.write.Lock()
	for !d.done {
		s.queue.Lock()
		all := s.waiting
		s.waiting = nil
		s.queue.Unlock()
		for len(all) > 0 {
			all = s.commit(all)
		}
	}
	s.write.Unlock()
	if d.panicked != nil {
		panic(d.panicked) // in the goroutine whose it is
	}
	return d.err
}

// commit carries out changes until the batch is full and returns the rest.
func (s *Store) commit(all []*decision) (rest []*decision) {
	b := &batch{
		functions: map[functionID]*Function{}, layers: map[functionID]*Layer{}, records: map[recordID]*record{}, counters: map[functionID]uint64{},
		refs: map[string]int{}, sizes: map[scope]int64{}, writes: map[string][]byte{}, revision: s.revision,
	}
	for len(all) > 0 && b.cost < batchCost {
		d := all[0]
		all = all[1:]
		if s.decide(b, d) {
			b.done = append(b.done, d)
		} else {
			d.done = true
		}
	}
	err := s.writeBatch(b)
	if err == nil {
		s.revision = b.revision
		s.show(b)
	}
	for _, d := range b.done {
		d.done, d.err = true, err
	}
	return all
}

// decide runs one decision and takes its changes into the batch; false if there are none, because it failed or gave none.
func (s *Store) decide(b *batch, d *decision) (ok bool) {
	defer func() {
		if p := recover(); p != nil {
			d.panicked, ok = p, false
		}
	}()
	if d.ctx.Err() != nil {
		d.err = context.Cause(d.ctx)
		return false
	}
	tx := &Tx{
		s: s, b: b, functions: map[functionID]*Function{}, layers: map[functionID]*Layer{}, records: map[recordID]*record{}, packages: map[string]*Package{},
	}
	if d.err = d.decide(tx); d.err != nil {
		return false
	}
	if d.err = b.take(tx); d.err != nil {
		return false
	}
	return true
}

// Function returns a function, nil if there is none.
func (tx *Tx) Function(account, region, name string) *Function {
	id := functionID{account, region, name}
	if f, ok := tx.functions[id]; ok {
		return f
	}
	if f, ok := tx.b.functions[id]; ok {
		return f
	}
	return tx.s.view.function(id)
}

// LastVersion returns the last version number that a function of this name has had, though it may have been deleted.
func (tx *Tx) LastVersion(account, region, name string) uint64 {
	if f := tx.Function(account, region, name); f != nil {
		return f.LastVersion
	}
	return tx.counter(functionID{account, region, name})
}

// PutFunction stores a function. Its account, region, name and $LATEST must be set.
func (tx *Tx) PutFunction(f *Function) {
	tx.functions[functionID{f.Account, f.Region, f.Name}] = f
}

// DeleteFunction removes a function with all that belongs to it.
func (tx *Tx) DeleteFunction(account, region, name string) {
	tx.functions[functionID{account, region, name}] = nil
}

// Layer returns a layer, nil if there is none.
func (tx *Tx) Layer(account, region, name string) *Layer {
	id := functionID{account, region, name}
	if l, ok := tx.layers[id]; ok {
		return l
	}
	if l, ok := tx.b.layers[id]; ok {
		return l
	}
	return tx.s.view.layer(id)
}

// PutLayer stores a layer.
func (tx *Tx) PutLayer(l *Layer) { tx.layers[functionID{l.Account, l.Region, l.Name}] = l }

// AddCode makes a package available to what the change puts. It is stored if something refers to it, once.
func (tx *Tx) AddCode(p *Package) { tx.packages[p.SHA256] = p }

// Usage returns the totals of an account and region before the change.
func (tx *Tx) Usage(account, region string) Usage {
	u := tx.s.view.usage(scope{account, region})
	u.CodeSize += tx.b.sizes[scope{account, region}]
	return u
}

func (tx *Tx) record(id recordID) *record {
	if r, ok := tx.records[id]; ok {
		return r
	}
	if r, ok := tx.b.records[id]; ok {
		return r
	}
	return tx.s.view.record(id)
}

// take turns a change into writes. Nothing of the batch is touched if it fails.
func (b *batch) take(tx *Tx) error {
	revision := b.revision
	writes := map[string][]byte{}
	refs := map[string]int{}
	count := func(hashes iter.Seq[string], by int) {
		for sha := range hashes {
			refs[sha] += by
		}
	}
	counters := map[functionID]uint64{}
	sizes := map[scope]int64{}
	set := func(key []byte, value any) error {
		text, err := encode(value)
		if err != nil {
			return fmt.Errorf("store %q: %w", key, err)
		}
		writes[string(key)] = text
		return nil
	}
	for id, f := range tx.functions {
		old := b.functions[id]
		if _, ok := b.functions[id]; !ok {
			old = tx.s.view.function(id)
		}
		if f == nil && old == nil {
			continue
		}
		count(f.hashes(), 1)
		count(old.hashes(), -1)
		sizes[id.scope()] += f.codeSize() - old.codeSize()
		revision++
		if f == nil {
			writes[string(id.key('f'))] = nil
			if old.LastVersion > 0 {
				counters[id] = old.LastVersion
				writes[string(id.key('n'))] = binary.BigEndian.AppendUint64(nil, old.LastVersion)
			}
			f = &Function{} // the comparison below removes the rest
		} else {
			f.Revision = revision
			text, err := encodeFunction(f)
			if err != nil {
				return fmt.Errorf("store %s: %w", id.name, err)
			}
			writes[string(id.key('f'))] = text
			if old == nil && tx.counter(id) > 0 {
				counters[id] = 0
				writes[string(id.key('n'))] = nil
			}
		}
		if old == nil {
			old = &Function{}
		}
		before := map[uint64]*Version{}
		for _, v := range old.Versions {
			before[v.Number] = v
		}
		for _, v := range f.Versions {
			if before[v.Number] != v {
				if err := set(id.versionKey(v.Number), v); err != nil {
					return err
				}
			}
			delete(before, v.Number)
		}
		for n := range before {
			writes[string(id.versionKey(n))] = nil
		}
		for q, v := range f.Qualified {
			if old.Qualified[q] != v {
				if err := set(id.qualifierKey(q), v); err != nil {
					return err
				}
			}
		}
		for q := range old.Qualified {
			if f.Qualified[q] == nil {
				writes[string(id.qualifierKey(q))] = nil
			}
		}
	}
	for id, l := range tx.layers {
		old := b.layers[id]
		if old == nil {
			old = tx.s.view.layer(id)
		}
		count(l.hashes(), 1)
		count(old.hashes(), -1)
		sizes[id.scope()] += l.codeSize() - old.codeSize()
		revision++
		if err := set(id.key('l'), l); err != nil {
			return err
		}
	}
	for id, r := range tx.records {
		revision++
		if r == nil {
			writes[string(id.path())] = nil
		} else {
			writes[string(id.path())] = r.raw
		}
	}
	for _, e := range tx.raw {
		revision++
		writes[string(e.key)] = e.value
	}
	for sha, by := range refs {
		before := tx.s.view.references(sha) + b.refs[sha]
		switch p := tx.packages[sha]; {
		case before == 0 && by > 0 && p == nil:
			return fmt.Errorf("%w: code %s", ErrNotFound, sha)
		case before == 0 && by > 0:
			if err := p.put(writes); err != nil {
				return err
			}
		case before > 0 && before+by <= 0:
			if err := tx.s.deleteCode(sha, writes, b.writes); err != nil {
				return err
			}
		}
	}
	// From here on nothing fails.
	for sha, by := range refs {
		b.refs[sha] += by
	}
	for s, n := range sizes {
		b.sizes[s] += n
	}
	maps.Copy(b.functions, tx.functions)
	maps.Copy(b.layers, tx.layers)
	maps.Copy(b.records, tx.records)
	maps.Copy(b.counters, counters)
	for k, v := range writes {
		b.writes[k] = v
		if b.cost += len(k) + 16; len(v) < valueThreshold {
			b.cost += len(v)
		}
	}
	b.revision = revision
	return nil
}

// counter is the number that a deleted function left.
func (tx *Tx) counter(id functionID) uint64 {
	if n, ok := tx.b.counters[id]; ok {
		return n
	}
	return tx.s.view.counter(id)
}

// writeBatch commits a batch to Badger.
func (s *Store) writeBatch(b *batch) error {
	if len(b.writes) == 0 {
		return nil
	}
	b.writes["m/revision"] = binary.BigEndian.AppendUint64(nil, b.revision)
	err := s.db.Update(func(tx *badger.Txn) error {
		for k, v := range b.writes {
			var err error
			if v == nil {
				err = tx.Delete([]byte(k))
			} else {
				err = tx.Set([]byte(k), v)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	return nil
}

// show lets readers see a batch.
func (s *Store) show(b *batch) {
	v := &s.view
	v.mu.Lock()
	defer v.mu.Unlock()
	for id, n := range b.counters {
		if v.counters[id] = n; n == 0 {
			delete(v.counters, id)
		}
	}
	for id, f := range b.functions {
		v.putFunction(id, f)
	}
	for id, l := range b.layers {
		v.putLayer(id, l)
	}
	for id, r := range b.records {
		v.putRecord(id, r)
	}
}

func (id functionID) key(kind byte) []byte {
	return []byte(string(kind) + "/" + id.account + "/" + id.region + "/" + id.name)
}

func (id functionID) versionKey(n uint64) []byte {
	return binary.BigEndian.AppendUint64(append(id.key('v'), '/'), n)
}

func (id functionID) qualifierKey(q string) []byte { return append(append(id.key('c'), '/'), q...) }

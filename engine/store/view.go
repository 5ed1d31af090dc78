package store

import (
	"maps"
	"slices"
	"strings"
	"sync"
)

// view is what is read often, in memory. Records in it are never changed, only replaced.
type view struct {
	mu       sync.RWMutex
	scopes   map[scope]*holdings
	refs     map[string]int        // references by CodeSHA256
	counters map[functionID]uint64 // LastVersion of functions that were deleted
	buckets  map[string]*sorted[*record]
}

type scope struct{ account, region string }

type functionID struct{ account, region, name string }

func (id functionID) scope() scope { return scope{id.account, id.region} }

// holdings is what an account has in a region.
type holdings struct {
	functions sorted[*Function]
	layers    sorted[*Layer]
	size      int64 // of code, bytes
}

// sorted is a map with its keys in order.
type sorted[T any] struct {
	byKey map[string]T
	keys  []string
}

func (s *sorted[T]) put(key string, v T) {
	if s.byKey == nil {
		s.byKey = map[string]T{}
	}
	if _, there := s.byKey[key]; !there {
		if n := len(s.keys); n == 0 || s.keys[n-1] < key { // as when a folder is loaded
			s.keys = append(s.keys, key)
		} else {
			i, _ := slices.BinarySearch(s.keys, key)
			s.keys = slices.Insert(s.keys, i, key)
		}
	}
	s.byKey[key] = v
}

func (s *sorted[T]) remove(key string) {
	if _, there := s.byKey[key]; !there {
		return
	}
	delete(s.byKey, key)
	if i, ok := slices.BinarySearch(s.keys, key); ok {
		s.keys = slices.Delete(s.keys, i, i+1)
	}
}

// list returns up to limit values whose keys begin with prefix and come after a key.
func (s *sorted[T]) list(prefix, after string, limit int) []T {
	from := 0
	if prefix != "" {
		from, _ = slices.BinarySearch(s.keys, prefix)
	}
	if after != "" && after >= prefix {
		i, found := slices.BinarySearch(s.keys, after)
		if found {
			i++
		}
		from = max(from, i)
	}
	var out []T
	for _, k := range s.keys[from:] {
		if len(out) >= limit || !strings.HasPrefix(k, prefix) {
			break
		}
		out = append(out, s.byKey[k])
	}
	return out
}

func (v *view) reset() {
	v.scopes, v.refs, v.counters = map[scope]*holdings{}, map[string]int{}, map[functionID]uint64{}
	v.buckets = map[string]*sorted[*record]{}
}

func (v *view) holdings(s scope) *holdings {
	h := v.scopes[s]
	if h == nil {
		h = &holdings{}
		v.scopes[s] = h
	}
	return h
}

func (v *view) function(id functionID) *Function {
	v.mu.RLock()
	defer v.mu.RUnlock()
	if h := v.scopes[id.scope()]; h != nil {
		return h.functions.byKey[id.name]
	}
	return nil
}

func (v *view) layer(id functionID) *Layer {
	v.mu.RLock()
	defer v.mu.RUnlock()
	if h := v.scopes[id.scope()]; h != nil {
		return h.layers.byKey[id.name]
	}
	return nil
}

func (v *view) record(id recordID) *record {
	v.mu.RLock()
	defer v.mu.RUnlock()
	if b := v.buckets[id.bucket]; b != nil {
		return b.byKey[id.key]
	}
	return nil
}

func (v *view) scan(bucket, prefix, after string, limit int) []*record {
	v.mu.RLock()
	defer v.mu.RUnlock()
	if b := v.buckets[bucket]; b != nil {
		return b.list(prefix, after, limit)
	}
	return nil
}

// The put methods want mu held for writing. A nil value removes.

func (v *view) putFunction(id functionID, f *Function) {
	h := v.holdings(id.scope())
	old := h.functions.byKey[id.name]
	h.size += f.codeSize() - old.codeSize()
	for sha := range f.hashes() {
		v.refs[sha]++
	}
	for sha := range old.hashes() {
		v.release(sha)
	}
	if f == nil {
		h.functions.remove(id.name)
	} else {
		h.functions.put(id.name, f)
	}
}

func (v *view) putLayer(id functionID, l *Layer) {
	h := v.holdings(id.scope())
	old := h.layers.byKey[id.name]
	h.size += l.codeSize() - old.codeSize()
	for sha := range l.hashes() {
		v.refs[sha]++
	}
	for sha := range old.hashes() {
		v.release(sha)
	}
	h.layers.put(id.name, l)
}

func (v *view) release(sha string) {
	if v.refs[sha]--; v.refs[sha] == 0 {
		delete(v.refs, sha)
	}
}

func (v *view) putRecord(id recordID, r *record) {
	b := v.buckets[id.bucket]
	if b == nil {
		b = &sorted[*record]{}
		v.buckets[id.bucket] = b
	}
	if r == nil {
		b.remove(id.key)
	} else {
		b.put(id.key, r)
	}
}

func (v *view) references(sha string) int {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return v.refs[sha]
}

func (v *view) counter(id functionID) uint64 {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return v.counters[id]
}

func (v *view) listFunctions(s scope, after string, limit int) []*Function {
	v.mu.RLock()
	defer v.mu.RUnlock()
	if h := v.scopes[s]; h != nil {
		return h.functions.list("", after, limit)
	}
	return nil
}

func (v *view) allScopes() []scope {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return slices.Collect(maps.Keys(v.scopes))
}

func (v *view) listLayers(s scope, after string, limit int) []*Layer {
	v.mu.RLock()
	defer v.mu.RUnlock()
	if h := v.scopes[s]; h != nil {
		return h.layers.list("", after, limit)
	}
	return nil
}

func (v *view) usage(s scope) Usage {
	v.mu.RLock()
	defer v.mu.RUnlock()
	h := v.scopes[s]
	if h == nil {
		return Usage{}
	}
	return Usage{Functions: len(h.functions.keys), CodeSize: h.size}
}

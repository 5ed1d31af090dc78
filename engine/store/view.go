package store

import (
	"slices"
	"strings"
	"sync"
)

// view is the functions in memory. Records in it are never changed, only replaced.
type view struct {
	mu     sync.RWMutex
	scopes map[scope]*functions
	refs   map[string]int // functions by CodeSHA256
}

type scope struct{ account, region string }

type functions struct {
	byName map[string]*Function
	names  []string // sorted
	size   int64
}

func (v *view) reset() { v.scopes, v.refs = map[scope]*functions{}, map[string]int{} }

func (v *view) get(account, region, name string) *Function {
	v.mu.RLock()
	defer v.mu.RUnlock()
	if s := v.scopes[scope{account, region}]; s != nil {
		return s.byName[name]
	}
	return nil
}

func (v *view) put(f *Function) {
	v.mu.Lock()
	defer v.mu.Unlock()
	key := scope{f.Account, f.Region}
	s := v.scopes[key]
	if s == nil {
		s = &functions{byName: map[string]*Function{}}
		v.scopes[key] = s
	}
	if old := s.byName[f.Name]; old != nil {
		v.forget(s, old)
	} else {
		i, _ := slices.BinarySearch(s.names, f.Name)
		s.names = slices.Insert(s.names, i, f.Name)
	}
	s.byName[f.Name] = f
	s.size += f.CodeSize
	v.refs[f.CodeSHA256]++
}

func (v *view) remove(f *Function) {
	v.mu.Lock()
	defer v.mu.Unlock()
	s := v.scopes[scope{f.Account, f.Region}]
	v.forget(s, f)
	delete(s.byName, f.Name)
	if i, ok := slices.BinarySearch(s.names, f.Name); ok {
		s.names = slices.Delete(s.names, i, i+1)
	}
}

func (v *view) forget(s *functions, f *Function) {
	s.size -= f.CodeSize
	if v.refs[f.CodeSHA256]--; v.refs[f.CodeSHA256] == 0 {
		delete(v.refs, f.CodeSHA256)
	}
}

func (v *view) references(sha string) int {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return v.refs[sha]
}

func (v *view) list(account, region, after string, limit int) []*Function {
	v.mu.RLock()
	defer v.mu.RUnlock()
	s := v.scopes[scope{account, region}]
	if s == nil {
		return nil
	}
	i := 0
	if after != "" {
		i, _ = slices.BinarySearchFunc(s.names, after, func(name, after string) int {
			if c := strings.Compare(name, after); c != 0 {
				return c
			}
			return -1 // the first name behind it
		})
	}
	var out []*Function
	for _, name := range s.names[i:min(len(s.names), i+limit)] {
		out = append(out, s.byName[name])
	}
	return out
}

func (v *view) usage(account, region string) Usage {
	v.mu.RLock()
	defer v.mu.RUnlock()
	s := v.scopes[scope{account, region}]
	if s == nil {
		return Usage{}
	}
	return Usage{Functions: len(s.names), CodeSize: s.size}
}

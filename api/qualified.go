package api

import (
	"maps"
	"slices"

	"github.com/thawrun/thaw/engine/store"
)

// listQualified answers a page of what is set for single qualifiers of a function, in their order. shape makes an item, or nil
// where a qualifier has nothing of the kind.
func listQualified[T any](s *Server, r *request, shape func(f *store.Function, qualifier string, set *store.Qualified) *T) (shown []*T, next *string, err error) {
	after, limit, perr := pageUpTo(r, 50, 50)
	if perr != nil {
		return nil, nil, perr
	}
	_, f, ferr := s.findFunction(r)
	if ferr != nil {
		return nil, nil, ferr
	}
	type item struct {
		qualifier string
		shape     *T
	}
	var list []item
	for _, q := range slices.Sorted(maps.Keys(f.Qualified)) {
		name := orDefault(q, latest)
		if after != "" && name <= after {
			continue
		}
		if x := shape(f, q, f.Qualified[q]); x != nil {
			list = append(list, item{name, x})
		}
	}
	list, next = cut(list, limit, func(i item) string { return i.qualifier })
	shown = []*T{}
	for _, i := range list {
		shown = append(shown, i.shape)
	}
	return shown, next, nil
}

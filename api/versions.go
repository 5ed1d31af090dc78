package api

import (
	"reflect"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/valyala/fasthttp"

	"github.com/thawrun/thaw/engine/store"
)

func (s *Server) publishVersion(r *request) error {
	var in struct {
		CodeSha256, Description, RevisionId, PublishTo *string
	}
	if err := decode(r.ctx.PostBody(), &in); err != nil {
		return err
	}
	ref, _, err := s.findFunction(r)
	if err != nil {
		return err
	}
	var v violations
	if in.Description != nil {
		v.length("description", *in.Description, 0, 256)
	}
	if err := v.err(); err != nil {
		return err
	}
	if in.PublishTo != nil {
		return invalid("PublishTo is not supported by this server.")
	}
	var shown *store.Version
	uerr := s.change(ref, func(tx *store.Tx, f *store.Function) (err error) {
		if err := checkRevision(in.RevisionId, f.Latest.RevisionID); err != nil {
			return err
		}
		if in.CodeSha256 != nil && *in.CodeSha256 != "" && *in.CodeSha256 != f.Latest.CodeSHA256 {
			return invalid("CodeSHA256 (%s) is different from current CodeSHA256 in $LATEST (%s). Please try again with the CodeSHA256 in $LATEST.", *in.CodeSha256, f.Latest.CodeSHA256)
		}
		if shown, err = s.publish(tx, f, in.Description); err != nil {
			return err
		}
		tx.PutFunction(f)
		return nil
	})
	if uerr != nil {
		return uerr
	}
	s.json(r.ctx, fasthttp.StatusCreated, marshal(s.configuration(shown, shown.Label())))
	return nil
}

// publish adds a version to a function that is being changed and returns it: a copy of $LATEST under the next number, or the
// last version where nothing has changed since.
func (s *Server) publish(tx *store.Tx, f *store.Function, description *string) (*store.Version, error) {
	if n := len(f.Versions); n > 0 && unchanged(f.Versions[n-1], f.Latest) {
		return f.Versions[n-1], nil
	}
	if err := s.checkStorage(tx, f.Account, 0, f.Latest.CodeSize); err != nil {
		return nil, err
	}
	v := *f.Latest
	v.LatestDescription = v.Description
	if description != nil {
		v.Description = *description
	}
	f.LastVersion++
	v.Number, v.RevisionID = f.LastVersion, uuid.NewString()
	f.Versions = append(f.Versions, &v)
	return &v, nil
}

// unchanged says whether $LATEST still is what a version was published from.
func unchanged(published, latest *store.Version) bool {
	a, b := *published, *latest
	a.Number, a.RevisionID, a.LastModified = b.Number, b.RevisionID, b.LastModified
	a.Description, a.LatestDescription = a.LatestDescription, ""
	return reflect.DeepEqual(a, b)
}

func (s *Server) listVersions(r *request) error {
	after, limit, err := page(r)
	if err != nil {
		return err
	}
	_, f, err := s.findFunction(r)
	if err != nil {
		return err
	}
	list, next := cut(versionsAfter(f, after), limit, (*store.Version).Label)
	shown := make([]*functionConfiguration, len(list))
	for i, v := range list {
		shown[i] = s.configuration(v, v.Label())
	}
	s.json(r.ctx, fasthttp.StatusOK, marshal(struct {
		Versions   []*functionConfiguration
		NextMarker *string
	}{shown, next}))
	return nil
}

// deleteVersion removes one published version of a function that is being changed.
func (s *Server) deleteVersion(tx *store.Tx, f *store.Function, ref functionRef) error {
	if f.Alias(ref.qualifier) != nil {
		return invalid("Deletion of aliases is not currently supported.")
	}
	v := f.VersionNamed(ref.qualifier)
	if v == nil {
		return s.notFound(ref)
	}
	var users []string
	for name, q := range f.Qualified {
		if a := q.Alias; a != nil {
			if _, weighted := a.Weights[ref.qualifier]; weighted || a.Version == ref.qualifier {
				users = append(users, name)
			}
		}
	}
	if len(users) > 0 {
		slices.Sort(users)
		return fail("ResourceConflictException", "Version '%s' currently used by: [%s]", ref.qualifier, strings.Join(users, ", "))
	}
	f.Versions = slices.DeleteFunc(f.Versions, func(x *store.Version) bool { return x == v })
	delete(f.Qualified, ref.qualifier)
	tx.PutFunction(f)
	return nil
}

package api

import (
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/valyala/fasthttp"

	"github.com/thawrun/thaw/engine/store"
)

// target is what a request is about: a version of a function, under the name that the client used.
type target struct {
	ref functionRef
	f   *store.Function
	v   *store.Version // for an alias the version that it points to
}

// ref is the function that a request names.
func (s *Server) ref(r *request) (functionRef, *Error) {
	var v violations
	ref := parseFunctionRef(r.param, &v)
	if q := r.query("Qualifier"); q != "" {
		v.length("qualifier", q, 1, 128)
		v.check(qualifier(q), "qualifier", q, `Member must satisfy regular expression pattern: (|[a-zA-Z0-9$_-]+)`)
		if ref.qualifier != "" && ref.qualifier != q {
			return ref, invalid("The derived qualifier from the function name does not match the specified qualifier.")
		}
		ref.qualifier = q
	}
	ref.account = orDefault(ref.account, r.account)
	return ref, v.err()
}

// qualifier matches [a-zA-Z0-9$_-]+.
func qualifier(s string) bool { return word(strings.ReplaceAll(s, "$", "_")) }

// notFound is the error for a function or version that isn't there.
func (s *Server) notFound(ref functionRef) *Error {
	arn := "arn:" + orDefault(ref.partition, "aws") + ":lambda:" + orDefault(ref.region, s.cfg.Region) + ":" + orDefault(ref.account, s.cfg.Account) + ":function:" + ref.name
	if ref.qualifier != "" {
		arn += ":" + ref.qualifier
	}
	return fail("ResourceNotFoundException", "Function not found: %s", arn)
}

// find returns the function version that a request is about.
func (s *Server) find(r *request) (target, *Error) {
	ref, err := s.ref(r)
	if err != nil {
		return target{}, err
	}
	return s.resolve(ref)
}

// resolve looks up a function and the version that a qualifier stands for.
func (s *Server) resolve(ref functionRef) (target, *Error) {
	f, err := s.function(ref)
	if err != nil {
		return target{}, err
	}
	v := versionOf(f, ref.qualifier)
	if v == nil {
		return target{}, s.notFound(ref)
	}
	return target{ref, f, v}, nil
}

// function looks up a function, whatever its qualifier.
func (s *Server) function(ref functionRef) (*store.Function, *Error) {
	if !s.here(ref) {
		return nil, s.notFound(ref)
	}
	f, ok := s.cfg.Store.Function(ref.account, s.cfg.Region, ref.name)
	if !ok {
		return nil, s.notFound(ref)
	}
	return f, nil
}

// versionOf is the version that a qualifier stands for; nil if there is none.
func versionOf(f *store.Function, qualifier string) *store.Version {
	if qualifier == "" {
		return f.Latest
	}
	if a := f.Alias(qualifier); a != nil {
		qualifier = a.Version
	}
	return f.VersionNamed(qualifier)
}

// findFunction returns a function for operations that are about all of it: a qualifier is refused.
func (s *Server) findFunction(r *request) (functionRef, *store.Function, *Error) {
	ref, err := s.ref(r)
	if err != nil {
		return ref, nil, err
	}
	f, err := s.function(ref)
	if err == nil && ref.qualifier != "" && ref.qualifier != latest {
		err = errQualified()
	}
	return ref, f, err
}

func errQualified() *Error {
	return invalid("This operation is permitted on Lambda functions only. Aliases and versions do not support this operation. Please specify either a function name or an unqualified function ARN.")
}

func (s *Server) createFunction(r *request) error {
	var in createInput
	if err := decodeWithBlob(r.ctx.PostBody(), &in, func() **[]byte { return in.Code.blob() }, "Code", "ZipFile"); err != nil {
		return err
	}
	var v violations
	var ref functionRef
	if v.required(in.FunctionName != nil, "functionName") {
		ref = parseFunctionRef(*in.FunctionName, &v)
	}
	if v.required(in.Code != nil, "code") {
		in.Code.validate("code.", &v)
	}
	v.required(in.Role != nil, "role")
	zip := in.PackageType == nil || *in.PackageType == "Zip"
	if zip {
		v.required(in.Runtime != nil, "runtime")
		v.required(in.Handler != nil, "handler")
	}
	next := &store.Version{MemorySize: 128, Timeout: 3, TmpSize: 512}
	s.validate(&in.configInput, &v)
	if err := v.err(); err != nil {
		return err
	}
	if err := s.accept(&in.configInput, next); err != nil {
		return err
	}
	if err := in.unsupported(); err != nil {
		return err
	}
	ref.account = orDefault(ref.account, r.account)
	if !s.here(ref) || ref.account != r.account {
		return fail("AccessDeniedException", "functions can only be created in account %s and region %s", r.account, s.cfg.Region)
	}
	if ref.qualifier != "" && ref.qualifier != latest {
		return invalid("The function name can't have a qualifier.")
	}
	if err := s.authorizeCreate(r, ref, *in.Role); err != nil {
		return err
	}
	if in.Tags != nil {
		if err := checkTags(in.Tags); err != nil {
			return err
		}
	}
	if err := s.useLayers(next, in.Layers, r.account); err != nil {
		return err
	}
	code, err := s.code(r.ctx, in.Code)
	if err != nil {
		return err
	}
	if err := s.checkUnpacked(next, code.unpacked); err != nil {
		return err
	}
	var shown *store.Version
	uerr := s.cfg.Store.Change(s.base, func(tx *store.Tx) error {
		if tx.Function(ref.account, s.cfg.Region, ref.name) != nil {
			return fail("ResourceConflictException", "Function already exist: %s", ref.name)
		}
		if err := s.checkStorage(tx, ref.account, 0, code.packed.Size); err != nil {
			return err
		}
		next.Account, next.Region, next.Name = ref.account, s.cfg.Region, ref.name
		code.apply(tx, next)
		touch(next)
		f := &store.Function{
			Account: next.Account, Region: next.Region, Name: next.Name, Latest: next, Tags: in.Tags,
			LastVersion: tx.LastVersion(next.Account, next.Region, next.Name),
		}
		shown = next
		if in.Publish {
			if shown, err = s.publish(tx, f, nil); err != nil {
				return err
			}
		}
		tx.PutFunction(f)
		return nil
	})
	if uerr != nil {
		return uerr
	}
	// The ARN is unqualified even where a version was published (guide, row VER-07).
	s.json(r.ctx, fasthttp.StatusCreated, marshal(s.configuration(shown, "")))
	return nil
}

// touch marks a record as changed now.
func touch(v *store.Version) {
	v.LastModified = time.Now().UTC()
	v.RevisionID = uuid.NewString()
}

func (s *Server) checkStorage(tx *store.Tx, account string, before, after int64) error {
	if u := tx.Usage(account, s.cfg.Region); u.CodeSize-before+after > s.cfg.Limits.CodeStorage {
		return fail("CodeStorageExceededException", "Code storage limit exceeded.")
	}
	return nil
}

func (s *Server) getFunction(r *request) error {
	t, err := s.find(r)
	if err != nil {
		return err
	}
	type location struct{ RepositoryType, Location string }
	type concurrency struct{ ReservedConcurrentExecutions int }
	body := struct {
		Configuration *functionConfiguration
		Code          location
		Tags          map[string]string `json:",omitempty"`
		Concurrency   *concurrency      `json:",omitempty"`
	}{s.configuration(t.v, t.ref.qualifier), location{"S3", s.codeLocation(r.ctx, t.v.CodeSHA256)}, t.f.Tags, nil}
	if t.f.Reserved != nil {
		body.Concurrency = &concurrency{*t.f.Reserved}
	}
	s.json(r.ctx, fasthttp.StatusOK, marshal(body))
	return nil
}

func (s *Server) getFunctionConfiguration(r *request) error {
	t, err := s.find(r)
	if err != nil {
		return err
	}
	if t.ref.qualifier == "" {
		r.ctx.SetStatusCode(fasthttp.StatusOK)
		r.ctx.SetContentType(contentJSON)
		r.ctx.Response.SetBodyRaw(s.configurationText(t.f)) // never changed
		return nil
	}
	s.json(r.ctx, fasthttp.StatusOK, marshal(s.configuration(t.v, t.ref.qualifier)))
	return nil
}

// page reads Marker and MaxItems. The marker says what was listed last, so that it stays right whatever is created and deleted
// meanwhile.
func page(r *request) (after string, limit int, err *Error) { return pageUpTo(r, 50, 10000) }

func pageUpTo(r *request, usual, most int) (after string, limit int, err *Error) {
	limit = usual
	if text := r.query("MaxItems"); text != "" {
		n, perr := strconv.Atoi(text)
		if perr != nil {
			return "", 0, invalid("MaxItems must be a number, not %q", text)
		}
		var v violations
		v.between("maxItems", n, 1, most)
		if err := v.err(); err != nil {
			return "", 0, err
		}
		limit = n
	}
	after = r.query("Marker")
	if after != "" && !word(strings.NewReplacer("$", "_", ":", "_").Replace(after)) {
		return "", 0, invalid("Invalid marker")
	}
	return after, limit, nil
}

// cut shortens a list that was asked for with one more than the limit, and returns the marker of what follows.
func cut[T any](list []T, limit int, marker func(T) string) ([]T, *string) {
	if len(list) <= limit {
		if list == nil {
			list = []T{} // an empty list, not null
		}
		return list, nil
	}
	m := marker(list[limit-1])
	return list[:limit], &m
}

func (s *Server) listFunctions(r *request) error {
	after, limit, err := page(r)
	if err != nil {
		return err
	}
	if v := r.query("FunctionVersion"); v == "ALL" {
		return s.listAllVersions(r, after, limit)
	} else if v != "" {
		var vs violations
		vs.oneOf("functionVersion", v, "ALL")
		return vs.err()
	}
	found, next := cut(s.cfg.Store.List(r.account, s.cfg.Region, after, limit+1), limit, func(f *store.Function) string { return f.Name })
	list := make([]*functionConfiguration, len(found))
	for i, f := range found {
		list[i] = s.configuration(f.Latest, "")
	}
	s.json(r.ctx, fasthttp.StatusOK, marshal(functionPage{list, next}))
	return nil
}

type functionPage struct {
	Functions  []*functionConfiguration
	NextMarker *string
}

// listAllVersions lists every version of every function. Its marker is name:version.
func (s *Server) listAllVersions(r *request, after string, limit int) error {
	name, label, _ := strings.Cut(after, ":")
	var list []*store.Version
	if f, ok := s.cfg.Store.Function(r.account, s.cfg.Region, name); ok && label != "" {
		list = versionsAfter(f, label)
	}
	for len(list) <= limit {
		found := s.cfg.Store.List(r.account, s.cfg.Region, name, 100)
		if len(found) == 0 {
			break
		}
		for _, f := range found {
			list = append(list, versionsAfter(f, "")...)
			name = f.Name
		}
	}
	list, next := cut(list[:min(len(list), limit+1)], limit, func(v *store.Version) string { return v.Name + ":" + v.Label() })
	shown := make([]*functionConfiguration, len(list))
	for i, v := range list {
		shown[i] = s.configuration(v, v.Label())
	}
	s.json(r.ctx, fasthttp.StatusOK, marshal(functionPage{shown, next}))
	return nil
}

// versionsAfter is a function's versions, $LATEST first, those after the one with a label.
func versionsAfter(f *store.Function, label string) []*store.Version {
	var list []*store.Version
	after := uint64(0)
	if label == "" {
		list = append(list, f.Latest)
	} else if label != latest {
		after, _ = strconv.ParseUint(label, 10, 64)
	}
	for _, v := range f.Versions {
		if v.Number > after {
			list = append(list, v)
		}
	}
	return list
}

func (s *Server) deleteFunction(r *request) error {
	ref, err := s.ref(r)
	if err != nil {
		return err
	}
	if ref.qualifier == latest {
		return invalid("$LATEST version cannot be deleted without deleting the function.")
	}
	if _, err := s.function(ref); err != nil {
		return err
	}
	uerr := s.change(ref, func(tx *store.Tx, f *store.Function) error {
		if ref.qualifier == "" {
			tx.DeleteFunction(f.Account, f.Region, f.Name)
			return nil
		}
		return s.deleteVersion(tx, f, ref)
	})
	if uerr != nil {
		return uerr
	}
	if err := s.deployAll(s.base, ref.account, ref.name); err != nil {
		return err
	}
	r.ctx.SetStatusCode(fasthttp.StatusNoContent)
	return nil
}

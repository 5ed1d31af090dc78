package api

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/valyala/fasthttp"

	"github.com/thawrun/thaw/engine"
	"github.com/thawrun/thaw/engine/store"
)

// target is the function that a request is about.
func (s *Server) target(r *request) (functionRef, *Error) {
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

// find returns the function that a request is about.
func (s *Server) find(r *request) (*store.Function, functionRef, *Error) {
	ref, err := s.target(r)
	if err != nil {
		return nil, ref, err
	}
	f, err := s.resolve(ref)
	return f, ref, err
}

func (s *Server) resolve(ref functionRef) (*store.Function, *Error) {
	if !s.here(ref) || ref.qualifier != "" && ref.qualifier != latest {
		return nil, s.notFound(ref)
	}
	f, ok := s.cfg.Store.Function(ref.account, s.cfg.Region, ref.name)
	if !ok {
		return nil, s.notFound(ref)
	}
	return f, nil
}

func (s *Server) createFunction(r *request) error {
	var in createInput
	if err := decode(r.ctx.PostBody(), &in); err != nil {
		return err
	}
	var v violations
	var ref functionRef
	if v.required(in.FunctionName != nil, "functionName") {
		ref = parseFunctionRef(*in.FunctionName, &v)
	}
	v.required(in.Code != nil, "code")
	v.required(in.Role != nil, "role")
	zip := in.PackageType == nil || *in.PackageType == "Zip"
	if zip {
		v.required(in.Runtime != nil, "runtime")
		v.required(in.Handler != nil, "handler")
	}
	f := &store.Function{MemorySize: 128, Timeout: 3, TmpSize: 512}
	s.validate(&in.configInput, &v)
	if err := v.err(); err != nil {
		return err
	}
	if err := s.accept(&in.configInput, f); err != nil {
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
		f.Tags = in.Tags
	}
	code, err := s.code(in.Code)
	if err != nil {
		return err
	}
	stored, uerr := s.cfg.Store.Update(s.base, ref.account, s.cfg.Region, ref.name, func(old *store.Function) (*store.Change, error) {
		if old != nil {
			return nil, fail("ResourceConflictException", "Function already exist: %s", ref.name)
		}
		if err := s.checkStorage(ref.account, 0, code.Size); err != nil {
			return nil, err
		}
		touch(f)
		return &store.Change{Function: f, Packed: code}, nil
	})
	if uerr != nil {
		return uerr
	}
	s.json(r.ctx, fasthttp.StatusCreated, marshal(s.configuration(stored, "")))
	return nil
}

// touch marks a record as changed now.
func touch(f *store.Function) {
	f.LastModified = time.Now().UTC()
	f.RevisionID = uuid.NewString()
}

func (s *Server) checkStorage(account string, before, after int64) error {
	if u := s.cfg.Store.Usage(account, s.cfg.Region); u.CodeSize-before+after > s.cfg.Limits.CodeStorage {
		return fail("CodeStorageExceededException", "Code storage limit exceeded.")
	}
	return nil
}

// code returns the package that a request brings, checked and ready to be stored.
func (s *Server) code(c *codeInput) (*store.Package, *Error) {
	switch {
	case c.ImageUri != nil:
		return nil, invalid("Container images are not supported: provide the code as a .zip package.")
	case c.S3Bucket != nil || c.S3Key != nil:
		return nil, invalid("No S3 endpoint is configured on this server: provide the code in ZipFile.")
	case c.ZipFile == nil:
		return nil, invalid("Please provide a source for function code.")
	}
	zip := *c.ZipFile
	if len(zip) > s.cfg.Limits.ZippedSize {
		return nil, fail("RequestEntityTooLargeException", "Zipped size must be smaller than %d bytes", s.cfg.Limits.ZippedSize)
	}
	if len(zip) == 0 {
		return nil, invalid("Uploaded file must be a non-empty zip")
	}
	switch err := engine.CheckPackage(zip, s.cfg.Limits.UnzippedSize); {
	case errors.Is(err, engine.ErrTooLarge):
		return nil, invalid("Unzipped size must be smaller than %d bytes", s.cfg.Limits.UnzippedSize)
	case err != nil:
		s.log.Debug("package refused", "error", err)
		return nil, invalid("Could not unzip uploaded file. Please check your file, then try to upload again.")
	}
	return s.cfg.Store.Pack(zip), nil
}

func (s *Server) getFunction(r *request) error {
	f, ref, err := s.find(r)
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
	}{s.configuration(f, ref.qualifier), location{"S3", s.codeLocation(r.ctx, f)}, f.Tags, nil}
	if f.Reserved != nil {
		body.Concurrency = &concurrency{*f.Reserved}
	}
	s.json(r.ctx, fasthttp.StatusOK, marshal(body))
	return nil
}

func (s *Server) getFunctionConfiguration(r *request) error {
	f, ref, err := s.find(r)
	if err != nil {
		return err
	}
	s.json(r.ctx, fasthttp.StatusOK, marshal(s.configuration(f, ref.qualifier)))
	return nil
}

// page reads Marker and MaxItems. The marker is the name of the last function listed, so that it stays right whatever is
// created and deleted meanwhile.
func page(r *request) (after string, limit int, err *Error) {
	limit = 50
	if text := r.query("MaxItems"); text != "" {
		n, perr := strconv.Atoi(text)
		if perr != nil {
			return "", 0, invalid("MaxItems must be a number, not %q", text)
		}
		var v violations
		v.between("maxItems", n, 1, 10000)
		if err := v.err(); err != nil {
			return "", 0, err
		}
		limit = n
	}
	after = r.query("Marker")
	if after != "" && !word(after) {
		return "", 0, invalid("Invalid marker")
	}
	return after, limit, nil
}

func (s *Server) listFunctions(r *request) error {
	after, limit, err := page(r)
	if err != nil {
		return err
	}
	if v := r.query("FunctionVersion"); v != "" && v != "ALL" {
		var vs violations
		vs.oneOf("functionVersion", v, "ALL")
		return vs.err()
	}
	found := s.cfg.Store.List(r.account, s.cfg.Region, after, limit+1)
	body := struct {
		Functions  []*functionConfiguration
		NextMarker *string
	}{Functions: []*functionConfiguration{}}
	if len(found) > limit {
		found = found[:limit]
		body.NextMarker = &found[limit-1].Name
	}
	for _, f := range found {
		body.Functions = append(body.Functions, s.configuration(f, ""))
	}
	s.json(r.ctx, fasthttp.StatusOK, marshal(body))
	return nil
}

func (s *Server) listVersions(r *request) error {
	if _, _, err := page(r); err != nil {
		return err
	}
	f, _, err := s.find(r)
	if err != nil {
		return err
	}
	c := s.configuration(f, latest)
	s.json(r.ctx, fasthttp.StatusOK, marshal(struct {
		Versions   []*functionConfiguration
		NextMarker *string
	}{[]*functionConfiguration{c}, nil}))
	return nil
}

func (s *Server) deleteFunction(r *request) error {
	ref, err := s.target(r)
	if err != nil {
		return err
	}
	if ref.qualifier == latest {
		return invalid("$LATEST version cannot be deleted without deleting the function.")
	}
	if _, err := s.resolve(ref); err != nil {
		return err
	}
	if _, err := s.change(ref, func(*store.Function) (*store.Change, error) { return nil, nil }); err != nil {
		return err
	}
	if err := s.deploy(s.base, ref.account, ref.name, false); err != nil {
		return err
	}
	r.ctx.SetStatusCode(fasthttp.StatusNoContent)
	return nil
}

// change updates an existing function. Its context is not the request's, which ends as soon as a shutdown begins: what was
// accepted by then is carried out.
func (s *Server) change(ref functionRef, f func(old *store.Function) (*store.Change, error)) (*store.Function, error) {
	return s.cfg.Store.Update(s.base, ref.account, s.cfg.Region, ref.name, func(old *store.Function) (*store.Change, error) {
		if old == nil {
			return nil, s.notFound(ref)
		}
		return f(old)
	})
}

func (s *Server) updateFunctionCode(r *request) error {
	var in updateCodeInput
	if err := decode(r.ctx.PostBody(), &in); err != nil {
		return err
	}
	_, ref, err := s.find(r)
	if err != nil {
		return err
	}
	if in.Publish {
		return errPublish()
	}
	if err := checkArchitectures(in.Architectures); err != nil {
		return err
	}
	code, err := s.code(&in.codeInput)
	if err != nil {
		return err
	}
	dry := errors.New("dry run")
	var would *store.Function
	stored, uerr := s.change(ref, func(old *store.Function) (*store.Change, error) {
		if err := checkRevision(in.RevisionId, old); err != nil {
			return nil, err
		}
		if err := s.checkStorage(ref.account, old.CodeSize, code.Size); err != nil {
			return nil, err
		}
		f := *old
		if in.DryRun {
			f.CodeSHA256, f.CodeSize = code.SHA256, code.Size
			would = &f
			return nil, dry
		}
		touch(&f)
		return &store.Change{Function: &f, Packed: code}, nil
	})
	if errors.Is(uerr, dry) {
		stored, uerr = would, nil
	}
	if uerr != nil {
		return uerr
	}
	if !in.DryRun {
		if err := s.deploy(s.base, ref.account, ref.name, false); err != nil {
			return err
		}
	}
	s.json(r.ctx, fasthttp.StatusOK, marshal(s.configuration(stored, "")))
	return nil
}

func checkRevision(want *string, f *store.Function) error {
	if want != nil && *want != f.RevisionID {
		return fail("PreconditionFailedException", "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id")
	}
	return nil
}

func errPublish() *Error {
	return fail("UnsupportedOperationException", "Publishing versions is not supported by this server yet.")
}

func (s *Server) updateFunctionConfiguration(r *request) error {
	var in updateConfigInput
	if err := decode(r.ctx.PostBody(), &in); err != nil {
		return err
	}
	_, ref, err := s.find(r)
	if err != nil {
		return err
	}
	var v violations
	s.validate(&in.configInput, &v)
	if err := v.err(); err != nil {
		return err
	}
	if err := in.unsupported(); err != nil {
		return err
	}
	if in.Role != nil {
		if err := s.authorizeRole(r, ref.account, *in.Role); err != nil {
			return err
		}
	}
	stored, uerr := s.change(ref, func(old *store.Function) (*store.Change, error) {
		if err := checkRevision(in.RevisionId, old); err != nil {
			return nil, err
		}
		f := *old
		if err := s.accept(&in.configInput, &f); err != nil {
			return nil, err
		}
		touch(&f)
		return &store.Change{Function: &f}, nil
	})
	if uerr != nil {
		return uerr
	}
	if err := s.deploy(s.base, ref.account, ref.name, false); err != nil {
		return err
	}
	s.json(r.ctx, fasthttp.StatusOK, marshal(s.configuration(stored, "")))
	return nil
}

// deploy brings the engine in line with a function's record: one that is gone is removed, one that was never invoked is left
// alone unless wanted. It reads the record itself, under a lock, so that the engine ends with the last acknowledged change
// whatever the order in which requests get here.
func (s *Server) deploy(ctx context.Context, account, name string, wanted bool) error {
	s.deploying.Lock()
	defer s.deploying.Unlock()
	key := s.key(account, name)
	f, ok := s.cfg.Store.Function(account, s.cfg.Region, name)
	if !ok {
		s.cfg.Engine.Remove(key)
		if wanted {
			return s.notFound(functionRef{account: account, name: name})
		}
		return nil
	}
	if _, deployed := s.cfg.Engine.Deployed(key); !deployed && !wanted {
		return nil
	}
	reserved := -1
	if f.Reserved != nil {
		reserved = *f.Reserved
	}
	_, err := s.cfg.Engine.Deploy(ctx, engine.Function{
		Key: key, Revision: f.RevisionID, Account: f.Account, Name: f.Name, Version: latest, ARN: s.arn(f.Account, f.Name), Runtime: f.Runtime,
		Handler: f.Handler, MemoryMB: f.MemorySize, Timeout: time.Duration(f.Timeout) * time.Second, TmpMB: f.TmpSize, Env: f.Environment,
		CodeSHA256: f.CodeSHA256, Code: func(ctx context.Context) ([]byte, error) { return s.cfg.Store.Code(ctx, f.CodeSHA256) },
		Subnets: subnets(f.VPC), SnapStart: f.SnapStart == "PublishedVersions", Isolation: isolation(f.Tags), Reserved: reserved, ReservedGroup: s.arn(f.Account, f.Name),
	})
	if err != nil {
		return fmt.Errorf("deploy %s: %w", f.Name, err)
	}
	return nil
}

// subnets are those that a function's VPC configuration names: they choose the networks that it may reach.
func subnets(vpc *store.VPC) []string {
	if vpc == nil {
		return nil
	}
	return vpc.SubnetIDs
}

package api

import (
	"strings"

	"github.com/valyala/fasthttp"

	"github.com/thawrun/thaw/engine"
	"github.com/thawrun/thaw/engine/store"
)

func (s *Server) getConcurrency(r *request) error {
	_, f, err := s.findFunction(r)
	if err != nil {
		return err
	}
	s.json(r.ctx, fasthttp.StatusOK, marshal(struct {
		ReservedConcurrentExecutions *int `json:",omitempty"`
	}{f.Reserved}))
	return nil
}

// unreservedMinimum is what reservations must leave to all other functions (AWS, "Reserved concurrency").
const unreservedMinimum = 100

func (s *Server) putConcurrency(r *request) error {
	var in struct{ ReservedConcurrentExecutions *int }
	if err := decode(r.ctx.PostBody(), &in); err != nil {
		return err
	}
	var v violations
	if v.required(in.ReservedConcurrentExecutions != nil, "reservedConcurrentExecutions") {
		v.between("reservedConcurrentExecutions", *in.ReservedConcurrentExecutions, 0, 1<<31-1)
	}
	if err := v.err(); err != nil {
		return err
	}
	ref, _, err := s.findFunction(r)
	if err != nil {
		return err
	}
	n := *in.ReservedConcurrentExecutions
	if left := s.cfg.Limits.Concurrency - s.reservedByOthers(ref.account, ref.name) - n; n > 0 && left < min(unreservedMinimum, s.cfg.Limits.Concurrency/10) {
		return invalid("Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [%d].", min(unreservedMinimum, s.cfg.Limits.Concurrency/10))
	}
	if err := s.reserve(r, ref, &n); err != nil {
		return err
	}
	s.json(r.ctx, fasthttp.StatusOK, marshal(in))
	return nil
}

func (s *Server) reservedByOthers(account, name string) int {
	total := 0
	for _, f := range s.cfg.Store.List(account, s.cfg.Region, "", 1<<30) {
		if f.Reserved != nil && f.Name != name {
			total += *f.Reserved
		}
	}
	return total
}

func (s *Server) deleteConcurrency(r *request) error {
	ref, _, err := s.findFunction(r)
	if err != nil {
		return err
	}
	if err := s.reserve(r, ref, nil); err != nil {
		return err
	}
	r.ctx.SetStatusCode(fasthttp.StatusNoContent)
	return nil
}

func (s *Server) reserve(r *request, ref functionRef, n *int) error {
	err := s.change(ref, func(tx *store.Tx, f *store.Function) error {
		f.Reserved = n
		tx.PutFunction(f)
		return nil
	})
	if err != nil {
		return err
	}
	return s.deployAll(s.base, ref.account, ref.name)
}

// getCodeSigningConfig answers that there is none: clients ask for it around GetFunction.
func (s *Server) getCodeSigningConfig(r *request) error {
	_, f, err := s.findFunction(r)
	if err != nil {
		return err
	}
	s.json(r.ctx, fasthttp.StatusOK, marshal(struct{ CodeSigningConfigArn, FunctionName string }{"", f.Name}))
	return nil
}

func (s *Server) getAccountSettings(r *request) error {
	u := s.cfg.Store.Usage(r.account, s.cfg.Region)
	l := &s.cfg.Limits
	type limit struct {
		TotalCodeSize, CodeSizeUnzipped, CodeSizeZipped      int64
		ConcurrentExecutions, UnreservedConcurrentExecutions int
	}
	type usage struct {
		TotalCodeSize int64
		FunctionCount int
	}
	s.json(r.ctx, fasthttp.StatusOK, marshal(struct {
		AccountLimit limit
		AccountUsage usage
	}{
		limit{l.CodeStorage, l.UnzippedSize, int64(l.ZippedSize), l.Concurrency, l.Concurrency - s.reservedByOthers(r.account, "")},
		usage{u.CodeSize, u.Functions},
	}))
	return nil
}

// tagged returns the function that a tag operation's ARN names.
func (s *Server) tagged(r *request) (*store.Function, functionRef, *Error) {
	arn := r.param
	ref, ok := splitFunctionRef(arn)
	if !ok || !strings.HasPrefix(arn, "arn:") {
		return nil, ref, invalid("%q is not the ARN of a function", arn)
	}
	if ref.qualifier != "" {
		return nil, ref, invalid("Tags on function aliases and versions are not supported. Please specify either a function name or an unqualified function ARN.")
	}
	ref.account = orDefault(ref.account, r.account)
	f, err := s.function(ref)
	return f, ref, err
}

// taggedMapping returns the UUID of the event source mapping that a tag operation's ARN names.
func (s *Server) taggedMapping(r *request) (id string, ok bool) {
	return strings.CutPrefix(r.param, s.arnPrefix+r.account+":event-source-mapping:")
}

func (s *Server) listTags(r *request) error {
	var tags map[string]string
	if id, ok := s.taggedMapping(r); ok {
		m, err := s.mapping(r, id)
		if err != nil {
			return err
		}
		tags = m.Tags
	} else {
		f, _, err := s.tagged(r)
		if err != nil {
			return err
		}
		tags = f.Tags
	}
	if tags == nil {
		tags = map[string]string{}
	}
	s.json(r.ctx, fasthttp.StatusOK, marshal(struct{ Tags map[string]string }{tags}))
	return nil
}

// maxTags is the number of tags that a function may have (AWS, "Using tags on Lambda functions").
const maxTags = 50

// isolationTag is the tag by which a function chooses what may be carried from one invocation to the next, a choice that Lambda
// doesn't have: "instance", the default, or "request".
const isolationTag = "thaw:isolation"

func isolation(tags map[string]string) engine.Isolation {
	if tags[isolationTag] == "request" {
		return engine.IsolationRequest
	}
	return engine.IsolationInstance
}

func checkTags(tags map[string]string) *Error {
	if len(tags) > maxTags {
		return invalid("Tags must have at most %d entries", maxTags)
	}
	for k, v := range tags {
		if k == "" || len(k) > 128 || len(v) > 256 || strings.HasPrefix(strings.ToLower(k), "aws:") {
			return invalid("Tag %q is not valid: keys have 1 to 128 characters and don't begin with aws:, values at most 256", k)
		}
		if k == isolationTag && v != "request" && v != "instance" {
			return invalid("Tag %s must be request or instance, not %q", isolationTag, v)
		}
	}
	return nil
}

func (s *Server) tagResource(r *request) error {
	var in struct{ Tags map[string]string }
	if err := decode(r.ctx.PostBody(), &in); err != nil {
		return err
	}
	return s.changeTags(r, func(tags map[string]string) {
		for k, v := range in.Tags {
			tags[k] = v
		}
	})
}

func (s *Server) untagResource(r *request) error {
	keys := r.ctx.QueryArgs().PeekMulti("tagKeys")
	return s.changeTags(r, func(tags map[string]string) {
		for _, k := range keys {
			delete(tags, string(k))
		}
	})
}

func (s *Server) changeTags(r *request, edit func(map[string]string)) error {
	if id, ok := s.taggedMapping(r); ok {
		if _, err := s.mapping(r, id); err != nil {
			return err
		}
		if err := s.changeMapping(r, id, func(_ *store.Tx, m *mapping) error {
			if m.Tags == nil {
				m.Tags = map[string]string{}
			}
			edit(m.Tags)
			if err := checkTags(m.Tags); err != nil {
				return err
			}
			return nil
		}); err != nil {
			return err
		}
		r.ctx.SetStatusCode(fasthttp.StatusNoContent)
		return nil
	}
	_, ref, err := s.tagged(r)
	if err != nil {
		return err
	}
	uerr := s.change(ref, func(tx *store.Tx, f *store.Function) error {
		if f.Tags == nil {
			f.Tags = map[string]string{}
		}
		edit(f.Tags)
		if err := checkTags(f.Tags); err != nil {
			return err
		}
		tx.PutFunction(f)
		return nil
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

package api

import (
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/thawrun/thaw/engine/store"
)

// provisionedShape is a ProvisionedConcurrencyConfigListItem; FunctionArn is only part of lists.
type provisionedShape struct {
	FunctionArn                              string `json:",omitempty"`
	RequestedProvisionedConcurrentExecutions int
	AvailableProvisionedConcurrentExecutions int
	AllocatedProvisionedConcurrentExecutions int
	Status                                   string
	LastModified                             string
}

func shapeProvisioned(p *store.Provisioned, status string) *provisionedShape {
	c := &provisionedShape{RequestedProvisionedConcurrentExecutions: p.Requested, Status: status, LastModified: p.LastModified.UTC().Format(lastModified)}
	if status == "READY" {
		c.AvailableProvisionedConcurrentExecutions, c.AllocatedProvisionedConcurrentExecutions = p.Requested, p.Requested
	}
	return c
}

// provisionable returns what a request about provisioned concurrency is about: a published version or an alias.
func (s *Server) provisionable(r *request) (target, *Error) {
	var v violations
	v.required(r.query("Qualifier") != "" || strings.Count(r.param, ":") == 1 || strings.Count(r.param, ":") == 7, "qualifier")
	if err := v.err(); err != nil {
		return target{}, err
	}
	t, err := s.find(r)
	if err != nil {
		return t, err
	}
	if t.v.Number == 0 {
		if t.f.Alias(t.ref.qualifier) != nil {
			return t, invalid("Alias with weights can not be used with Provisioned Concurrency or an alias that points to $LATEST")
		}
		return t, invalid("Provisioned Concurrency Configs cannot be applied to unpublished function versions.")
	}
	return t, nil
}

func (s *Server) putProvisioned(r *request) error {
	var in struct{ ProvisionedConcurrentExecutions *int }
	if err := decode(r.ctx.PostBody(), &in); err != nil {
		return err
	}
	var v violations
	if v.required(in.ProvisionedConcurrentExecutions != nil, "provisionedConcurrentExecutions") {
		v.between("provisionedConcurrentExecutions", *in.ProvisionedConcurrentExecutions, 1, 1<<31-1)
	}
	if err := v.err(); err != nil {
		return err
	}
	t, err := s.provisionable(r)
	if err != nil {
		return err
	}
	n := *in.ProvisionedConcurrentExecutions
	if t.f.Reserved != nil && n > *t.f.Reserved {
		return invalid("Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for function")
	}
	if n > s.cfg.Limits.Concurrency {
		return invalid("Specified ConcurrentExecutions for function is greater than account's unreserved concurrency [%d].", s.cfg.Limits.Concurrency)
	}
	p := &store.Provisioned{Requested: n, LastModified: time.Now().UTC()}
	uerr := s.change(t.ref, func(tx *store.Tx, f *store.Function) error {
		v := versionOf(f, t.ref.qualifier)
		if v == nil {
			return s.notFound(t.ref)
		}
		for q, c := range f.Qualified { // an alias and the version it points to can't both have it
			if q != t.ref.qualifier && c.Provisioned != nil && versionOf(f, q) == v {
				if c.Alias != nil {
					return fail("ResourceConflictException", "Version is pointed to by a Provisioned Concurrency alias")
				}
				return fail("ResourceConflictException", "Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version")
			}
		}
		f.Set(t.ref.qualifier, func(q *store.Qualified) { q.Provisioned = p })
		tx.PutFunction(f)
		return nil
	})
	if uerr != nil {
		return uerr
	}
	if err := s.deployAll(s.base, t.f.Account, t.f.Name); err != nil {
		return err
	}
	s.json(r.ctx, fasthttp.StatusAccepted, marshal(shapeProvisioned(p, "IN_PROGRESS")))
	return nil
}

func (s *Server) getProvisioned(r *request) error {
	t, err := s.provisionable(r)
	if err != nil {
		return err
	}
	p := t.f.At(t.ref.qualifier).Provisioned
	if p == nil {
		return fail("ProvisionedConcurrencyConfigNotFoundException", "No Provisioned Concurrency Config found for this function")
	}
	s.json(r.ctx, fasthttp.StatusOK, marshal(shapeProvisioned(p, s.provisionedStatus(t.v))))
	return nil
}

// provisionedStatus is READY when the version's runtime is: instances are then kept ready in the background.
func (s *Server) provisionedStatus(v *store.Version) string {
	for _, r := range s.cfg.Engine.Runtimes() {
		if r.Runtime == v.Runtime && r.Ready {
			return "READY"
		}
	}
	return "IN_PROGRESS"
}

func (s *Server) deleteProvisioned(r *request) error {
	t, err := s.provisionable(r)
	if err != nil {
		return err
	}
	if err := s.changeQualified(t.ref, func(q *store.Qualified) error { q.Provisioned = nil; return nil }); err != nil {
		return err
	}
	if err := s.deployAll(s.base, t.f.Account, t.f.Name); err != nil {
		return err
	}
	r.ctx.SetStatusCode(fasthttp.StatusNoContent)
	return nil
}

func (s *Server) listProvisioned(r *request) error {
	shown, next, err := listQualified(s, r, func(f *store.Function, q string, set *store.Qualified) *provisionedShape {
		v := versionOf(f, q)
		if set.Provisioned == nil || v == nil {
			return nil
		}
		shape := shapeProvisioned(set.Provisioned, s.provisionedStatus(v))
		shape.FunctionArn = s.qualifiedARN(f, q)
		return shape
	})
	if err != nil {
		return err
	}
	s.json(r.ctx, fasthttp.StatusOK, marshal(struct {
		ProvisionedConcurrencyConfigs []*provisionedShape
		NextMarker                    *string
	}{shown, next}))
	return nil
}

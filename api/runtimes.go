package api

import (
	"github.com/valyala/fasthttp"

	"github.com/thawrun/thaw/engine/store"
)

func (s *Server) getRuntimeMode(r *request) error {
	t, err := s.find(r)
	if err != nil {
		return err
	}
	mode := t.f.At(t.v.Label()).Runtime
	if mode == nil {
		mode = &store.RuntimeMode{UpdateOn: "Auto"}
	}
	s.json(r.ctx, fasthttp.StatusOK, marshal(s.runtimeModeShape(t, mode)))
	return nil
}

type runtimeModeShape struct {
	UpdateRuntimeOn   string
	RuntimeVersionArn *string
	FunctionArn       string
}

func (s *Server) runtimeModeShape(t target, m *store.RuntimeMode) *runtimeModeShape {
	c := &runtimeModeShape{UpdateRuntimeOn: m.UpdateOn, FunctionArn: s.qualifiedARN(t.f, orDefault(t.ref.qualifier, latest))}
	if m.VersionARN != "" {
		c.RuntimeVersionArn = &m.VersionARN
	}
	return c
}

// putRuntimeMode stores when a runtime may be updated; the program has one interpreter of each kind, whatever is stored.
func (s *Server) putRuntimeMode(r *request) error {
	var in struct{ UpdateRuntimeOn, RuntimeVersionArn *string }
	if err := decode(r.ctx.PostBody(), &in); err != nil {
		return err
	}
	var v violations
	if v.required(in.UpdateRuntimeOn != nil, "updateRuntimeOn") {
		v.oneOf("updateRuntimeOn", *in.UpdateRuntimeOn, "Auto", "Manual", "FunctionUpdate")
	}
	if in.RuntimeVersionArn != nil {
		v.length("runtimeVersionArn", *in.RuntimeVersionArn, 26, 2048)
	}
	if err := v.err(); err != nil {
		return err
	}
	t, err := s.find(r)
	if err != nil {
		return err
	}
	m := &store.RuntimeMode{UpdateOn: *in.UpdateRuntimeOn}
	switch {
	case m.UpdateOn == "Manual" && in.RuntimeVersionArn == nil:
		return invalid("RuntimeVersionArn is required when UpdateRuntimeOn is Manual.")
	case m.UpdateOn != "Manual" && in.RuntimeVersionArn != nil:
		return invalid("RuntimeVersionArn can only be set when UpdateRuntimeOn is Manual.")
	case in.RuntimeVersionArn != nil:
		if m.VersionARN = *in.RuntimeVersionArn; m.VersionARN != s.runtimeVersion(t.v.Runtime) {
			return invalid("Runtime version %s is not available on this server; it has %s.", m.VersionARN, s.runtimeVersion(t.v.Runtime))
		}
	}
	t.ref.qualifier = t.v.Label()
	if uerr := s.changeQualified(t.ref, func(q *store.Qualified) error { q.Runtime = m; return nil }); uerr != nil {
		return uerr
	}
	s.json(r.ctx, fasthttp.StatusOK, marshal(s.runtimeModeShape(t, m)))
	return nil
}

func (s *Server) getRecursion(r *request) error {
	_, f, err := s.findFunction(r)
	if err != nil {
		return err
	}
	s.json(r.ctx, fasthttp.StatusOK, marshal(struct{ RecursiveLoop string }{orDefault(f.Recursion, "Terminate")}))
	return nil
}

// putRecursion stores what is to become of loops between functions and queues; there are none on this server.
func (s *Server) putRecursion(r *request) error {
	var in struct{ RecursiveLoop *string }
	if err := decode(r.ctx.PostBody(), &in); err != nil {
		return err
	}
	var v violations
	if v.required(in.RecursiveLoop != nil, "recursiveLoop") {
		v.oneOf("recursiveLoop", *in.RecursiveLoop, "Allow", "Terminate")
	}
	if err := v.err(); err != nil {
		return err
	}
	ref, _, err := s.findFunction(r)
	if err != nil {
		return err
	}
	if uerr := s.change(ref, func(tx *store.Tx, f *store.Function) error {
		f.Recursion = *in.RecursiveLoop
		tx.PutFunction(f)
		return nil
	}); uerr != nil {
		return uerr
	}
	s.json(r.ctx, fasthttp.StatusOK, marshal(in))
	return nil
}

package api

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/valyala/fasthttp"

	"github.com/thawrun/thaw/engine/store"
)

const (
	aliasPattern   = `(?!^[0-9]+$)([a-zA-Z0-9-_]+)`
	versionPattern = `(\$LATEST|[0-9]+)`
)

// aliasName matches aliasPattern.
func aliasName(s string) bool { return word(s) && !digits(s) }

// digits matches [0-9]+.
func digits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

type routingConfig struct {
	AdditionalVersionWeights map[string]float64 `json:",omitempty"`
}

type aliasInput struct {
	Name            *string
	FunctionVersion *string
	Description     *string
	RoutingConfig   *routingConfig
	RevisionId      *string
}

func (in *aliasInput) validate(v *violations) {
	if in.FunctionVersion != nil {
		v.length("functionVersion", *in.FunctionVersion, 1, 1024)
		v.check(*in.FunctionVersion == latest || digits(*in.FunctionVersion), "functionVersion", *in.FunctionVersion, "Member must satisfy regular expression pattern: "+versionPattern)
	}
	if in.Description != nil {
		v.length("description", *in.Description, 0, 256)
	}
	if in.RoutingConfig != nil {
		for version, weight := range in.RoutingConfig.AdditionalVersionWeights {
			v.check(weight >= 0 && weight <= 1, "routingConfig.additionalVersionWeights", fmt.Sprintf("{%s=%g}", version, weight),
				"Map value must satisfy constraint: [Member must have value less than or equal to 1.0, Member must have value greater than or equal to 0.0, Member must not be null]")
			v.check(digits(version) && len(version) <= 1024, "routingConfig.additionalVersionWeights", fmt.Sprintf("{%s=%g}", version, weight),
				"Map keys must satisfy constraint: [Member must have length less than or equal to 1024, Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: [0-9]+, Member must not be null]")
		}
	}
}

func validateAlias(name string, v *violations) {
	v.length("name", name, 1, 128)
	v.check(aliasName(name), "name", name, "Member must satisfy regular expression pattern: "+aliasPattern)
}

type aliasConfiguration struct {
	AliasArn        string
	Name            string
	FunctionVersion string
	Description     string
	RoutingConfig   *routingConfig `json:",omitempty"`
	RevisionId      string
}

func (s *Server) aliasShape(f *store.Function, name string, a *store.Alias) *aliasConfiguration {
	c := &aliasConfiguration{AliasArn: s.arn(f.Account, f.Name) + ":" + name, Name: name, FunctionVersion: a.Version, Description: a.Description, RevisionId: a.RevisionID}
	if len(a.Weights) > 0 {
		c.RoutingConfig = &routingConfig{a.Weights}
	}
	return c
}

// checkAlias checks that an alias points to what exists and can be weighted.
func (s *Server) checkAlias(f *store.Function, ref functionRef, a *store.Alias) *Error {
	ref.qualifier = a.Version
	if f.VersionNamed(a.Version) == nil {
		return s.notFound(ref)
	}
	if len(a.Weights) == 0 {
		return nil
	}
	if len(a.Weights) > 1 {
		return invalid("Number of items in AdditionalVersionWeights cannot be greater than 1")
	}
	if a.Version == latest {
		return invalid("$LATEST is not supported for an alias pointing to more than 1 version")
	}
	for version := range a.Weights {
		if version == a.Version {
			return invalid("Invalid function version %s. Function version %s is already included in routing configuration.", version, version)
		}
		if ref.qualifier = version; f.VersionNamed(version) == nil {
			return s.notFound(ref)
		}
	}
	return nil
}

func (s *Server) createAlias(r *request) error {
	var in aliasInput
	if err := decode(r.ctx.PostBody(), &in); err != nil {
		return err
	}
	var v violations
	if v.required(in.Name != nil, "name") {
		validateAlias(*in.Name, &v)
	}
	v.required(in.FunctionVersion != nil, "functionVersion")
	in.validate(&v)
	if err := v.err(); err != nil {
		return err
	}
	ref, _, err := s.findFunction(r)
	if err != nil {
		return err
	}
	a := &store.Alias{Version: *in.FunctionVersion, RevisionID: uuid.NewString()}
	if in.Description != nil {
		a.Description = *in.Description
	}
	if in.RoutingConfig != nil {
		a.Weights = in.RoutingConfig.AdditionalVersionWeights
	}
	var shown *aliasConfiguration
	uerr := s.change(ref, func(tx *store.Tx, f *store.Function) error {
		if f.Alias(*in.Name) != nil {
			return fail("ResourceConflictException", "Alias already exists: %s:%s", s.arn(f.Account, f.Name), *in.Name)
		}
		if err := s.checkAlias(f, ref, a); err != nil {
			return err
		}
		f.Set(*in.Name, func(q *store.Qualified) { q.Alias = a })
		shown = s.aliasShape(f, *in.Name, a)
		tx.PutFunction(f)
		return nil
	})
	if uerr != nil {
		return uerr
	}
	s.json(r.ctx, fasthttp.StatusCreated, marshal(shown))
	return nil
}

// aliasOf reads the function and the alias that a path names.
func (s *Server) aliasOf(r *request) (functionRef, *store.Function, *Error) {
	var v violations
	validateAlias(r.param2, &v)
	if err := v.err(); err != nil {
		return functionRef{}, nil, err
	}
	return s.findFunction(r)
}

func (s *Server) noAlias(f *store.Function, name string) *Error {
	return fail("ResourceNotFoundException", "Cannot find alias arn: %s:%s", s.arn(f.Account, f.Name), name)
}

func (s *Server) getAlias(r *request) error {
	_, f, err := s.aliasOf(r)
	if err != nil {
		return err
	}
	a := f.Alias(r.param2)
	if a == nil {
		return s.noAlias(f, r.param2)
	}
	s.json(r.ctx, fasthttp.StatusOK, marshal(s.aliasShape(f, r.param2, a)))
	return nil
}

func (s *Server) updateAlias(r *request) error {
	var in aliasInput
	if err := decode(r.ctx.PostBody(), &in); err != nil {
		return err
	}
	var v violations
	in.validate(&v)
	if err := v.err(); err != nil {
		return err
	}
	ref, _, err := s.aliasOf(r)
	if err != nil {
		return err
	}
	var shown *aliasConfiguration
	uerr := s.change(ref, func(tx *store.Tx, f *store.Function) error {
		old := f.Alias(r.param2)
		if old == nil {
			return s.noAlias(f, r.param2)
		}
		if err := checkRevision(in.RevisionId, old.RevisionID); err != nil {
			return err
		}
		a := *old
		a.RevisionID = uuid.NewString()
		if in.FunctionVersion != nil {
			a.Version = *in.FunctionVersion
		}
		if in.Description != nil {
			a.Description = *in.Description
		}
		if in.RoutingConfig != nil {
			a.Weights = in.RoutingConfig.AdditionalVersionWeights
		}
		if err := s.checkAlias(f, ref, &a); err != nil {
			return err
		}
		f.Set(r.param2, func(q *store.Qualified) { q.Alias = &a })
		shown = s.aliasShape(f, r.param2, &a)
		tx.PutFunction(f)
		return nil
	})
	if uerr != nil {
		return uerr
	}
	if err := s.deployAll(s.base, ref.account, ref.name); err != nil { // provisioned concurrency moves with the alias
		return err
	}
	s.json(r.ctx, fasthttp.StatusOK, marshal(shown))
	return nil
}

// deleteAlias removes an alias with its policy and settings. One that isn't there is no error (guide, row API-DeleteAlias-06).
func (s *Server) deleteAlias(r *request) error {
	ref, _, err := s.aliasOf(r)
	if err != nil {
		return err
	}
	uerr := s.change(ref, func(tx *store.Tx, f *store.Function) error {
		if f.Alias(r.param2) != nil {
			delete(f.Qualified, r.param2)
			tx.PutFunction(f)
		}
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

func (s *Server) listAliases(r *request) error {
	after, limit, err := page(r)
	if err != nil {
		return err
	}
	want := r.query("FunctionVersion")
	if want != "" {
		var v violations
		(&aliasInput{FunctionVersion: &want}).validate(&v)
		if err := v.err(); err != nil {
			return err
		}
	}
	_, f, err := s.findFunction(r)
	if err != nil {
		return err
	}
	list := []*aliasConfiguration{}
	for _, name := range slices.Sorted(maps.Keys(f.Qualified)) {
		a := f.Qualified[name].Alias
		if a == nil || name <= after {
			continue
		}
		if _, weighted := a.Weights[want]; want != "" && want != a.Version && !weighted {
			continue
		}
		list = append(list, s.aliasShape(f, name, a))
	}
	list, next := cut(list, limit, func(a *aliasConfiguration) string { return a.Name })
	s.json(r.ctx, fasthttp.StatusOK, marshal(struct {
		Aliases    []*aliasConfiguration
		NextMarker *string
	}{list, next}))
	return nil
}

// routed picks the version that an invocation by a qualifier runs: an alias with weights spreads its invocations. nil = none.
func routed(f *store.Function, qualifier string) *store.Version {
	a := f.Alias(qualifier)
	if a == nil || len(a.Weights) == 0 {
		return versionOf(f, qualifier)
	}
	x := rand.Float64()
	for _, version := range slices.SortedFunc(maps.Keys(a.Weights), strings.Compare) {
		if x -= a.Weights[version]; x < 0 {
			return f.VersionNamed(version)
		}
	}
	return f.VersionNamed(a.Version)
}

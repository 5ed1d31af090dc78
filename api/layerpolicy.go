package api

import (
	"strconv"
	"strings"

	"github.com/valyala/fasthttp"

	"github.com/thawrun/thaw/api/policy"
	"github.com/thawrun/thaw/engine/store"
)

// layerShared says whether a layer version's policy lets another account use it.
func (s *Server) layerShared(ref layerRef, v *store.LayerVersion, caller string) bool {
	if v.Policy == nil {
		return false
	}
	d, err := policy.Parse(policyDocument(v.Policy), policy.Resource)
	if err != nil {
		s.log.Error("stored policy is unreadable", "layer", ref.name, "error", err)
		return false
	}
	return policy.Decide(&policy.Request{
		Principal: &policy.Principal{Account: caller, ARN: "arn:aws:iam::" + caller + ":root", Root: true}, Actions: []string{"lambda:GetLayerVersion"},
		Resource: s.layerARN(ref.account, ref.name) + ":" + strconv.FormatUint(ref.number, 10), Context: policy.Keys{},
	}, &policy.Policies{Resource: d, ResourceAccount: ref.account}) == policy.Allowed
}

// changeLayer changes the policy of a layer version.
func (s *Server) changeLayer(ref layerRef, edit func(*store.Policy) (*store.Policy, error)) error {
	if ref.region != s.cfg.Region {
		return fail("ResourceNotFoundException", "The resource you requested does not exist.")
	}
	return s.cfg.Store.Change(s.base, func(tx *store.Tx) error {
		l := tx.Layer(ref.account, s.cfg.Region, ref.name)
		if l == nil || l.Version(ref.number) == nil {
			return fail("ResourceNotFoundException", "The resource you requested does not exist.")
		}
		l = l.Clone()
		for i, v := range l.Versions {
			if v.Number == ref.number {
				next := *v
				var err error
				if next.Policy, err = edit(v.Policy); err != nil {
					return err
				}
				l.Versions[i] = &next
			}
		}
		tx.PutLayer(l)
		return nil
	})
}

func (s *Server) addLayerPermission(r *request) error {
	var in struct{ StatementId, Action, Principal, OrganizationId *string }
	if err := decode(r.ctx.PostBody(), &in); err != nil {
		return err
	}
	ref, err := s.layerOf(r)
	if err != nil {
		return err
	}
	var v violations
	if v.required(in.StatementId != nil, "statementId") {
		validateStatementID(*in.StatementId, &v)
	}
	if v.required(in.Action != nil, "action") {
		v.check(*in.Action == "lambda:GetLayerVersion", "action", *in.Action, "Member must satisfy regular expression pattern: lambda:GetLayerVersion")
	}
	if v.required(in.Principal != nil, "principal") {
		p := *in.Principal
		v.check(p == "*" || account(p) || strings.HasPrefix(p, "arn:") && sourceARN(p) && strings.HasSuffix(p, ":root"), "principal", p, `Member must satisfy regular expression pattern: \d{12}|\*|arn:(aws[a-zA-Z-]*):iam::\d{12}:root`)
	}
	if in.OrganizationId != nil && *in.OrganizationId != "" {
		v.check(organization(*in.OrganizationId), "organizationId", *in.OrganizationId, `Member must satisfy regular expression pattern: o-[a-z0-9]{10,32}`)
	}
	if err := v.err(); err != nil {
		return err
	}
	p := permissionInput{StatementId: in.StatementId, Action: in.Action, Principal: in.Principal, PrincipalOrgID: in.OrganizationId}
	statement, err := p.statement(s.layerARN(ref.account, ref.name) + ":" + strconv.FormatUint(ref.number, 10))
	if err != nil {
		return err
	}
	var revision *string
	if x := r.query("RevisionId"); x != "" {
		revision = &x
	}
	var id string
	if uerr := s.changeLayer(ref, func(old *store.Policy) (*store.Policy, error) {
		next, err := addStatement(old, revision, *in.StatementId, statement)
		if err != nil {
			return nil, err
		}
		id = next.RevisionID
		return next, nil
	}); uerr != nil {
		return uerr
	}
	s.json(r.ctx, fasthttp.StatusCreated, marshal(struct{ Statement, RevisionId string }{string(statement), id}))
	return nil
}

func (s *Server) getLayerPolicy(r *request) error {
	ref, err := s.layerOf(r)
	if err != nil {
		return err
	}
	_, v, err := s.layerVersion(ref)
	if err != nil {
		return err
	}
	if v.Policy == nil {
		return fail("ResourceNotFoundException", "No policy is associated with the given resource.")
	}
	s.json(r.ctx, fasthttp.StatusOK, marshal(struct{ Policy, RevisionId string }{string(policyDocument(v.Policy)), v.Policy.RevisionID}))
	return nil
}

func (s *Server) removeLayerPermission(r *request) error {
	ref, err := s.layerOf(r)
	if err != nil {
		return err
	}
	var v violations
	validateStatementID(r.param3, &v)
	if err := v.err(); err != nil {
		return err
	}
	var revision *string
	if x := r.query("RevisionId"); x != "" {
		revision = &x
	}
	if uerr := s.changeLayer(ref, func(old *store.Policy) (*store.Policy, error) {
		next, err := removeStatement(old, revision, r.param3)
		if err != nil {
			return nil, err
		}
		return next, nil
	}); uerr != nil {
		return uerr
	}
	r.ctx.SetStatusCode(fasthttp.StatusNoContent)
	return nil
}

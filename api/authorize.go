package api

import (
	"strconv"
	"strings"
	"sync"

	"github.com/thawrun/thaw/api/policy"
	"github.com/thawrun/thaw/engine/store"
)

// rule is what an operation needs permission for.
type rule struct {
	actions []string
	on      resourceKind
	event   string // in the audit log; empty = not there
}

// resourceKind is how the resource of an operation is found.
type resourceKind uint8

const (
	onAnything     resourceKind = iota // "*": the action has no resource
	onFunction                         // the path's function, qualified if the request is
	onMapping                          // the path's event source mapping
	onLayer                            // the path's layer, with its version if there is one
	onARN                              // the path's ARN
	byTheOperation                     // the operation asks itself, once it has read the body
)

// rules is every operation's rule. An action is called like its operation (guide, "Lambda API Permissions"; rows PERM-01…27), but
// for those that invoke: their action is InvokeFunction, and the guide also calls it Invoke (row AUTH-24).
func rules(all []operation) map[string]rule {
	m := map[string]rule{}
	for i := range all {
		op := &all[i]
		r := rule{actions: []string{"lambda:" + op.name}, event: eventName(op.name)}
		switch op.name {
		case "Invoke", "InvokeAsync", "InvokeWithResponseStream":
			r.actions = []string{"lambda:InvokeFunction", "lambda:Invoke"}
		case "GetLayerVersionByArn":
			r.actions = []string{"lambda:GetLayerVersion"}
		}
		switch {
		case op.name == "CreateFunction":
			r.on = byTheOperation
		case strings.Contains(op.uri, "{FunctionName}"):
			r.on = onFunction
		case strings.Contains(op.uri, "{UUID}"):
			r.on = onMapping
		case strings.Contains(op.uri, "{LayerName}"), op.name == "GetLayerVersionByArn":
			r.on = onLayer
		case strings.Contains(op.uri, "{Resource}"):
			r.on = onARN
		}
		m[op.name] = r
	}
	return m
}

// perform carries out an operation if the caller may, and records it. Whether what it is about exists is only looked at
// afterwards.
func (s *Server) perform(r *request, op *operation) (err error) {
	if s.authorizer != nil {
		err = s.authorize(r, op)
	}
	if err == nil {
		err = op.run(s, r)
	}
	if s.cfg.Audit != nil {
		s.record(r, op, err)
	}
	return err
}

func (s *Server) authorize(r *request, op *operation) error {
	rule := s.rules[op.name]
	a := Access{Actions: rule.actions, Resource: "*", ResourceAccount: r.account}
	switch rule.on {
	case byTheOperation:
		return nil
	case onFunction:
		s.functionAccess(&a, r)
	case onARN:
		a.Resource = r.param
		if ref, ok := splitFunctionRef(r.param); ok && ref.partition != "" {
			ref.account = orDefault(ref.account, r.account)
			a.ResourceAccount = ref.account
		} else if arn, ok := policy.ParseARN(r.param); ok {
			a.ResourceAccount = orDefault(arn.Account, r.account)
		}
	case onMapping:
		// Today's form of the ARN and the guide's (row AUTH-10).
		head := s.arnPrefix + r.account + ":event-source-mapping"
		a.Resource, a.Also = head+":"+r.param, head+"s:"+r.param
	case onLayer:
		s.layerAccess(&a, r)
	}
	return s.authorizer.Authorize(r.ctx, r.caller, &a)
}

// functionAccess fills in the function that a request's path names, with its policy. The ARN is the one that the caller uses: a
// permission for a function is none for its versions and aliases, nor the reverse (guide, AddPermission, Qualifier).
func (s *Server) functionAccess(a *Access, r *request) {
	var v violations
	ref := parseFunctionRef(r.param, &v)
	if v.err() != nil {
		a.Resource = s.arnPrefix + r.account + ":function:" + r.param // refused for its form later on
		return
	}
	if q := r.query("Qualifier"); q != "" {
		ref.qualifier = q
	}
	ref.account = orDefault(ref.account, r.account)
	a.ResourceAccount = ref.account
	if ref.region == "" && ref.partition == "" {
		a.Resource = s.arn(ref.account, ref.name)
	} else {
		a.Resource = "arn:" + orDefault(ref.partition, "aws") + ":lambda:" + orDefault(ref.region, s.cfg.Region) + ":" + ref.account + ":function:" + ref.name
	}
	if ref.qualifier != "" {
		a.Resource += ":" + ref.qualifier
	}
	a.Policy = s.functionPolicy(ref, a.Resource)
}

// functionPolicy is the resource policy of a function as one of its ARNs has it; nil = none.
func (s *Server) functionPolicy(ref functionRef, arn string) *policy.Document {
	f, ok := s.cfg.Store.Function(ref.account, s.cfg.Region, ref.name)
	if !ok {
		return nil
	}
	return s.policies.document(s, f.At(ref.qualifier).Policy, arn)
}

// layerAccess fills in the layer, or the layer version with its policy, that a request names: in its path or by ARN.
func (s *Server) layerAccess(a *Access, r *request) {
	name, version := r.param, r.param2
	if name == "" {
		name = r.query("Arn")
		if head, tail, ok := cutLast(name, ':'); ok && strings.Count(name, ":") == 7 {
			name, version = head, tail
		}
	}
	ref, ok := splitLayer(name, false)
	if !ok {
		a.Resource = s.arnPrefix + r.account + ":layer:" + name // refused for its form later on
		return
	}
	ref.account, ref.region = orDefault(ref.account, r.account), orDefault(ref.region, s.cfg.Region)
	a.Resource, a.ResourceAccount = "arn:aws:lambda:"+ref.region+":"+ref.account+":layer:"+ref.name, ref.account
	if version == "" {
		return
	}
	a.Resource += ":" + version
	if n, err := strconv.ParseUint(version, 10, 64); err == nil {
		ref.number = n
		if _, v, err := s.layerVersion(ref); err == nil {
			a.Policy = s.policies.document(s, v.Policy, a.Resource)
		}
	}
}

func cutLast(s string, c byte) (before, after string, ok bool) {
	i := strings.LastIndexByte(s, c)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}

// policyCache keeps resource policies parsed. Stored policies are never changed, only replaced.
type policyCache struct {
	mu  sync.RWMutex
	all map[*store.Policy]*policy.Document
}

// maxPolicies bounds the cache; when it is full it is emptied.
const maxPolicies = 512

// document is a stored policy, parsed; nil for none.
func (c *policyCache) document(s *Server, p *store.Policy, arn string) *policy.Document {
	if p == nil {
		return nil
	}
	c.mu.RLock()
	d, ok := c.all[p]
	c.mu.RUnlock()
	if ok {
		return d
	}
	d, err := policy.Parse(policyDocument(p), policy.Resource)
	if err != nil { // AddPermission stores none that can't be parsed
		s.log.Error("stored policy is unreadable", "resource", arn, "error", err)
		d = nil
	}
	c.mu.Lock()
	if c.all == nil || len(c.all) >= maxPolicies {
		c.all = map[*store.Policy]*policy.Document{}
	}
	c.all[p] = d
	c.mu.Unlock()
	return d
}

// authorizeCreate decides about CreateFunction, which has its function in the body, and about the role that it passes.
func (s *Server) authorizeCreate(r *request, ref functionRef, role string) error {
	if s.authorizer == nil {
		return nil
	}
	account := orDefault(ref.account, r.account)
	a := Access{Actions: s.rules["CreateFunction"].actions, Resource: s.arn(account, ref.name), ResourceAccount: account}
	if err := s.authorizer.Authorize(r.ctx, r.caller, &a); err != nil {
		return err
	}
	return s.authorizeRole(r, account, role)
}

// authorizeRole decides whether a caller may give a role to a function of an account, and the function may have it (guide, row
// AUTH-28).
func (s *Server) authorizeRole(r *request, account, role string) error {
	if s.authorizer == nil || role == "" {
		return nil
	}
	a := Access{Actions: []string{"iam:PassRole"}, Resource: role, Keys: policy.Keys{"iam:passedtoservice": {"lambda.amazonaws.com"}}}
	if arn, ok := policy.ParseARN(role); ok {
		a.ResourceAccount = arn.Account
	}
	if err := s.authorizer.Authorize(r.ctx, r.caller, &a); err != nil {
		return err
	}
	return s.authorizer.CheckRole(account, role)
}

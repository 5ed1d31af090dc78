package policy

import "strings"

// Request is what somebody wants to do.
type Request struct {
	Principal *Principal
	// Actions is the action under each of its names: a statement matches that matches one of them.
	Actions  []string
	Resource string // ARN, or "*" for actions that have none
	Also     string // the resource under another name that it goes by, or empty
	Context  Context
}

// Policies are those that apply to a request.
type Policies struct {
	Identity        []*Document // of the principal
	Boundary        *Document   // the principal's permissions boundary; nil = none
	Session         []*Document // session policies; nil = none
	Resource        *Document   // of the resource; nil = none
	ResourceAccount string      // who owns the resource
}

// Decision is the outcome of an evaluation, and what was decisive.
type Decision uint8

const (
	Allowed Decision = iota
	// NoIdentityPolicy and the next three: nothing of that kind allows it.
	NoIdentityPolicy
	NoResourcePolicy
	NoBoundary
	NoSessionPolicy
	// IdentityDeny and the next three: an explicit Deny.
	IdentityDeny
	ResourceDeny
	BoundaryDeny
	SessionDeny
)

// Reason is the end of the sentence by which AWS refuses an action: "… is not authorized to perform: ACTION on resource: ARN " +
// Reason.
func (d Decision) Reason(action string) string {
	switch d {
	case NoIdentityPolicy:
		return "because no identity-based policy allows the " + action + " action"
	case NoResourcePolicy:
		return "because no resource-based policy allows the " + action + " action"
	case NoBoundary:
		return "because no permissions boundary allows the " + action + " action"
	case NoSessionPolicy:
		return "because no session policy allows the " + action + " action"
	case IdentityDeny:
		return "with an explicit deny in an identity-based policy"
	case ResourceDeny:
		return "with an explicit deny in a resource-based policy"
	case BoundaryDeny:
		return "with an explicit deny in a permissions boundary"
	case SessionDeny:
		return "with an explicit deny in a session policy"
	}
	return ""
}

// Decide says whether a request is allowed.
func Decide(r *Request, p *Policies) Decision {
	var names [2]string
	actions := names[:0]
	for _, a := range r.Actions {
		actions = append(actions, strings.ToLower(a))
	}
	identity := evaluateAll(p.Identity, r, actions)
	session := evaluateAll(p.Session, r, actions)
	boundary, resource := outcome{}, outcome{}
	if p.Boundary != nil {
		boundary = p.Boundary.evaluate(r, actions)
	}
	if p.Resource != nil {
		resource = p.Resource.evaluate(r, actions)
	}
	switch {
	case identity.denied:
		return IdentityDeny
	case resource.denied:
		return ResourceDeny
	case boundary.denied:
		return BoundaryDeny
	case session.denied:
		return SessionDeny
	}
	who := r.Principal
	if who.Service != "" {
		if resource.allowed == unnamed {
			return NoResourcePolicy
		}
		return Allowed
	}
	limit := Allowed
	switch {
	case p.Boundary != nil && boundary.allowed == unnamed:
		limit = NoBoundary
	case p.Session != nil && session.allowed == unnamed:
		limit = NoSessionPolicy
	}
	byIdentity := who.Root || identity.allowed != unnamed
	if who.Account == p.ResourceAccount {
		switch {
		case resource.allowed == byName:
			return Allowed
		case resource.allowed == byRole, byIdentity:
			return limit
		}
		return NoIdentityPolicy
	}
	switch {
	case !byIdentity:
		return NoIdentityPolicy
	case limit != Allowed:
		return limit
	case resource.allowed == unnamed:
		return NoResourcePolicy
	}
	return Allowed
}

// Trusts says whether a role's trust policy lets a principal perform an action, and how: delegated means that it names the
// principal's account, whose identity policies have to allow it too.
func (d *Document) Trusts(r *Request) (allowed, delegated, denied bool) {
	actions := make([]string, 0, len(r.Actions))
	for _, a := range r.Actions {
		actions = append(actions, strings.ToLower(a))
	}
	o := d.evaluate(r, actions)
	return o.allowed != unnamed && !o.denied, o.allowed == byAccount, o.denied
}

// outcome is what documents say about a request.
type outcome struct {
	denied  bool
	allowed match // how the closest statement that allows it names the principal
}

func evaluateAll(all []*Document, r *Request, actions []string) (o outcome) {
	for _, d := range all {
		x := d.evaluate(r, actions)
		o.denied = o.denied || x.denied
		o.allowed = max(o.allowed, x.allowed)
	}
	return o
}

func (d *Document) evaluate(r *Request, actions []string) (o outcome) {
	for i := range d.statements {
		s := &d.statements[i]
		if !s.deny && o.allowed == byName {
			continue
		}
		m := s.applies(r, actions)
		if m == unnamed {
			continue
		}
		if s.deny {
			o.denied = true
			return o
		}
		o.allowed = max(o.allowed, m)
	}
	return o
}

// applies says whether a statement applies to a request, and how it names the principal.
func (s *statement) applies(r *Request, actions []string) match {
	m := byName
	switch {
	case s.not.principal:
		if s.principal.exempts(r.Principal) {
			return unnamed
		}
	case s.principal != nil:
		if m = s.principal.names(r.Principal); m == unnamed {
			return unnamed
		}
	}
	if s.not.action == s.matchesAction(actions) || s.resources != nil && s.not.resource == s.matchesResource(r) {
		return unnamed
	}
	for i := range s.conditions {
		if !s.conditions[i].holds(r.Context) {
			return unnamed
		}
	}
	return m
}

func (s *statement) matchesAction(actions []string) bool {
	for _, p := range s.actions {
		for _, a := range actions {
			if p.match(a, nil) {
				return true
			}
		}
	}
	return false
}

func (s *statement) matchesResource(r *Request) bool {
	for _, p := range s.resources {
		if p.match(r.Resource, r.Context) || r.Also != "" && p.match(r.Also, r.Context) {
			return true
		}
	}
	return false
}

package api

import (
	"github.com/thawrun/thaw/api/policy"
)

// Source is a service that wants to invoke a function, and what it does so for: an event source that pushes.
type Source struct {
	Service string // principal, for example "s3.amazonaws.com"
	ARN     string // of the bucket, topic or rule; empty if there is none
	Account string // who owns that; empty if it is not known
	Token   string // EventSourceToken; usually empty
}

// AuthorizeSource says whether a service may invoke a function, named by the ARN that it uses, qualified or not: services have
// no permission but that of the function's policy (guide, AddPermission). The error is nil or an *Error. Without authorisation
// (Config.Auth) everything is allowed.
func (s *Server) AuthorizeSource(function string, by Source) error {
	ref, ok := splitFunctionRef(function)
	if !ok || ref.account == "" {
		return invalid("%q is not the ARN of a function", function)
	}
	if s.authorizer == nil {
		return nil
	}
	keys := policy.Keys{}
	for name, value := range map[string]string{"aws:sourcearn": by.ARN, "aws:sourceaccount": by.Account, "lambda:eventsourcetoken": by.Token} {
		if value != "" {
			keys[name] = []string{value}
		}
	}
	const action = "lambda:InvokeFunction"
	d := policy.Decide(
		&policy.Request{Principal: &policy.Principal{Service: by.Service}, Actions: []string{action, "lambda:Invoke"}, Resource: function, Context: keys},
		&policy.Policies{Resource: s.functionPolicy(ref, function), ResourceAccount: ref.account})
	if d != policy.Allowed {
		return fail("AccessDeniedException", "User: %s is not authorized to perform: %s on resource: %s %s", by.Service, action, function, d.Reason(action))
	}
	return nil
}

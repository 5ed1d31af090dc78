package iam

import (
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/thawrun/thaw/api"
	"github.com/thawrun/thaw/api/policy"
	"github.com/thawrun/thaw/api/sigv4"
	"github.com/thawrun/thaw/engine"
)

// identity is what api.Caller.Identity holds: by lower-case names whose policies count. Neither user nor role = the root user.
type identity struct {
	user, role string

	session         *session // of temporary credentials
	sessionPolicies []*policy.Document
	sessionARNs     []string
}

// Authenticate verifies the signature of a request to Lambda. It implements api.Authenticator.
func (s *Service) Authenticate(ctx *fasthttp.RequestCtx) (*api.Caller, error) {
	c, err := s.authenticate(ctx, "lambda", s.cfg.Region)
	if err != nil {
		return nil, &api.Error{Name: exceptionOf(err.Code), Message: err.Message}
	}
	return c, nil
}

// Plausible says whether a request names an access key, or session, that exists. It implements api.Screener.
func (s *Service) Plausible(h *fasthttp.RequestHeader) bool {
	token := string(h.Peek("X-Amz-Security-Token"))
	if token == "" {
		if _, query, ok := strings.Cut(string(h.RequestURI()), "X-Amz-Security-Token="); ok {
			query, _, _ = strings.Cut(query, "&")
			token, _ = url.QueryUnescape(query)
		}
	}
	_, err := s.lookup(sigv4.KeyID(h), token)
	return err == nil
}

func exceptionOf(c sigv4.Code) string {
	switch c {
	case sigv4.MissingToken:
		return "MissingAuthenticationTokenException"
	case sigv4.Incomplete:
		return "IncompleteSignatureException"
	case sigv4.UnknownToken:
		return "UnrecognizedClientException"
	case sigv4.ExpiredToken:
		return "ExpiredTokenException"
	}
	return "InvalidSignatureException"
}

func (s *Service) authenticate(ctx *fasthttp.RequestCtx, service string, regions ...string) (*api.Caller, *sigv4.Error) {
	signed, err := s.verifier.Verify(&ctx.Request, api.Secure(ctx), service, regions...)
	if err != nil {
		return nil, err
	}
	c := signed.Key.Owner.(*api.Caller)
	// What was deleted since the key was found, or the session was opened, can't act any more.
	if _, ok := s.carriers(c, nil); !ok {
		return nil, sigv4.ErrorUnknown()
	}
	return c, nil
}

// carriers passes on the policies of a caller; false if the caller doesn't exist any more.
func (s *Service) carriers(c *api.Caller, p *policy.Policies) (tags map[string]string, ok bool) {
	who := c.Identity.(*identity)
	s.mu.RLock()
	defer s.mu.RUnlock()
	a := s.accounts[c.Account]
	if a == nil {
		return nil, false
	}
	var e *effective
	switch {
	case who.user != "":
		u := a.users[who.user]
		if u == nil || u.ID != c.ID {
			return nil, false
		}
		if p == nil {
			return nil, true
		}
		tags, e = u.Tags, s.policiesOf(a, u)
	case who.role != "":
		r := a.roles[who.role]
		if r == nil || r.ID != who.session.ID {
			return nil, false
		}
		if p == nil {
			return nil, true
		}
		tags, e = r.Tags, s.collect(a, &r.effective, r.Boundary, &r.grants)
	default:
		if p == nil {
			return nil, true
		}
		e = &effective{}
	}
	p.Identity, p.Boundary = e.policies, e.boundary
	if p.Session = who.sessionPolicies; len(who.sessionARNs) > 0 {
		p.Session = slices.Clone(p.Session)
		for _, arn := range who.sessionARNs {
			if m := s.managedPolicy(a, arn); m != nil {
				p.Session = append(p.Session, m.document)
			}
		}
		if p.Session == nil {
			p.Session = []*policy.Document{} // all of them are gone: nothing is allowed
		}
	}
	return tags, true
}

// Authorize decides whether a caller may do something. It implements api.Authorizer.
func (s *Service) Authorize(ctx *fasthttp.RequestCtx, c *api.Caller, a *api.Access) error {
	if s.cfg.PermissiveRoles && a.Actions[0] == "iam:PassRole" {
		return nil
	}
	if reason := s.decide(ctx, c, a); reason != "" {
		return &api.Error{Name: "AccessDeniedException", Message: reason}
	}
	return nil
}

// decide returns the sentence of refusal, empty for none.
func (s *Service) decide(ctx *fasthttp.RequestCtx, c *api.Caller, a *api.Access) string {
	p := policy.Policies{Resource: a.Policy, ResourceAccount: a.ResourceAccount}
	tags, ok := s.carriers(c, &p)
	if !ok {
		return "The security token included in the request is invalid."
	}
	r := policy.Request{Principal: &c.Principal, Actions: a.Actions, Resource: a.Resource, Also: a.Also, Context: &keys{s, ctx, c, a, tags}}
	d := policy.Decide(&r, &p)
	if d == policy.Allowed {
		return ""
	}
	return denied(c.ARN, a.Actions[0], a.Resource, d)
}

func denied(who, action, resource string, d policy.Decision) string {
	return "User: " + who + " is not authorized to perform: " + action + " on resource: " + resource + " " + d.Reason(action)
}

// keys are the condition keys of a request (IAM User Guide, "AWS global condition context keys").
type keys struct {
	s    *Service
	ctx  *fasthttp.RequestCtx
	c    *api.Caller
	a    *api.Access
	tags map[string]string // of the caller
}

// Values returns a key's values.
func (k *keys) Values(key string) ([]string, bool) {
	if v, ok := k.a.Keys[key]; ok {
		return v, true
	}
	one := func(s string) ([]string, bool) {
		if s == "" {
			return nil, false
		}
		return []string{s}, true
	}
	switch key {
	case "aws:currenttime":
		return one(k.s.cfg.Now().UTC().Format(time.RFC3339))
	case "aws:epochtime":
		return one(strconv.FormatInt(k.s.cfg.Now().Unix(), 10))
	case "aws:principalaccount":
		return one(k.c.Account)
	case "aws:principalarn":
		if k.c.Role != "" {
			return one(k.c.Role)
		}
		return one(k.c.ARN)
	case "aws:principaltype":
		switch k.c.Type {
		case "Root":
			return one("Account")
		case "IAMUser":
			return one("User")
		}
		return one(k.c.Type)
	case "aws:userid":
		return one(k.c.ID)
	case "aws:username":
		return one(k.c.UserName)
	case "aws:requestedregion":
		if strings.HasPrefix(k.a.Actions[0], "iam:") {
			return one("us-east-1")
		}
		return one(k.s.cfg.Region)
	case "aws:resourceaccount":
		return one(k.a.ResourceAccount)
	case "aws:tokenissuetime":
		if k.c.Issued.IsZero() {
			return nil, false
		}
		return one(k.c.Issued.Format(time.RFC3339))
	case "aws:multifactorauthpresent":
		if k.c.Issued.IsZero() {
			return nil, false
		}
		return one("false")
	case "aws:viaawsservice", "aws:principalisawsservice":
		return one("false")
	}
	if tag, ok := strings.CutPrefix(key, "aws:principaltag/"); ok {
		for name, v := range k.tags {
			if strings.EqualFold(name, tag) {
				return []string{v}, true
			}
		}
		return nil, false
	}
	if k.ctx == nil {
		return nil, false
	}
	switch key {
	case "aws:sourceip":
		if t, ok := k.ctx.RemoteAddr().(*net.TCPAddr); ok && len(t.IP) > 0 {
			return one(t.AddrPort().Addr().Unmap().WithZone("").String())
		}
	case "aws:securetransport":
		return one(strconv.FormatBool(api.Secure(k.ctx)))
	case "aws:useragent":
		return one(string(k.ctx.UserAgent()))
	case "aws:referer":
		return one(string(k.ctx.Request.Header.Peek("Referer")))
	}
	return nil, false
}

// lambdaService is Lambda as a principal.
const lambdaService = "lambda.amazonaws.com"

// errNotAssumable is the refusal of execution roles (guide, CreateFunction; rows API-CreateFunction-08, 45).
const errNotAssumable = "The role defined for the function cannot be assumed by Lambda."

// CheckRole says whether an account's functions can have a role. It implements api.Authorizer.
func (s *Service) CheckRole(account, arn string) error {
	if s.cfg.PermissiveRoles {
		return nil
	}
	if parsed, ok := policy.ParseARN(arn); !ok || parsed.Account != account {
		return &api.Error{Name: "AccessDeniedException", Message: "Cross-account pass role is not allowed."}
	}
	if s.assumableByLambda(account, arn) == nil {
		return &api.Error{Name: "InvalidParameterValueException", Message: errNotAssumable}
	}
	return nil
}

// assumableByLambda returns a role if it exists and trusts Lambda, else nil.
func (s *Service) assumableByLambda(account, arn string) *role {
	s.mu.RLock()
	r := s.role(account, strings.ToLower(arn[strings.LastIndexByte(arn, '/')+1:]))
	s.mu.RUnlock()
	if r == nil || r.arn() != arn {
		return nil
	}
	allowed, _, _ := r.trust.Trusts(&policy.Request{
		Principal: &policy.Principal{Service: lambdaService}, Actions: []string{"sts:AssumeRole"},
		Context: policy.Keys{"aws:sourceaccount": {account}},
	})
	if !allowed {
		return nil
	}
	return r
}

// functionSession is how long the credentials of functions last.
const functionSession = 6 * time.Hour

// FunctionCredentials makes the temporary credentials with which a function runs: those of a session of its role, named like the
// function. It is api.Config.RoleCredentials. With permissive roles, functions whose role can't be assumed have none.
func (s *Service) FunctionCredentials(account, roleARN, function string) (engine.Credentials, error) {
	r := s.assumableByLambda(account, roleARN)
	switch {
	case r == nil && s.cfg.PermissiveRoles:
		return engine.Credentials{}, nil
	case r == nil:
		return engine.Credentials{}, &api.Error{Name: "InvalidParameterValueException", Message: errNotAssumable}
	}
	now := s.cfg.Now().Truncate(time.Second)
	c, err := s.sealer.seal(&session{Account: account, Role: r.Name, ID: r.ID, Name: function, Issued: now.Unix(), Expires: now.Add(functionSession).Unix()})
	if err != nil {
		return engine.Credentials{}, err
	}
	return engine.Credentials{AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey, SessionToken: c.SessionToken, Issued: now, Expires: c.Expiration}, nil
}

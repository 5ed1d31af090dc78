package iam

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/valyala/fasthttp"

	"github.com/thawrun/thaw/api"
	"github.com/thawrun/thaw/api/audit"
	"github.com/thawrun/thaw/api/policy"
	"github.com/thawrun/thaw/api/sigv4"
)

// Versions of the two protocols.
const (
	versionIAM = "2010-05-08"
	versionSTS = "2011-06-15"
)

// action is an operation of IAM or STS.
type action struct {
	service  string // "iam" or "sts"
	changes  bool   // it runs alone
	anybody  bool   // needs no permission, or decides by itself
	unlocked bool   // locks by itself
	run      func(*call) ([]node, error)
	resource func(*call) string // ARN for the permission; nil = "*"
}

// failure is an error of the query protocol.
type failure struct {
	code    string
	status  int
	message string
}

func (f *failure) Error() string { return f.code + ": " + f.message }

func fail(code, format string, args ...any) error {
	status := 400
	switch code {
	case "NoSuchEntity":
		status = 404
	case "EntityAlreadyExists", "DeleteConflict", "LimitExceeded":
		status = 409
	case "AccessDenied", "InvalidClientTokenId", "SignatureDoesNotMatch", "MissingAuthenticationToken", "ExpiredToken":
		status = 403
	}
	return &failure{code, status, fmt.Sprintf(format, args...)}
}

// call is one request on its way through an action.
type call struct {
	s       *Service
	ctx     *fasthttp.RequestCtx
	caller  *api.Caller
	account *account // the caller's
	form    *fasthttp.Args
	invalid []string // what is wrong with parameters
}

// Serve answers requests to IAM and STS. It implements api.Door.
func (s *Service) Serve(ctx *fasthttp.RequestCtx) bool {
	if path := ctx.Request.URI().PathOriginal(); len(path) > 1 {
		return false
	}
	form := ctx.QueryArgs()
	switch {
	case ctx.IsPost() && bytes.HasPrefix(ctx.Request.Header.ContentType(), []byte("application/x-www-form-urlencoded")):
		form = ctx.PostArgs()
	case !ctx.IsGet() || s.open != nil: // without signatures, a link on a web page could be a command
		return false
	}
	service := ""
	if scope, ok := sigv4.ScopeOf(&ctx.Request); ok {
		service = scope.Service
	} else if host, _, _ := strings.Cut(string(ctx.Host()), "."); host == "iam" || host == "sts" {
		service = host
	} else if form.Has("Action") {
		service = map[string]string{versionIAM: "iam", versionSTS: "sts"}[string(form.Peek("Version"))]
	}
	if service != "iam" && service != "sts" {
		return false
	}
	s.serve(ctx, service, form)
	return true
}

func (s *Service) serve(ctx *fasthttp.RequestCtx, service string, form *fasthttp.Args) {
	name := string(form.Peek("Action"))
	result, caller, err := s.call(ctx, service, name, form)
	if s.cfg.Audit != nil && caller != nil {
		s.record(ctx, service, name, form, caller, err)
	}
	id := string(ctx.Response.Header.Peek("X-Amzn-Requestid"))
	space := ` xmlns="https://iam.amazonaws.com/doc/` + versionIAM + `/"`
	if service == "sts" {
		space = ` xmlns="https://sts.amazonaws.com/doc/` + versionSTS + `/"`
	}
	var answer node
	status := fasthttp.StatusOK
	if err != nil {
		var f *failure
		kind := "Sender"
		if !errors.As(err, &f) {
			s.log.Error("request failed", "action", name, "requestId", id, "error", err)
			f, kind = &failure{"ServiceFailure", 500, "The request processing has failed because of an unknown error, exception or failure."}, "Receiver"
		}
		status = f.status
		answer = element("ErrorResponse", element("Error", text("Type", kind), text("Code", f.code), text("Message", f.message)), text("RequestId", id))
	} else {
		answer = element(name + "Response")
		if result != nil {
			answer.kids = append(answer.kids, element(name+"Result", result...))
		}
		answer.kids = append(answer.kids, element("ResponseMetadata", text("RequestId", id)))
	}
	var b bytes.Buffer
	answer.write(&b, space)
	ctx.SetStatusCode(status)
	ctx.SetContentType("text/xml")
	ctx.SetBody(b.Bytes())
}

// call authenticates, authorises and runs an action.
func (s *Service) call(ctx *fasthttp.RequestCtx, service, name string, form *fasthttp.Args) (result []node, caller *api.Caller, err error) {
	caller = s.open
	if caller == nil {
		var err *sigv4.Error
		if caller, err = s.authenticate(ctx, service, "us-east-1", s.cfg.Region); err != nil {
			return nil, nil, queryError(err)
		}
	}
	a, ok := s.actions[name]
	if want := map[string]string{"iam": versionIAM, "sts": versionSTS}[service]; !ok || a.service != service || string(form.Peek("Version")) != want {
		return nil, nil, fail("InvalidAction", "Could not find operation %s for version %s", orNothing(name), orNothing(string(form.Peek("Version"))))
	}
	if a.changes {
		s.write.Lock()
		defer s.write.Unlock()
	}
	c := &call{s: s, ctx: ctx, caller: caller, form: form}
	s.mu.RLock()
	c.account = s.accounts[caller.Account]
	s.mu.RUnlock()
	if c.account == nil {
		return nil, nil, queryError(sigv4.ErrorUnknown())
	}
	if !a.anybody {
		resource := "*"
		if a.resource != nil {
			resource = a.resource(c)
		}
		if err := c.allowed(service+":"+name, resource); err != nil {
			return nil, caller, err
		}
	}
	if !a.changes && !a.unlocked {
		s.mu.RLock()
		defer s.mu.RUnlock()
	}
	result, err = a.run(c)
	return result, caller, err
}

// record tells the audit log of a call that changed something, or was to, and of sessions.
func (s *Service) record(ctx *fasthttp.RequestCtx, service, name string, form *fasthttp.Args, caller *api.Caller, err error) {
	if service == "iam" && reads(name) {
		return
	}
	e := &audit.Event{
		Time: s.cfg.Now(), Source: service + ".amazonaws.com", Name: name, Account: caller.Account, Identity: caller.AuditIdentity(caller.Account), SourceIP: ctx.RemoteIP().String(),
		UserAgent: string(ctx.UserAgent()), RequestID: string(ctx.Response.Header.Peek("X-Amzn-Requestid")), EventID: uuid.NewString(),
	}
	var f *failure
	switch {
	case errors.As(err, &f):
		e.ErrorCode, e.ErrorMessage = f.code, f.message
	case err != nil:
		e.ErrorCode, e.ErrorMessage = "ServiceFailure", "An internal error occurred."
	}
	for k, v := range form.All() {
		if k := string(k); k != "Action" && k != "Version" && !strings.HasPrefix(k, "X-Amz-") {
			e.Parameters = append(e.Parameters, audit.Parameter{Name: k, Value: string(v)})
		}
	}
	s.cfg.Audit(e)
}

func orNothing(s string) string {
	if s == "" {
		return "NO_NAME_SPECIFIED"
	}
	return clip(s)
}

func clip(s string) string {
	if len(s) > 256 {
		return s[:256] + "…"
	}
	return s
}

// queryError is a refusal of a signature in the words of the query protocol.
func queryError(e *sigv4.Error) error {
	switch e.Code {
	case sigv4.MissingToken:
		return fail("MissingAuthenticationToken", "Request is missing Authentication Token")
	case sigv4.Incomplete:
		return fail("IncompleteSignature", "%s", e.Message)
	case sigv4.UnknownToken:
		return fail("InvalidClientTokenId", "%s", e.Message)
	case sigv4.ExpiredToken:
		return fail("ExpiredToken", "%s", e.Message)
	}
	return fail("SignatureDoesNotMatch", "%s", e.Message)
}

// allowed checks a permission. Neither mu nor anything else that it needs may be held.
func (c *call) allowed(name, resource string) error {
	a := api.Access{Actions: []string{name}, Resource: resource, ResourceAccount: c.account.id}
	if reason := c.s.decide(c.ctx, c.caller, &a); reason != "" {
		return fail("AccessDenied", "%s", reason)
	}
	return nil
}

// commit stores what an action changes.
func (c *call) commit(put []entity, remove ...entity) error {
	return c.s.commit(context.Background(), c.account, put, remove)
}

// Parameters.

func (c *call) str(name string) string { return string(c.form.Peek(name)) }

// problem notes what is wrong with a parameter, in the service's form.
func (c *call) problem(name, value, constraint string) {
	c.invalid = append(c.invalid, "Value '"+clip(value)+"' at '"+lowerFirst(name)+"' failed to satisfy constraint: "+constraint)
}

func lowerFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToLower(s[:1]) + s[1:]
}

// err is what problem noted, as one error.
func (c *call) err() error {
	switch n := len(c.invalid); n {
	case 0:
		return nil
	case 1:
		return fail("ValidationError", "1 validation error detected: %s", c.invalid[0])
	default:
		return fail("ValidationError", "%d validation errors detected: %s", n, strings.Join(c.invalid, "; "))
	}
}

// length notes a text that is too short or too long.
func (c *call) length(name, value string, least, most int) {
	switch n := utf8.RuneCountInString(value); {
	case n < least:
		c.problem(name, value, "Member must have length greater than or equal to "+strconv.Itoa(least))
	case n > most:
		c.problem(name, value, "Member must have length less than or equal to "+strconv.Itoa(most))
	}
}

// required reads a parameter that must be there.
func (c *call) required(name string) string {
	if !c.form.Has(name) {
		c.invalid = append(c.invalid, "Value null at '"+lowerFirst(name)+"' failed to satisfy constraint: Member must not be null")
	}
	return c.str(name)
}

// name reads the name of an identity or policy.
func (c *call) name(parameter string, most int) string {
	v := c.required(parameter)
	if c.form.Has(parameter) {
		c.length(parameter, v, 1, most)
		if !nameLike(v) {
			c.problem(parameter, v, `Member must satisfy regular expression pattern: [\w+=,.@-]+`)
		}
	}
	return v
}

// nameLike matches [\w+=,.@-]*.
func nameLike(s string) bool {
	for _, c := range []byte(s) {
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("_+=,.@-", c) >= 0) {
			return false
		}
	}
	return true
}

// path reads a path, / if there is none.
func (c *call) path(parameter string) string {
	v := c.str(parameter)
	if v == "" {
		return "/"
	}
	if !pathLike(v) {
		c.problem(parameter, v, `Member must satisfy regular expression pattern: (/)|(/[!-~]+/)`)
	}
	c.length(parameter, v, 1, 512)
	return v
}

func pathLike(s string) bool {
	for _, c := range []byte(s) {
		if c < '!' || c > '~' {
			return false
		}
	}
	return s == "/" || len(s) > 2 && s[0] == '/' && s[len(s)-1] == '/'
}

// arn reads an ARN.
func (c *call) arn(parameter string) string {
	v := c.required(parameter)
	if c.form.Has(parameter) {
		c.length(parameter, v, 20, 2048)
		if _, ok := policy.ParseARN(v); !ok {
			c.invalid = append(c.invalid, "ARN "+clip(v)+" is not valid.")
		}
	}
	return v
}

// integer reads a number within bounds, or returns the default.
func (c *call) integer(parameter string, otherwise, least, most int) int {
	v := c.str(parameter)
	if v == "" {
		return otherwise
	}
	n, err := strconv.Atoi(v)
	switch {
	case err != nil:
		c.problem(parameter, v, "Member must be a number")
	case n < least:
		c.problem(parameter, v, "Member must have value greater than or equal to "+strconv.Itoa(least))
	case n > most:
		c.problem(parameter, v, "Member must have value less than or equal to "+strconv.Itoa(most))
	}
	return n
}

// list reads NAME.member.1, NAME.member.2, …
func (c *call) list(parameter string) []string {
	var all []string
	for i := 1; ; i++ {
		key := parameter + ".member." + strconv.Itoa(i)
		if !c.form.Has(key) {
			return all
		}
		all = append(all, c.str(key))
	}
}

// tagPattern is what keys and values of tags consist of.
func tagPattern() *regexp.Regexp { return regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`) }

// maxTags is how many tags an identity may have.
const maxTags = 50

// tags reads Tags.member.N.Key and .Value.
func (c *call) tags() map[string]string {
	all := map[string]string{}
	pattern := tagPattern()
	for i := 1; ; i++ {
		head := "Tags.member." + strconv.Itoa(i)
		if !c.form.Has(head + ".Key") {
			return all
		}
		k, v := c.str(head+".Key"), c.str(head+".Value")
		c.length(head+".key", k, 1, 128)
		c.length(head+".value", v, 0, 256)
		if !pattern.MatchString(k) || !pattern.MatchString(v) {
			c.problem(head, k, `Member must satisfy regular expression pattern: [\p{L}\p{Z}\p{N}_.:/=+\-@]+`)
		}
		if _, twice := all[k]; twice {
			c.problem(head+".key", k, "Duplicate tag keys found")
		}
		all[k] = v
	}
}

// paged cuts a sorted list to the page that a request asks for.
func paged[T any](c *call, all []T, keyOf func(T) string) ([]T, []node) {
	limit := c.integer("MaxItems", 100, 1, 1000)
	after := c.str("Marker")
	if after != "" {
		i, found := slices.BinarySearchFunc(all, after, func(x T, k string) int { return strings.Compare(keyOf(x), k) })
		if found {
			i++
		}
		all = all[i:]
	}
	if limit < 1 || len(all) <= limit {
		return all, []node{boolean("IsTruncated", false)}
	}
	return all[:limit], []node{boolean("IsTruncated", true), text("Marker", keyOf(all[limit-1]))}
}

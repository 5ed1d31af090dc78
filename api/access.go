package api

import (
	"time"

	"github.com/valyala/fasthttp"

	"github.com/thawrun/thaw/api/policy"
)

// Caller is who sent a request. It is shared between requests and must not be changed.
type Caller struct {
	policy.Principal
	Type        string // as in CloudTrail's userIdentity: Root, IAMUser or AssumedRole
	ID          string // unique id; of a session, ROLE-ID:NAME
	UserName    string // of users
	AccessKeyID string
	Issuer      *Issuer   // of a session: its role
	Issued      time.Time // of temporary credentials; else zero
	Identity    any       // the Authenticator's own
}

// Issuer is the role that a session belongs to.
type Issuer struct{ Type, ID, ARN, Account, UserName string }

// Authenticator decides who a caller is, before a request is looked at any further.
type Authenticator interface {
	// Authenticate returns the caller, or why the request is refused: an *Error of the catalogue. Another error is the server's
	// own failure, of which the client learns nothing.
	Authenticate(ctx *fasthttp.RequestCtx) (*Caller, error)
}

// Access is something that a caller wants to do.
type Access struct {
	// Actions is the action in IAM's notation, under each of its names; errors tell the first.
	Actions []string
	// Resource is the ARN of what it is done to, or "*", and ResourceAccount who owns that.
	Resource, ResourceAccount string
	Also                      string // the resource under another name that it goes by, or empty
	// Policy is the resource's own policy; nil = none.
	Policy *policy.Document
	// Keys are condition keys that only this action has, in lower case.
	Keys policy.Keys
}

// Authorizer decides what callers may do. If an Authenticator is one too, the Server asks it before every operation; of one
// that isn't, every caller may do everything in its account.
type Authorizer interface {
	// Authorize returns nil or why the caller may not: an *Error of the catalogue, or the server's own failure.
	Authorize(ctx *fasthttp.RequestCtx, c *Caller, a *Access) error
	// CheckRole says whether functions of an account can have a role: that it exists and that Lambda can assume it. The error is
	// nil or an *Error.
	CheckRole(account, arn string) error
}

// Screener is an Authenticator that can tell from a request's header alone that it will be refused. The bodies of such requests
// are not read beyond what every operation may send.
type Screener interface {
	// Plausible says whether a request may turn out to be somebody's.
	Plausible(h *fasthttp.RequestHeader) bool
}

// Door is another service on the same listener.
type Door interface {
	// Serve answers a request that is for its service, and says whether it was. It authenticates by itself.
	Serve(ctx *fasthttp.RequestCtx) bool
}

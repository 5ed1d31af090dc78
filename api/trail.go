package api

import (
	"errors"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/thawrun/thaw/api/audit"
)

// eventName is what CloudTrail calls an operation, empty for those that it does not log (guide, "AWS Lambda Information in
// CloudTrail"; rows TRAIL-04…21). Names end in the date of the API, and in its revision where there was one.
func eventName(operation string) string {
	switch operation {
	case "CreateFunction", "DeleteFunction", "ListFunctions", "CreateEventSourceMapping", "DeleteEventSourceMapping", "GetEventSourceMapping",
		"ListEventSourceMappings", "UpdateEventSourceMapping":
		return operation + "20150331"
	case "AddPermission", "RemovePermission", "GetPolicy", "GetFunction", "GetFunctionConfiguration", "UpdateFunctionCode", "UpdateFunctionConfiguration":
		return operation + "20150331v2"
	}
	return ""
}

// maxRecorded is how large a body may be to be recorded, in bytes without its package: those that make sense are smaller.
const maxRecorded = 64 << 10

// record tells the audit log of an operation that came to its end.
func (s *Server) record(r *request, op *operation, err error) {
	name := s.rules[op.name].event
	if name == "" {
		return
	}
	ctx := r.ctx
	e := &audit.Event{
		Time: time.Now(), Source: "lambda.amazonaws.com", Name: name, Account: r.account, Identity: r.caller.AuditIdentity(r.account), SourceIP: ctx.RemoteIP().String(),
		UserAgent: string(ctx.UserAgent()), RequestID: requestID(ctx), EventID: uuid.NewString(),
	}
	if err != nil {
		e.ErrorCode, e.ErrorMessage = "ServiceException", "An internal error occurred."
		var known *Error
		if errors.As(err, &known) {
			e.ErrorCode, e.ErrorMessage = known.Name, known.Message
			if known.Name == "AccessDeniedException" {
				e.ErrorCode = audit.AccessDenied
			}
		}
	}
	values := []string{r.param, r.param2, r.param3}
	for part := range strings.SplitSeq(op.uri, "/") {
		if len(part) > 2 && part[0] == '{' && len(values) > 0 {
			e.Parameters = append(e.Parameters, audit.Parameter{Name: part[1 : len(part)-1], Value: values[0]})
			values = values[1:]
		}
	}
	for k, v := range ctx.QueryArgs().All() {
		if !strings.HasPrefix(string(k), "X-Amz-") {
			e.Parameters = append(e.Parameters, audit.Parameter{Name: string(k), Value: string(v)})
		}
	}
	if op.method != "GET" {
		if e.Body = audit.WithoutPackage(ctx.PostBody()); len(e.Body) > maxRecorded {
			e.Body = nil
		}
		if err == nil && op.method != "DELETE" {
			e.Response = append([]byte(nil), ctx.Response.Body()...)
		}
	}
	s.cfg.Audit(e)
}

// AuditIdentity is a caller as the audit log has it; nil, who is everybody on a server without authentication, appears as the
// root user of the account.
func (c *Caller) AuditIdentity(account string) *audit.Identity {
	if c == nil {
		return &audit.Identity{Type: "Root", PrincipalID: account, ARN: "arn:aws:iam::" + account + ":root", AccountID: account}
	}
	i := &audit.Identity{Type: c.Type, PrincipalID: c.ID, ARN: c.ARN, AccountID: c.Account, AccessKeyID: c.AccessKeyID, UserName: c.UserName}
	if !c.Issued.IsZero() {
		i.SessionContext = &audit.SessionContext{Attributes: audit.SessionAttributes{MFAAuthenticated: "false", CreationDate: c.Issued.Format("2006-01-02T15:04:05Z")}}
		if c.Issuer != nil {
			i.SessionContext.SessionIssuer = &audit.SessionIssuer{Type: c.Issuer.Type, PrincipalID: c.Issuer.ID, ARN: c.Issuer.ARN, AccountID: c.Issuer.Account, UserName: c.Issuer.UserName}
		}
	}
	return i
}

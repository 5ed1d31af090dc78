package api

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/valyala/fasthttp"

	"github.com/thawrun/thaw/api/policy"
	"github.com/thawrun/thaw/engine/store"
)

// maxPolicy is how large a resource policy may be, in bytes as GetPolicy returns it (guide, AddPermission).
const maxPolicy = 20 << 10

const (
	statementPattern = `([a-zA-Z0-9-_]+)`
	actionPattern    = `(lambda:[*]|lambda:[a-zA-Z]+|[*])`
	sourcePattern    = `arn:(aws[a-zA-Z0-9-]*):([a-zA-Z0-9\-])+:([a-z]{2}(-gov)?-[a-z]+-\d{1})?:(\d{12})?:(.*)`
)

type permissionInput struct {
	StatementId, Action, Principal, SourceArn, SourceAccount, EventSourceToken, RevisionId, PrincipalOrgID, FunctionUrlAuthType *string
	InvokedViaFunctionUrl                                                                                                       *bool
}

func validateStatementID(id string, v *violations) {
	v.length("statementId", id, 1, 100)
	v.check(word(id), "statementId", id, "Member must satisfy regular expression pattern: "+statementPattern)
}

func (in *permissionInput) validate(v *violations) {
	if v.required(in.StatementId != nil, "statementId") {
		validateStatementID(*in.StatementId, v)
	}
	if v.required(in.Action != nil, "action") {
		v.check(action(*in.Action), "action", *in.Action, "Member must satisfy regular expression pattern: "+actionPattern)
	}
	if v.required(in.Principal != nil, "principal") {
		v.check(*in.Principal != "" && !strings.ContainsAny(*in.Principal, " \t\r\n\v\f"), "principal", *in.Principal, `Member must satisfy regular expression pattern: [^\s]+`)
	}
	if in.SourceArn != nil {
		v.check(sourceARN(*in.SourceArn), "sourceArn", *in.SourceArn, "Member must satisfy regular expression pattern: "+sourcePattern)
	}
	if in.SourceAccount != nil {
		v.check(account(*in.SourceAccount), "sourceAccount", *in.SourceAccount, `Member must satisfy regular expression pattern: \d{12}`)
	}
	if t := in.EventSourceToken; t != nil {
		v.length("eventSourceToken", *t, 0, 256)
		v.check(word(strings.ReplaceAll(*t, ".", "-")), "eventSourceToken", *t, `Member must satisfy regular expression pattern: [a-zA-Z0-9._\-]+`)
	}
	if o := in.PrincipalOrgID; o != nil {
		v.check(organization(*o), "principalOrgID", *o, `Member must satisfy regular expression pattern: o-[a-z0-9]{10,32}`)
	}
	if in.FunctionUrlAuthType != nil {
		v.oneOf("functionUrlAuthType", *in.FunctionUrlAuthType, "NONE", "AWS_IAM")
	}
}

// action matches actionPattern.
func action(s string) bool {
	api, ok := strings.CutPrefix(s, "lambda:")
	return s == "*" || ok && (api == "*" || letters(api))
}

// letters matches [a-zA-Z]+.
func letters(s string) bool { return s != "" && lower(strings.ToLower(s)) && word(s) }

// organization matches o-[a-z0-9]{10,32}.
func organization(s string) bool {
	id, ok := strings.CutPrefix(s, "o-")
	return ok && len(id) >= 10 && len(id) <= 32 && word(id) && id == strings.ToLower(id) && !strings.ContainsAny(id, "-_")
}

// sourceARN matches sourcePattern.
func sourceARN(s string) bool {
	p := strings.SplitN(s, ":", 6)
	return len(p) == 6 && p[0] == "arn" && strings.HasPrefix(p[1], "aws") && word(p[1]) && !strings.Contains(p[1], "_") && word(p[2]) && !strings.Contains(p[2], "_") &&
		(p[3] == "" || region(p[3]) && !strings.Contains(p[3], "-iso")) && (p[4] == "" || account(p[4])) && !strings.Contains(p[5], "\n")
}

// statement is the policy statement that a permission becomes, in the service's order of keys.
func (in *permissionInput) statement(resource string) (json.RawMessage, *Error) {
	var principal any
	switch p := *in.Principal; {
	case p == "*":
		principal = "*"
	case account(p):
		principal = map[string]string{"AWS": "arn:aws:iam::" + p + ":root"}
	case strings.HasPrefix(p, "arn:"):
		if !sourceARN(p) {
			return nil, invalid("The provided principal was invalid. Please check the principal and try again.")
		}
		principal = map[string]string{"AWS": p}
	case strings.Contains(p, ".") && !strings.ContainsAny(p, "/:"):
		principal = map[string]string{"Service": p}
	default:
		return nil, invalid("The provided principal was invalid. Please check the principal and try again.")
	}
	if in.FunctionUrlAuthType != nil && *in.Action != "lambda:InvokeFunctionUrl" {
		return nil, invalid("FunctionUrlAuthType is only supported for lambda:InvokeFunctionUrl action")
	}
	conditions := map[string]map[string]string{}
	condition := func(operator, key string, value *string) {
		if value == nil || *value == "" {
			return
		}
		if conditions[operator] == nil {
			conditions[operator] = map[string]string{}
		}
		conditions[operator][key] = *value
	}
	condition("StringEquals", "AWS:SourceAccount", in.SourceAccount)
	condition("StringEquals", "aws:PrincipalOrgID", in.PrincipalOrgID)
	condition("StringEquals", "lambda:EventSourceToken", in.EventSourceToken)
	condition("StringEquals", "lambda:FunctionUrlAuthType", in.FunctionUrlAuthType)
	condition("ArnLike", "AWS:SourceArn", in.SourceArn)
	if in.InvokedViaFunctionUrl != nil && *in.InvokedViaFunctionUrl {
		yes := "true"
		condition("Bool", "lambda:InvokedViaFunctionUrl", &yes)
	}
	if len(conditions) == 0 {
		conditions = nil
	}
	text := marshal(struct {
		Sid       string
		Effect    string
		Principal any
		Action    string
		Resource  string
		Condition map[string]map[string]string `json:",omitempty"`
	}{*in.StatementId, "Allow", principal, *in.Action, resource, conditions})
	// What can't be evaluated is not stored.
	if _, err := policy.Parse(marshal(map[string]any{"Version": "2012-10-17", "Statement": json.RawMessage(text)}), policy.Resource); err != nil {
		return nil, invalid("The provided principal was invalid. Please check the principal and try again.")
	}
	return text, nil
}

// policyDocument is a policy as GetPolicy returns it.
func policyDocument(p *store.Policy) []byte {
	list := make([]json.RawMessage, len(p.Statements))
	for i, s := range p.Statements {
		list[i] = s.JSON
	}
	return marshal(struct {
		Version   string
		Id        string
		Statement []json.RawMessage
	}{"2012-10-17", "default", list})
}

// addStatement returns a policy with one more statement; old may be nil.
func addStatement(old *store.Policy, revision *string, id string, statement json.RawMessage) (*store.Policy, *Error) {
	next := &store.Policy{RevisionID: uuid.NewString()}
	have := ""
	if old != nil {
		next.Statements, have = slices.Clone(old.Statements), old.RevisionID
	}
	if err := checkPolicyRevision(revision, have); err != nil {
		return nil, err
	}
	if slices.ContainsFunc(next.Statements, func(s store.Statement) bool { return s.SID == id }) {
		return nil, fail("ResourceConflictException", "The statement id (%s) provided already exists. Please provide a new statement id, or remove the existing statement.", id)
	}
	next.Statements = append(next.Statements, store.Statement{SID: id, JSON: statement})
	if n := len(policyDocument(next)); n > maxPolicy {
		return nil, fail("PolicyLengthExceededException", "The final policy size (%d) is bigger than the limit (%d).", n, maxPolicy)
	}
	return next, nil
}

// removeStatement returns a policy without a statement, nil if nothing is left.
func removeStatement(old *store.Policy, revision *string, id string) (*store.Policy, *Error) {
	if old == nil || !slices.ContainsFunc(old.Statements, func(s store.Statement) bool { return s.SID == id }) {
		return nil, fail("ResourceNotFoundException", "Statement %s is not found in resource policy.", id)
	}
	if err := checkPolicyRevision(revision, old.RevisionID); err != nil {
		return nil, err
	}
	next := &store.Policy{RevisionID: uuid.NewString(), Statements: slices.DeleteFunc(slices.Clone(old.Statements), func(s store.Statement) bool { return s.SID == id })}
	if len(next.Statements) == 0 {
		return nil, nil
	}
	return next, nil
}

func checkPolicyRevision(want *string, have string) *Error {
	if want != nil && *want != "" && *want != have {
		return fail("PreconditionFailedException", "The RevisionId provided does not match the latest RevisionId. Call the GetPolicy API to retrieve the latest RevisionId.")
	}
	return nil
}

// qualifiedARN is the ARN form that a policy or setting belongs to.
func (s *Server) qualifiedARN(f *store.Function, qualifier string) string {
	if qualifier == "" {
		return s.arn(f.Account, f.Name)
	}
	return s.arn(f.Account, f.Name) + ":" + qualifier
}

func (s *Server) addPermission(r *request) error {
	var in permissionInput
	if err := decode(r.ctx.PostBody(), &in); err != nil {
		return err
	}
	var v violations
	in.validate(&v)
	if err := v.err(); err != nil {
		return err
	}
	t, err := s.find(r)
	if err != nil {
		return err
	}
	if t.ref.qualifier == latest && *in.Action == "lambda:InvokeFunctionUrl" {
		return invalid("The function URL action is not supported for $LATEST.")
	}
	statement, err := in.statement(s.qualifiedARN(t.f, t.ref.qualifier))
	if err != nil {
		return err
	}
	uerr := s.changeQualified(t.ref, func(q *store.Qualified) (err error) {
		next, ferr := addStatement(q.Policy, in.RevisionId, *in.StatementId, statement)
		if ferr != nil {
			return ferr
		}
		q.Policy = next
		return nil
	})
	if uerr != nil {
		return uerr
	}
	s.json(r.ctx, fasthttp.StatusCreated, marshal(struct{ Statement string }{string(statement)}))
	return nil
}

// changeQualified changes what is stored for one ARN form of a function, which must exist.
func (s *Server) changeQualified(ref functionRef, edit func(*store.Qualified) error) error {
	return s.change(ref, func(tx *store.Tx, f *store.Function) error {
		if versionOf(f, ref.qualifier) == nil {
			return s.notFound(ref)
		}
		var err error
		f.Set(ref.qualifier, func(q *store.Qualified) { err = edit(q) })
		if err != nil {
			return err
		}
		tx.PutFunction(f)
		return nil
	})
}

func (s *Server) getPolicy(r *request) error {
	t, err := s.find(r)
	if err != nil {
		return err
	}
	p := t.f.At(t.ref.qualifier).Policy
	if p == nil {
		return fail("ResourceNotFoundException", "The resource you requested does not exist.")
	}
	s.json(r.ctx, fasthttp.StatusOK, marshal(struct{ Policy, RevisionId string }{string(policyDocument(p)), p.RevisionID}))
	return nil
}

func (s *Server) removePermission(r *request) error {
	var v violations
	validateStatementID(r.param2, &v)
	if err := v.err(); err != nil {
		return err
	}
	t, err := s.find(r)
	if err != nil {
		return err
	}
	var revision *string
	if x := r.query("RevisionId"); x != "" {
		revision = &x
	}
	uerr := s.changeQualified(t.ref, func(q *store.Qualified) error {
		next, err := removeStatement(q.Policy, revision, r.param2)
		if err != nil {
			return err
		}
		q.Policy = next
		return nil
	})
	if uerr != nil {
		return uerr
	}
	r.ctx.SetStatusCode(fasthttp.StatusNoContent)
	return nil
}

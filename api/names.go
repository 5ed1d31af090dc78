package api

import (
	"net/url"
	"strconv"
	"strings"
)

// The constraint of function names in the service's own spelling, for messages.
const functionNamePattern = `(arn:(aws[a-zA-Z-]*)?:lambda:)?([a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?([a-zA-Z0-9-_]+)(:(\$LATEST|[a-zA-Z0-9-_]+))?`

const (
	maxFunctionName = 64  // of the bare name
	maxFunctionRef  = 140 // of any form
)

// latest is the qualifier of the version that can be changed.
const latest = "$LATEST"

// functionRef is a function as a client names it: name, function:name, account:name, account:function:name or the full ARN, each
// with an optional qualifier (guide, Invoke and others, FunctionName; rows API-Common-05…08).
type functionRef struct {
	partition, region, account string // empty if not given
	name                       string
	qualifier                  string
}

// parseFunctionRef parses a name and adds what is wrong with it to v.
func parseFunctionRef(s string, v *violations) functionRef {
	if len(s) <= maxFunctionName && word(s) { // what nearly all requests have
		return functionRef{name: s}
	}
	ref, ok := splitFunctionRef(s)
	v.check(ok, "functionName", s, "Member must satisfy regular expression pattern: "+functionNamePattern)
	v.length("functionName", s, 1, maxFunctionRef)
	if ok && len(ref.name) > maxFunctionName && len(s) <= maxFunctionRef {
		v.length("functionName", ref.name, 1, maxFunctionName)
	}
	return ref
}

// pathParameter undoes the percent-encoding of a path segment. What is not encoded properly stays as it is and fails its
// constraints.
func pathParameter(raw string) string {
	if !strings.Contains(raw, "%") {
		return raw
	}
	if s, err := url.PathUnescape(raw); err == nil {
		return s
	}
	return raw
}

// splitFunctionRef matches functionNamePattern from left to right, taking each optional part where it can be taken.
func splitFunctionRef(s string) (functionRef, bool) {
	var r functionRef
	parts := strings.Split(s, ":")
	if len(parts) > 3 && parts[0] == "arn" && partition(parts[1]) && parts[2] == "lambda" {
		r.partition = parts[1]
		parts = parts[3:]
	}
	// An optional part needs a name behind it. A qualifier is none where it is $LATEST: function:$LATEST is the function "function".
	more := func() bool { return len(parts) > 1 && parts[1] != latest }
	if more() && region(parts[0]) {
		r.region, parts = parts[0], parts[1:]
	}
	if more() && account(parts[0]) {
		r.account, parts = parts[0], parts[1:]
	}
	if more() && parts[0] == "function" {
		parts = parts[1:]
	}
	switch len(parts) {
	case 1:
	case 2:
		if r.qualifier = parts[1]; r.qualifier != latest && !word(r.qualifier) {
			return r, false
		}
	default:
		return r, false
	}
	r.name = parts[0]
	return r, word(r.name)
}

// partition matches (aws[a-zA-Z-]*)?.
func partition(s string) bool {
	tail, ok := strings.CutPrefix(s, "aws")
	return s == "" || ok && (tail == "" || word(tail) && !strings.ContainsAny(tail, "0123456789_"))
}

// word matches [a-zA-Z0-9-_]+.
func word(s string) bool {
	for _, c := range []byte(s) {
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_') {
			return false
		}
	}
	return s != ""
}

// account matches \d{12}.
func account(s string) bool {
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(s) == 12
}

// region matches [a-z]{2}(-gov|-iso[a-z]?)?-[a-z]+-\d.
func region(s string) bool {
	parts := strings.Split(s, "-")
	if len(parts) == 4 && (parts[1] == "gov" || strings.HasPrefix(parts[1], "iso") && len(parts[1]) <= 4 && lower(parts[1])) {
		parts = append(parts[:1:1], parts[2:]...)
	}
	return len(parts) == 3 && len(parts[0]) == 2 && lower(parts[0]) && lower(parts[1]) && len(parts[2]) == 1 && parts[2][0] >= '0' && parts[2][0] <= '9'
}

// lower matches [a-z]+.
func lower(s string) bool {
	for _, c := range []byte(s) {
		if c < 'a' || c > 'z' {
			return false
		}
	}
	return s != ""
}

// here says whether a name is of one of this server's accounts and of its region.
func (s *Server) here(ref functionRef) bool {
	return (ref.account == "" || s.hosts(ref.account)) && (ref.region == "" || ref.region == s.cfg.Region) && (ref.partition == "" || ref.partition == "aws")
}

// arn is the unqualified ARN of a function.
func (s *Server) arn(account, name string) string {
	return s.arnPrefix + account + ":function:" + name
}

// key is the key of a function's $LATEST in the engine: its ARN, qualified.
func (s *Server) key(account, name string) string {
	return s.arnPrefix + account + ":function:" + name + ":" + latest
}

// versionKey is the key of a version, 0 for $LATEST.
func (s *Server) versionKey(account, name string, number uint64) string {
	if number == 0 {
		return s.key(account, name)
	}
	return s.arnPrefix + account + ":function:" + name + ":" + strconv.FormatUint(number, 10)
}

// hosts says whether an account is one of this server's.
func (s *Server) hosts(account string) bool {
	return account == s.cfg.Account || s.cfg.Accounts != nil && s.cfg.Accounts(account)
}

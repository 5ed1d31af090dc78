package api

import (
	"net/url"
	"strings"
)

// The constraint of function names in the service's own spelling, for messages.
const functionNamePattern = `(arn:(aws[a-zA-Z-]*)?:lambda:)?([a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?([a-zA-Z0-9-_]+)(:(\$LATEST|[a-zA-Z0-9-_]+))?`

const (
	maxFunctionName = 64  // of the bare name
	maxFunctionRef  = 140 // of any form
)

// functionRef is a function as a client names it: name, function:name, account:name, account:function:name or the full ARN, each
// with an optional qualifier (guide, Invoke and others, FunctionName).
type functionRef struct {
	region, account string // empty if not given
	name            string
	qualifier       string
}

// parseFunctionRef parses a name as it stands in a path segment (percent-encoded or not) or a body.
func parseFunctionRef(raw string) (functionRef, *apiError) {
	s := raw
	if strings.ContainsRune(raw, '%') {
		if u, err := url.PathUnescape(raw); err == nil {
			s = u
		}
	}
	var v violations
	v.length("functionName", s, 1, maxFunctionRef)
	ref, ok := splitFunctionRef(s)
	v.check(ok, "functionName", s, "Member must satisfy regular expression pattern: "+functionNamePattern)
	if ok && ref.name == s {
		v.length("functionName", s, 1, maxFunctionName)
	}
	return ref, v.err()
}

func splitFunctionRef(s string) (functionRef, bool) {
	var r functionRef
	parts := strings.Split(s, ":")
	if parts[0] == "arn" {
		if len(parts) < 7 || len(parts) > 8 || !partition(parts[1]) || parts[2] != "lambda" || !region(parts[3]) || !account(parts[4]) || parts[5] != "function" {
			return r, false
		}
		r.region, r.account = parts[3], parts[4]
		parts = parts[6:]
	} else {
		if len(parts) > 1 && region(parts[0]) {
			r.region = parts[0]
			parts = parts[1:]
		}
		if len(parts) > 1 && account(parts[0]) {
			r.account = parts[0]
			parts = parts[1:]
		}
		if len(parts) > 1 && parts[0] == "function" {
			parts = parts[1:]
		}
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

const latest = "$LATEST"

func partition(s string) bool { return strings.HasPrefix(s, "aws") && word(s) }

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
	if len(parts) == 4 && (parts[1] == "gov" || strings.HasPrefix(parts[1], "iso") && len(parts[1]) <= 4) {
		parts = append(parts[:1:1], parts[2:]...)
	}
	if len(parts) != 3 || len(parts[0]) != 2 || len(parts[2]) != 1 || parts[2][0] < '0' || parts[2][0] > '9' || parts[1] == "" {
		return false
	}
	for _, c := range []byte(parts[0] + parts[1]) {
		if c < 'a' || c > 'z' {
			return false
		}
	}
	return true
}

// arn is the unqualified ARN of a function.
func (s *Server) arn(name string) string {
	return "arn:aws:lambda:" + s.cfg.Region + ":" + s.cfg.Account + ":function:" + name
}

package policy

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"net"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// What follows is IAM's rules written down a second time, as plainly as possible: it works on the JSON, knows nothing of
// patterns and tries everything. The evaluator must agree with it on any policies.

type reference struct {
	who    *Principal
	action string
	arn    string
	keys   Keys
}

func list(v any) (all []string) {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		for _, x := range v {
			all = append(all, x.(string))
		}
	}
	return all
}

// wild matches * and ? by way of a regular expression.
func wild(pattern, s string, fold bool) bool {
	expr := strings.NewReplacer(`\*`, `.*`, `\?`, `.`, starItself, `\*`).Replace(regexp.QuoteMeta(pattern))
	if fold {
		expr = "(?i)" + expr
	}
	return regexp.MustCompile("^(?s:" + expr + ")$").MatchString(s)
}

// starItself stands for a star that is none, because it comes from a variable.
const starItself = "\uE000"

// replace puts in ${aws:username}; nothing is left if it has no value.
func (r *reference) replace(s string) (string, bool) {
	if !strings.Contains(s, "${aws:username}") {
		return s, true
	}
	v := r.keys["aws:username"]
	if len(v) != 1 {
		return "", false
	}
	return strings.ReplaceAll(s, "${aws:username}", strings.ReplaceAll(v[0], "*", starItself)), true
}

func (r *reference) condition(object map[string]any) bool {
	for op, keys := range object {
		for key, value := range keys.(map[string]any) {
			have := r.keys[strings.ToLower(key)]
			want := list(value)
			if op == "Null" {
				if (want[0] == "true") != (len(have) == 0) {
					return false
				}
				continue
			}
			quantifier, name := "", op
			if i := strings.Index(op, ":"); i >= 0 {
				quantifier, name = op[:i], op[i+1:]
			}
			name, ifExists := strings.CutSuffix(name, "IfExists")
			negated := strings.Contains(name, "Not")
			one := func(h string) bool {
				matched := false
				for _, w := range want {
					if w, ok := r.replace(w); ok && compare(strings.Replace(name, "Not", "", 1), h, w) {
						matched = true
					}
				}
				return matched != negated
			}
			holds := false
			switch {
			case len(have) == 0 && ifExists:
				holds = true
			case len(have) == 0:
				holds = quantifier == "ForAllValues" || quantifier == "" && negated
			case quantifier == "ForAllValues", quantifier == "" && negated:
				holds = !slices.ContainsFunc(have, func(h string) bool { return !one(h) })
			default:
				holds = slices.ContainsFunc(have, one)
			}
			if !holds {
				return false
			}
		}
	}
	return true
}

// compare compares a value of the request with one of the policy.
func compare(name, have, want string) bool {
	plain := strings.ReplaceAll(want, starItself, "*")
	switch name {
	case "StringEquals", "BinaryEquals":
		return plain == have
	case "StringLike":
		return wild(want, have, false)
	case "StringEqualsIgnoreCase", "Bool":
		return strings.EqualFold(plain, have)
	case "ArnEquals", "ArnLike":
		w, h := strings.SplitN(want, ":", 6), strings.SplitN(have, ":", 6)
		if want == "*" {
			return true
		}
		for i := range w {
			if len(w) != 6 || len(h) != 6 || !wild(w[i], h[i], false) {
				return false
			}
		}
		return true
	case "IpAddress":
		if !strings.Contains(plain, "/") {
			return net.ParseIP(plain).Equal(net.ParseIP(have))
		}
		_, network, err := net.ParseCIDR(plain)
		return err == nil && network.Contains(net.ParseIP(have))
	}
	number := func(s string) (*big.Rat, bool) { return new(big.Rat).SetString(s) }
	if rest, ok := strings.CutPrefix(name, "Date"); ok {
		name = "Numeric" + rest
		number = func(s string) (*big.Rat, bool) {
			seconds, ok := dates()[s]
			return new(big.Rat).SetInt64(seconds), ok
		}
	}
	h, ok := number(have)
	w, ok2 := number(plain)
	if !ok || !ok2 {
		return false
	}
	c := h.Cmp(w)
	switch name {
	case "NumericEquals":
		return c == 0
	case "NumericLessThan":
		return c < 0
	case "NumericLessThanEquals":
		return c <= 0
	case "NumericGreaterThan":
		return c > 0
	case "NumericGreaterThanEquals":
		return c >= 0
	}
	panic(name)
}

// dates are some dates and the seconds since 1970 that they mean.
func dates() map[string]int64 {
	return map[string]int64{"2026-11-25T12:00:00Z": 1795608000, "2026-11-25T14:00:00+02:00": 1795608000, "1795608000": 1795608000, "2026-11-25": 1795564800, "2016-11-21T00:00:01Z": 1479686401, "0": 0}
}

// typed are the operators that compare something else than text, with a key and values of that kind; the last value is not one
// of those that a policy may have.
func typed() map[string][]string {
	all := map[string][]string{
		"Bool": {"k:bool", "true", "false", "TRUE", "yes"}, "BinaryEquals": {"k:binary", "AQID", "AQIE", "%"},
		"IpAddress": {"k:ip", "10.0.0.0/8", "10.1.2.3", "10.1.2.3/32", "0.0.0.0/0", "2001:db8::/32", "2001:db8::1", "x"},
	}
	all["NotIpAddress"] = all["IpAddress"]
	for _, op := range []string{"Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals"} {
		all["Numeric"+op] = []string{"k:number", "10", "10.0", "1e1", "9.5", "-1", "0", "ten"}
		all["Date"+op] = []string{"k:date", "2026-11-25T12:00:00Z", "2026-11-25T14:00:00+02:00", "1795608000", "2026-11-25", "2016-11-21T00:00:01Z", "0", "now"}
	}
	for _, op := range []string{"ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike"} {
		all[op] = []string{"k:arn", function, function + ":1", "arn:aws:lambda:*:*:function:*", "arn:*:s3:::b?cket", "arn:aws:s3:::bucket", "*", "arn:aws:*:*:*:function:${aws:username}", "bucket"}
	}
	return all
}

// principal is how an element names the caller: 0 not, 1 by account, 2 by role, 3 by itself.
func (r *reference) principal(v any) int {
	if v == "*" {
		return 3
	}
	best := 0
	object := v.(map[string]any)
	for _, s := range list(object["Service"]) {
		if r.who.Service == s {
			return 3
		}
	}
	if r.who.Service != "" {
		return 0
	}
	for _, s := range list(object["AWS"]) {
		n := 0
		switch {
		case s == "*", s == r.who.ARN && !r.who.Root:
			n = 3
		case r.who.Role != "" && s == r.who.Role:
			n = 2
		case s == r.who.Account, s == "arn:aws:iam::"+r.who.Account+":root":
			n = 1
		}
		best = max(best, n)
	}
	return best
}

// statement is the statement's effect on the request: denied, or how it allows.
func (r *reference) statement(s map[string]any) (deny bool, allow int) {
	named := 3
	if p, ok := s["Principal"]; ok {
		named = r.principal(p)
	}
	if named == 0 {
		return false, 0
	}
	inActions := func(v any) bool {
		return slices.ContainsFunc(list(v), func(p string) bool { return wild(p, r.action, true) })
	}
	inResources := func(v any) bool {
		return slices.ContainsFunc(list(v), func(p string) bool {
			p, ok := r.replace(p)
			return ok && wild(p, r.arn, false)
		})
	}
	applies := true
	for name, v := range s {
		switch name {
		case "Action":
			applies = applies && inActions(v)
		case "NotAction":
			applies = applies && !inActions(v)
		case "Resource":
			applies = applies && inResources(v)
		case "NotResource":
			applies = applies && !inResources(v)
		case "Condition":
			applies = applies && r.condition(v.(map[string]any))
		}
	}
	if !applies {
		return false, 0
	}
	if s["Effect"] == "Deny" {
		return true, 0
	}
	return false, named
}

func (r *reference) document(d map[string]any) (deny bool, allow int) {
	for _, s := range d["Statement"].([]any) {
		x, y := r.statement(s.(map[string]any))
		deny, allow = deny || x, max(allow, y)
	}
	return deny, allow
}

// allowed is the flow chart of "Policy evaluation logic".
func (r *reference) allowed(identity []map[string]any, session, resource map[string]any, owner string) bool {
	id, se, re := 0, 3, 0
	for _, d := range identity {
		deny, allow := r.document(d)
		if deny {
			return false
		}
		id = max(id, allow)
	}
	if session != nil {
		deny, allow := r.document(session)
		if deny {
			return false
		}
		se = allow
	}
	if resource != nil {
		deny, allow := r.document(resource)
		if deny {
			return false
		}
		re = allow
	}
	if r.who.Root {
		id = 3
	}
	switch {
	case r.who.Service != "":
		return re > 0
	case r.who.Account == owner:
		return re == 3 || (re == 2 || id > 0) && se > 0
	}
	return id > 0 && se > 0 && re > 0
}

func TestAgreesWithTheRulesWrittenOut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pick := func(label string, from ...string) string { return rapid.SampledFrom(from).Draw(t, label) }
		some := func(label string, n int, from ...string) any {
			if rapid.Bool().Draw(t, label+" alone") {
				return pick(label, from...)
			}
			all := []any{}
			for _, s := range rapid.SliceOfN(rapid.SampledFrom(from), 1, n).Draw(t, label) {
				all = append(all, s)
			}
			return all
		}
		condition := func() map[string]any {
			all := map[string]any{}
			for range rapid.IntRange(1, 2).Draw(t, "operators") {
				op := pick("quantifier", "", "", "ForAnyValue:", "ForAllValues:") + pick("operator", "StringEquals", "StringNotEquals", "StringLike", "StringNotLike", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase") + pick("if", "", "", "IfExists")
				if rapid.Bool().Draw(t, "typed") {
					op := pick("typed operator", slices.Sorted(maps.Keys(typed()))...)
					pool := typed()[op]
					all[pick("quantifier", "", "", "ForAnyValue:", "ForAllValues:")+op+pick("if", "", "", "IfExists")] = map[string]any{pool[0]: some("typed value", 3, pool[1:len(pool)-1]...)}
					continue
				}
				if rapid.IntRange(0, 5).Draw(t, "null") == 0 {
					all["Null"] = map[string]any{pick("key", "aws:username", "K:many", "k:none"): pick("is", "true", "false")}
					continue
				}
				all[op] = map[string]any{pick("key", "aws:UserName", "k:many", "k:none"): some("value", 3, "ann", "ANN", "a*", "?nn", "x", "${aws:username}", "${aws:username}*", "")}
			}
			return all
		}
		statement := func(resource bool) map[string]any {
			s := map[string]any{"Effect": pick("effect", "Allow", "Allow", "Allow", "Deny")}
			s[pick("not action", "Action", "Action", "Action", "NotAction")] = some("action", 3, "*", "lambda:*", "lambda:Get*", "lambda:GetFunction", "lambda:invokefunction", "lambda:Invoke?unction", "s3:*", "s3:Get*")
			s[pick("not resource", "Resource", "Resource", "Resource", "NotResource")] = some("resource", 3, "*", function, function+":*", "arn:aws:lambda:*:*:function:*", "arn:aws:lambda:us-east-1:"+accountA+":function:?", "arn:aws:lambda:us-east-1:"+accountA+":function:${aws:username}", "arn:aws:s3:::*")
			if resource {
				switch rapid.IntRange(0, 3).Draw(t, "kind") {
				case 0:
					s["Principal"] = "*"
				case 1:
					s["Principal"] = map[string]any{"Service": some("service", 2, "s3.amazonaws.com", "sns.amazonaws.com")}
				default:
					s["Principal"] = map[string]any{"AWS": some("principal", 3, accountA, accountB, "arn:aws:iam::"+accountA+":root", userOf(accountA, "ann").ARN, userOf(accountB, "bob").ARN, sessionOf(accountA, "r", "s").ARN, sessionOf(accountA, "r", "s").Role)}
				}
			}
			if rapid.IntRange(0, 2).Draw(t, "conditional") == 0 {
				s["Condition"] = condition()
			}
			return s
		}
		document := func(resource bool) map[string]any {
			statements := []any{}
			for range rapid.IntRange(1, 3).Draw(t, "statements") {
				statements = append(statements, statement(resource))
			}
			return map[string]any{"Version": "2012-10-17", "Statement": statements}
		}
		parse := func(d map[string]any, kind Kind) *Document {
			b, err := json.Marshal(d)
			if err != nil {
				t.Fatal(err)
			}
			p, err := Parse(b, kind)
			if err != nil {
				t.Fatalf("%s: %v", b, err)
			}
			return p
		}
		r := &reference{
			who:    rapid.SampledFrom([]*Principal{userOf(accountA, "ann"), userOf(accountB, "bob"), sessionOf(accountA, "r", "s"), rootOf(accountA), rootOf(accountB), {Service: "s3.amazonaws.com"}}).Draw(t, "who"),
			action: pick("requested action", "lambda:GetFunction", "lambda:InvokeFunction", "s3:GetObject"),
			arn:    pick("requested resource", function, function+":1", "arn:aws:lambda:us-east-1:"+accountA+":function:ann", "*"),
			keys:   Keys{},
		}
		if rapid.Bool().Draw(t, "named") {
			r.keys["aws:username"] = []string{pick("username", "ann", "x", "a*")}
		}
		if many := rapid.SliceOfN(rapid.SampledFrom([]string{"ann", "x", "Ann"}), 0, 2).Draw(t, "many"); len(many) > 0 {
			r.keys["k:many"] = many
		}
		for _, op := range slices.Sorted(maps.Keys(typed())) {
			pool := typed()[op]
			if values := rapid.SliceOfN(rapid.SampledFrom(pool[1:]), 0, 2).Draw(t, "values of "+pool[0]); len(values) > 0 {
				if pool[0] == "k:ip" {
					values = slices.DeleteFunc(values, func(s string) bool { return strings.Contains(s, "/") })
				}
				r.keys[pool[0]] = values
			}
		}
		p := &Policies{ResourceAccount: accountA}
		var identity []map[string]any
		var session, resource map[string]any
		if r.who.Service == "" {
			for range rapid.IntRange(0, 2).Draw(t, "identity policies") {
				d := document(false)
				identity = append(identity, d)
				p.Identity = append(p.Identity, parse(d, Identity))
			}
			if r.who.Role != "" && rapid.Bool().Draw(t, "session policy") {
				session = document(false)
				p.Session = []*Document{parse(session, Identity)}
			}
		}
		if rapid.Bool().Draw(t, "resource policy") {
			resource = document(true)
			p.Resource = parse(resource, Resource)
		}
		got := Decide(&Request{Principal: r.who, Actions: []string{r.action}, Resource: r.arn, Context: r.keys}, p)
		if want := r.allowed(identity, session, resource, accountA); (got == Allowed) != want {
			t.Fatalf("%d, the rules say %v: identity %v session %v resource %v keys %v", got, want, identity, session, resource, r.keys)
		}
	})
}

// Matching agrees with regular expressions, whatever the pattern.
func TestGlobAgreesWithRegularExpressions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := rapid.StringOfN(rapid.SampledFrom([]rune("ab:é*?")), 0, 12, -1).Draw(t, "pattern")
		s := rapid.StringOfN(rapid.SampledFrom([]rune("ab:é")), 0, 14, -1).Draw(t, "text")
		if got, want := compile(p, wildcards).match(s, nil), wild(p, s, false); got != want {
			t.Fatalf("%q on %q: %v", p, s, got)
		}
		// Stars that end a segment cross colons, others among the first five segments don't.
		var expr strings.Builder
		runes := []rune(p)
		colons := 0
		for i, r := range runes {
			switch {
			case r == ':':
				colons++
				expr.WriteRune(r)
			case r == '*' && colons < 5 && i+1 < len(runes) && runes[i+1] != ':':
				expr.WriteString("[^:]*")
			case r == '*':
				expr.WriteString(".*")
			case r == '?':
				expr.WriteString(".")
			default:
				expr.WriteString(regexp.QuoteMeta(string(r)))
			}
		}
		if got, want := compile(p, wildcards|arnPattern).match(s, nil), regexp.MustCompile("^(?s:"+expr.String()+")$").MatchString(s); got != want {
			t.Fatalf("ARN %q on %q: %v, want %v", p, s, got, want)
		}
	})
}

// A pattern that costs others exponential time costs little here.
func TestHostilePatterns(t *testing.T) {
	s := strings.Repeat("a", 2000)
	for _, p := range []string{strings.Repeat("*a", 500) + "b", strings.Repeat("a*", 500) + ":b"} {
		for _, syntax := range []syntax{wildcards, wildcards | arnPattern} {
			if compile(p, syntax).match(s, nil) {
				t.Error("matches")
			}
		}
	}
}

func FuzzPolicy(f *testing.F) {
	f.Add(statementOf("Allow", `"Action":"lambda:*","Resource":"arn:aws:lambda:*:*:function:${aws:username}*","Condition":{"StringLike":{"aws:username":"a*"}}`), uint8(0))
	f.Add(statementOf("Deny", `"Principal":{"AWS":["123456789012"]},"NotAction":["lambda:Get*"],"NotResource":"*"`), uint8(1))
	f.Add(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}}`, uint8(2))
	f.Fuzz(func(t *testing.T, text string, kind uint8) {
		d, err := Parse([]byte(text), Kind(kind%3))
		if err != nil {
			return
		}
		for _, who := range []*Principal{userOf(accountA, "ann"), rootOf(accountB), {Service: "s3.amazonaws.com"}} {
			r := &Request{Principal: who, Actions: []string{"lambda:GetFunction"}, Resource: function, Context: Keys{"aws:username": {"ann"}}}
			p := &Policies{Identity: []*Document{d}, ResourceAccount: accountA}
			if kind%3 != 0 {
				p = &Policies{Resource: d, ResourceAccount: accountA}
			}
			first := Decide(r, p)
			// A Deny of everything beside it always wins.
			p.Session = []*Document{must(t, Identity, statementOf("Deny", `"Action":"*","Resource":"*"`))}
			if Decide(r, p) == Allowed {
				t.Fatalf("a Deny does not win over %s (%d)", text, first)
			}
		}
	})
}

func FuzzARN(f *testing.F) {
	for _, s := range []string{function, "arn:aws:s3:::bucket/key:with:colons", "arn::::", "arn:aws:iam::123456789012:root", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if a, ok := ParseARN(s); ok && a.String() != s {
			t.Fatalf("%q becomes %q", s, a.String())
		}
		_ = principalARN(s)
	})
}

func BenchmarkDecide(b *testing.B) {
	var all []*Document
	for i := range 5 {
		all = append(all, must(b, Identity, statementOf("Allow", fmt.Sprintf(`"Action":["lambda:Get*","lambda:List*"],"Resource":"arn:aws:lambda:us-east-1:%s:function:app%d-*"`, accountA, i))))
	}
	all = append(all, must(b, Identity, statementOf("Allow", `"Action":"lambda:InvokeFunction","Resource":"arn:aws:lambda:*:*:function:*"`)))
	r := &Request{Principal: userOf(accountA, "ann"), Actions: []string{"lambda:InvokeFunction"}, Resource: function}
	p := &Policies{Identity: all, ResourceAccount: accountA}
	b.ReportAllocs()
	for b.Loop() {
		if Decide(r, p) != Allowed {
			b.Fatal("denied")
		}
	}
}

package policy

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	accountA = "123456789012"
	accountB = "210987654321"
	function = "arn:aws:lambda:us-east-1:" + accountA + ":function:f"
)

func userOf(account, name string) *Principal {
	return &Principal{Account: account, ARN: "arn:aws:iam::" + account + ":user/" + name}
}

func sessionOf(account, role, name string) *Principal {
	return &Principal{Account: account, ARN: "arn:aws:sts::" + account + ":assumed-role/" + role + "/" + name, Role: "arn:aws:iam::" + account + ":role/" + role}
}

func rootOf(account string) *Principal {
	return &Principal{Account: account, ARN: "arn:aws:iam::" + account + ":root", Root: true}
}

func must(t testing.TB, kind Kind, text string) *Document {
	t.Helper()
	d, err := Parse([]byte(text), kind)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return d
}

// allow is an identity policy of one statement.
func statementOf(effect, more string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"` + effect + `",` + more + `}]}`
}

func TestIdentityPolicies(t *testing.T) {
	const invoke = "lambda:InvokeFunction"
	for name, c := range map[string]struct {
		policies         []string
		action, resource string
		want             Decision
	}{
		"nothing":              {nil, invoke, function, NoIdentityPolicy},
		"exact":                {[]string{statementOf("Allow", `"Action":"lambda:InvokeFunction","Resource":"`+function+`"`)}, invoke, function, Allowed},
		"case of actions":      {[]string{statementOf("Allow", `"Action":"LAMBDA:invokefunction","Resource":"*"`)}, invoke, function, Allowed},
		"wildcard":             {[]string{statementOf("Allow", `"Action":"lambda:Invoke*","Resource":"*"`)}, invoke, function, Allowed},
		"question mark":        {[]string{statementOf("Allow", `"Action":"lambda:InvokeFunctio?","Resource":"*"`)}, invoke, function, Allowed},
		"everything":           {[]string{statementOf("Allow", `"Action":"*","Resource":"*"`)}, invoke, function, Allowed},
		"another action":       {[]string{statementOf("Allow", `"Action":"lambda:GetFunction","Resource":"*"`)}, invoke, function, NoIdentityPolicy},
		"another resource":     {[]string{statementOf("Allow", `"Action":"lambda:*","Resource":"`+function+`x"`)}, invoke, function, NoIdentityPolicy},
		"case of resources":    {[]string{statementOf("Allow", `"Action":"lambda:*","Resource":"arn:`+strings.ToUpper(function[4:])+`*"`)}, invoke, function, NoIdentityPolicy},
		"qualifier":            {[]string{statementOf("Allow", `"Action":"lambda:*","Resource":"`+function+`"`)}, invoke, function + ":1", NoIdentityPolicy},
		"prefix":               {[]string{statementOf("Allow", `"Action":"lambda:*","Resource":"arn:aws:lambda:*:*:function:f*"`)}, invoke, function + ":1", Allowed},
		"beyond the colon":     {[]string{statementOf("Allow", `"Action":"lambda:*","Resource":"arn:aws:lambda:*"`)}, invoke, function, Allowed},
		"star within segment":  {[]string{statementOf("Allow", `"Action":"lambda:*","Resource":"arn:aws:lambda:us*1:`+accountA+`:function:f"`)}, invoke, function, Allowed},
		"star ends at a colon": {[]string{statementOf("Allow", `"Action":"lambda:*","Resource":"arn:aws:lam*2:function:f"`)}, invoke, function, NoIdentityPolicy},
		"deny wins":            {[]string{statementOf("Allow", `"Action":"*","Resource":"*"`), statementOf("Deny", `"Action":"lambda:InvokeFunction","Resource":"*"`)}, invoke, function, IdentityDeny},
		"deny of another":      {[]string{statementOf("Allow", `"Action":"*","Resource":"*"`), statementOf("Deny", `"Action":"lambda:Get*","Resource":"*"`)}, invoke, function, Allowed},
		"NotAction allows":     {[]string{statementOf("Allow", `"NotAction":"iam:*","Resource":"*"`)}, invoke, function, Allowed},
		"NotAction leaves out": {[]string{statementOf("Allow", `"NotAction":["iam:*","lambda:Invoke*"],"Resource":"*"`)}, invoke, function, NoIdentityPolicy},
		"NotAction denies":     {[]string{statementOf("Allow", `"Action":"*","Resource":"*"`), statementOf("Deny", `"NotAction":"iam:*","Resource":"*"`)}, invoke, function, IdentityDeny},
		"NotResource allows":   {[]string{statementOf("Allow", `"Action":"*","NotResource":"arn:aws:s3:::*"`)}, invoke, function, Allowed},
		"NotResource denies":   {[]string{statementOf("Allow", `"Action":"*","Resource":"*"`), statementOf("Deny", `"Action":"*","NotResource":"`+function+`"`)}, invoke, function + "2", IdentityDeny},
		"variable":             {[]string{statementOf("Allow", `"Action":"lambda:*","Resource":"arn:aws:lambda:us-east-1:*:function:${aws:username}-*"`)}, invoke, strings.TrimSuffix(function, "f") + "ann-f", Allowed},
		"another's variable":   {[]string{statementOf("Allow", `"Action":"lambda:*","Resource":"arn:aws:lambda:us-east-1:*:function:${aws:username}-*"`)}, invoke, strings.TrimSuffix(function, "f") + "bob-f", NoIdentityPolicy},
		"variable's default":   {[]string{statementOf("Allow", `"Action":"lambda:*","Resource":"arn:aws:lambda:us-east-1:*:function:${aws:PrincipalTag/team, 'f'}"`)}, invoke, function, Allowed},
		"no such variable":     {[]string{statementOf("Allow", `"Action":"lambda:*","Resource":"arn:aws:lambda:us-east-1:*:function:${aws:PrincipalTag/team}"`)}, invoke, function, NoIdentityPolicy},
		"a star as itself":     {[]string{statementOf("Allow", `"Action":"lambda:*","Resource":"arn:aws:lambda:us-east-1:*:function:${*}"`)}, invoke, function, NoIdentityPolicy},
		"variables of 2008":    {[]string{`{"Version":"2008-10-17","Statement":{"Effect":"Allow","Action":"lambda:*","Resource":"arn:aws:lambda:us-east-1:*:function:${aws:username}"}}`}, invoke, strings.TrimSuffix(function, "f") + "ann", NoIdentityPolicy},
		"no resource":          {[]string{statementOf("Allow", `"Action":"lambda:ListFunctions","Resource":"*"`)}, "lambda:ListFunctions", "*", Allowed},
		"no resource, narrow":  {[]string{statementOf("Allow", `"Action":"lambda:ListFunctions","Resource":"`+function+`"`)}, "lambda:ListFunctions", "*", NoIdentityPolicy},
	} {
		t.Run(name, func(t *testing.T) {
			p := &Policies{ResourceAccount: accountA}
			for _, text := range c.policies {
				p.Identity = append(p.Identity, must(t, Identity, text))
			}
			r := &Request{Principal: userOf(accountA, "ann"), Actions: []string{c.action}, Resource: c.resource, Context: Keys{"aws:username": {"ann"}}}
			if got := Decide(r, p); got != c.want {
				t.Errorf("%d %q, want %d", got, got.Reason(c.action), c.want)
			}
		})
	}
}

// An action under two names is allowed and denied under either.
func TestNamesOfAnAction(t *testing.T) {
	r := &Request{Principal: userOf(accountA, "ann"), Actions: []string{"lambda:InvokeFunction", "lambda:Invoke"}, Resource: function}
	allow := must(t, Identity, statementOf("Allow", `"Action":"lambda:Invoke","Resource":"*"`))
	deny := must(t, Identity, statementOf("Deny", `"Action":"lambda:Invoke","Resource":"*"`))
	if d := Decide(r, &Policies{Identity: []*Document{allow}, ResourceAccount: accountA}); d != Allowed {
		t.Error(d)
	}
	if d := Decide(r, &Policies{Identity: []*Document{allow, deny}, ResourceAccount: accountA}); d != IdentityDeny {
		t.Error(d)
	}
}

func TestResourcePolicies(t *testing.T) {
	all := must(t, Identity, statementOf("Allow", `"Action":"*","Resource":"*"`))
	grant := func(principal, more string) *Document {
		return must(t, Resource, statementOf("Allow", `"Principal":`+principal+`,"Action":"lambda:InvokeFunction","Resource":"`+function+`"`+more))
	}
	source := Keys{"aws:sourcearn": {"arn:aws:s3:::bucket"}, "aws:sourceaccount": {accountB}}
	s3 := &Principal{Service: "s3.amazonaws.com"}
	ann, bob := userOf(accountA, "ann"), userOf(accountB, "bob")
	session := sessionOf(accountA, "worker", "s1")
	for name, c := range map[string]struct {
		who      *Principal
		identity *Document
		session  *Document
		boundary *Document
		resource *Document
		want     Decision
	}{
		"same account, by identity":            {ann, all, nil, nil, nil, Allowed},
		"same account, by name":                {ann, nil, nil, nil, grant(`{"AWS":"`+ann.ARN+`"}`, ""), Allowed},
		"same account, everybody":              {ann, nil, nil, nil, grant(`"*"`, ""), Allowed},
		"same account, by account":             {ann, nil, nil, nil, grant(`{"AWS":"`+accountA+`"}`, ""), NoIdentityPolicy},
		"same account, by root":                {ann, nil, nil, nil, grant(`{"AWS":"arn:aws:iam::`+accountA+`:root"}`, ""), NoIdentityPolicy},
		"the root user":                        {rootOf(accountA), nil, nil, nil, nil, Allowed},
		"the root user, denied":                {rootOf(accountA), nil, nil, nil, must(t, Resource, statementOf("Deny", `"Principal":"*","Action":"*","Resource":"*"`)), ResourceDeny},
		"session, by role":                     {session, nil, nil, nil, grant(`{"AWS":"`+session.Role+`"}`, ""), Allowed},
		"session, by role, session policy":     {session, nil, must(t, Identity, statementOf("Allow", `"Action":"s3:*","Resource":"*"`)), nil, grant(`{"AWS":"`+session.Role+`"}`, ""), NoSessionPolicy},
		"session, by name, session policy":     {session, nil, must(t, Identity, statementOf("Allow", `"Action":"s3:*","Resource":"*"`)), nil, grant(`{"AWS":"`+session.ARN+`"}`, ""), Allowed},
		"session policy limits":                {session, all, must(t, Identity, statementOf("Allow", `"Action":"s3:*","Resource":"*"`)), nil, nil, NoSessionPolicy},
		"session policy denies":                {session, all, must(t, Identity, statementOf("Deny", `"Action":"*","Resource":"*"`)), nil, nil, SessionDeny},
		"session policy grants nothing":        {session, nil, all, nil, nil, NoIdentityPolicy},
		"boundary limits":                      {ann, all, nil, must(t, Identity, statementOf("Allow", `"Action":"s3:*","Resource":"*"`)), nil, NoBoundary},
		"boundary denies":                      {ann, all, nil, must(t, Identity, statementOf("Deny", `"Action":"*","Resource":"*"`)), nil, BoundaryDeny},
		"boundary allows":                      {ann, all, nil, all, nil, Allowed},
		"other account, identity alone":        {bob, all, nil, nil, nil, NoResourcePolicy},
		"other account, resource alone":        {bob, nil, nil, nil, grant(`{"AWS":"`+accountB+`"}`, ""), NoIdentityPolicy},
		"other account, both":                  {bob, all, nil, nil, grant(`{"AWS":"`+accountB+`"}`, ""), Allowed},
		"other account, both, by name":         {bob, all, nil, nil, grant(`{"AWS":"`+bob.ARN+`"}`, ""), Allowed},
		"other account, another name":          {bob, all, nil, nil, grant(`{"AWS":"`+bob.ARN+`by"}`, ""), NoResourcePolicy},
		"other account's root user":            {rootOf(accountB), nil, nil, nil, grant(`{"AWS":"`+accountB+`"}`, ""), Allowed},
		"other account's root user, uninvited": {rootOf(accountB), nil, nil, nil, nil, NoResourcePolicy},
		"a service":                            {s3, nil, nil, nil, grant(`{"Service":"s3.amazonaws.com"}`, ""), Allowed},
		"another service":                      {s3, nil, nil, nil, grant(`{"Service":"sns.amazonaws.com"}`, ""), NoResourcePolicy},
		"a service, uninvited":                 {s3, nil, nil, nil, nil, NoResourcePolicy},
		"a service, source":                    {s3, nil, nil, nil, grant(`{"Service":"s3.amazonaws.com"}`, `,"Condition":{"StringEquals":{"AWS:SourceAccount":"`+accountB+`"},"ArnLike":{"AWS:SourceArn":"arn:aws:s3:::bucket"}}`), Allowed},
		"a service, other source":              {s3, nil, nil, nil, grant(`{"Service":"s3.amazonaws.com"}`, `,"Condition":{"StringEquals":{"AWS:SourceAccount":"`+accountB+`"},"ArnLike":{"AWS:SourceArn":"arn:aws:s3:::bucket2"}}`), NoResourcePolicy},
		"NotPrincipal denies others":           {ann, all, nil, nil, must(t, Resource, statementOf("Deny", `"NotPrincipal":{"AWS":["`+accountB+`","`+bob.ARN+`"]},"Action":"*","Resource":"*"`)), ResourceDeny},
		"NotPrincipal spares":                  {ann, all, nil, nil, must(t, Resource, statementOf("Deny", `"NotPrincipal":{"AWS":["`+accountA+`","`+ann.ARN+`"]},"Action":"*","Resource":"*"`)), Allowed},
		"NotPrincipal without the account":     {ann, all, nil, nil, must(t, Resource, statementOf("Deny", `"NotPrincipal":{"AWS":["`+ann.ARN+`"]},"Action":"*","Resource":"*"`)), ResourceDeny},
		"NotPrincipal spares a session":        {session, all, nil, nil, must(t, Resource, statementOf("Deny", `"NotPrincipal":{"AWS":["`+accountA+`","`+session.ARN+`","`+session.Role+`"]},"Action":"*","Resource":"*"`)), Allowed},
		"NotPrincipal without the role":        {session, all, nil, nil, must(t, Resource, statementOf("Deny", `"NotPrincipal":{"AWS":["`+accountA+`","`+session.ARN+`"]},"Action":"*","Resource":"*"`)), ResourceDeny},
	} {
		t.Run(name, func(t *testing.T) {
			p := &Policies{Resource: c.resource, Boundary: c.boundary, ResourceAccount: accountA}
			if c.identity != nil {
				p.Identity = []*Document{c.identity}
			}
			if c.session != nil {
				p.Session = []*Document{c.session}
			}
			r := &Request{Principal: c.who, Actions: []string{"lambda:InvokeFunction"}, Resource: function, Context: source}
			if got := Decide(r, p); got != c.want {
				t.Errorf("%d %q, want %d", got, got.Reason("lambda:InvokeFunction"), c.want)
			}
			// A grant holds for the exact ARN only.
			if c.resource != nil && c.identity == nil && !c.who.Root {
				r.Resource += ":PROD"
				if got := Decide(r, p); got == Allowed {
					t.Error("the qualified ARN is allowed too")
				}
			}
		})
	}
}

func TestConditions(t *testing.T) {
	keys := Keys{
		"aws:username": {"ann"}, "aws:sourceip": {"203.0.113.7"}, "aws:currenttime": {"2026-11-25T12:00:00Z"}, "aws:epochtime": {"1795608000"},
		"aws:securetransport": {"false"}, "aws:sourcearn": {"arn:aws:s3:::bucket"}, "s3:max-keys": {"10"}, "aws:tagkeys": {"team", "cost"}, "k:empty": {},
		"aws:tokenissuetime": {"2026-11-25T11:59:00Z"}, "k:data": {"AQID"}, "k:six": {"2001:db8::1"},
	}
	for condition, want := range map[string]bool{
		`{"StringEquals":{"aws:UserName":"ann"}}`:                                                                   true,
		`{"StringEquals":{"aws:username":"Ann"}}`:                                                                   false,
		`{"StringEquals":{"aws:username":["bob","ann"]}}`:                                                           true,
		`{"StringEquals":{"aws:username":"a*"}}`:                                                                    false,
		`{"StringEquals":{"aws:username":"${aws:username}"}}`:                                                       true,
		`{"StringEquals":{"aws:nothing":"ann"}}`:                                                                    false,
		`{"StringEquals":{"k:empty":"ann"}}`:                                                                        false,
		`{"StringEquals":{"aws:username":[]}}`:                                                                      false,
		`{"StringNotEquals":{"aws:username":[]}}`:                                                                   true,
		`{"StringEqualsIfExists":{"aws:nothing":"ann"}}`:                                                            true,
		`{"StringEqualsIfExists":{"aws:username":"bob"}}`:                                                           false,
		`{"StringNotEquals":{"aws:username":["bob","ann"]}}`:                                                        false,
		`{"StringNotEquals":{"aws:username":["bob","eve"]}}`:                                                        true,
		`{"StringNotEquals":{"aws:nothing":"ann"}}`:                                                                 true,
		`{"StringEqualsIgnoreCase":{"aws:username":"ANN"}}`:                                                         true,
		`{"StringNotEqualsIgnoreCase":{"aws:username":"ANN"}}`:                                                      false,
		`{"StringLike":{"aws:username":"a?n"}}`:                                                                     true,
		`{"StringLike":{"aws:username":["b*","*n"]}}`:                                                               true,
		`{"StringNotLike":{"aws:username":"b*"}}`:                                                                   true,
		`{"StringLike":{"aws:username":"${*}"}}`:                                                                    false,
		`{"StringEquals":{"aws:username":"ann"},"StringLike":{"aws:username":"b*"}}`:                                false,
		`{"StringEquals":{"aws:username":"ann","aws:sourceip":"::1"}}`:                                              false,
		`{"NumericEquals":{"s3:max-keys":"10.0"}}`:                                                                  true,
		`{"NumericEquals":{"s3:max-keys":10}}`:                                                                      true,
		`{"NumericNotEquals":{"s3:max-keys":11}}`:                                                                   true,
		`{"NumericLessThan":{"s3:max-keys":10}}`:                                                                    false,
		`{"NumericLessThanEquals":{"s3:max-keys":"10"}}`:                                                            true,
		`{"NumericGreaterThan":{"s3:max-keys":"9"}}`:                                                                true,
		`{"NumericGreaterThanEquals":{"s3:max-keys":"11"}}`:                                                         false,
		`{"NumericEquals":{"aws:username":"1"}}`:                                                                    false,
		`{"DateLessThan":{"aws:CurrentTime":"2026-11-25T12:00:01Z"}}`:                                               true,
		`{"DateGreaterThan":{"aws:CurrentTime":"2026-11-25T14:00:00+02:00"}}`:                                       false,
		`{"DateGreaterThanEquals":{"aws:CurrentTime":"2026-11-25T14:00:00+02:00"}}`:                                 true,
		`{"DateEquals":{"aws:EpochTime":"2026-11-25T12:00:00Z"}}`:                                                   true,
		`{"DateNotEquals":{"aws:CurrentTime":"1795608000"}}`:                                                        false,
		`{"DateGreaterThan":{"aws:CurrentTime":"2013-08-16"}}`:                                                      true,
		`{"DateLessThanEquals":{"aws:CurrentTime":"2026-11"}}`:                                                      false,
		`{"Bool":{"aws:SecureTransport":"false"}}`:                                                                  true,
		`{"Bool":{"aws:SecureTransport":true}}`:                                                                     false,
		`{"Bool":{"aws:MultiFactorAuthPresent":"true"}}`:                                                            false,
		`{"BoolIfExists":{"aws:MultiFactorAuthPresent":"true"}}`:                                                    true,
		`{"BinaryEquals":{"k:data":"AQID"}}`:                                                                        true,
		`{"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}}`:                                                           true,
		`{"IpAddress":{"aws:SourceIp":["10.0.0.0/8","203.0.113.7"]}}`:                                               true,
		`{"IpAddress":{"aws:SourceIp":"203.0.114.0/24"}}`:                                                           false,
		`{"NotIpAddress":{"aws:SourceIp":"203.0.113.0/24"}}`:                                                        false,
		`{"IpAddress":{"k:six":"2001:db8::/32"}}`:                                                                   true,
		`{"ArnEquals":{"aws:SourceArn":"arn:aws:s3:::bucket"}}`:                                                     true,
		`{"ArnLike":{"aws:SourceArn":"arn:aws:s3:*:*:b*"}}`:                                                         true,
		`{"ArnLike":{"aws:SourceArn":"arn:*:b*"}}`:                                                                  false, // refused below
		`{"ArnLike":{"aws:SourceArn":"arn:aws:*:::bucket"}}`:                                                        true,
		`{"ArnLike":{"aws:username":"arn:*:*:*:*:*"}}`:                                                              false,
		`{"ArnNotLike":{"aws:SourceArn":"arn:aws:s3:::b*"}}`:                                                        false,
		`{"ArnNotEquals":{"aws:SourceArn":"arn:aws:s3:::other"}}`:                                                   true,
		`{"Null":{"aws:nothing":"true"}}`:                                                                           true,
		`{"Null":{"aws:username":"true"}}`:                                                                          false,
		`{"Null":{"aws:TokenIssueTime":"false"}}`:                                                                   true,
		`{"Null":{"aws:nothing":false}}`:                                                                            false,
		`{"ForAnyValue:StringEquals":{"aws:TagKeys":["team","x"]}}`:                                                 true,
		`{"ForAnyValue:StringEquals":{"aws:TagKeys":"x"}}`:                                                          false,
		`{"ForAnyValue:StringEquals":{"aws:nothing":"x"}}`:                                                          false,
		`{"ForAnyValue:StringNotEquals":{"aws:TagKeys":"team"}}`:                                                    true,
		`{"ForAnyValue:StringNotEquals":{"aws:nothing":"team"}}`:                                                    false,
		`{"ForAllValues:StringEquals":{"aws:TagKeys":["team","cost","x"]}}`:                                         true,
		`{"ForAllValues:StringEquals":{"aws:TagKeys":"team"}}`:                                                      false,
		`{"ForAllValues:StringEquals":{"aws:nothing":"team"}}`:                                                      true,
		`{"ForAllValues:StringNotLike":{"aws:TagKeys":"x*"}}`:                                                       true,
		`{"ForAllValues:StringNotLike":{"aws:TagKeys":"t*"}}`:                                                       false,
		`{"ForAllValues:StringLikeIfExists":{"aws:TagKeys":["t*","c*"]}}`:                                           true,
		`{"StringEquals":{"aws:TagKeys":"cost"}}`:                                                                   true,
		`{"StringNotEquals":{"aws:TagKeys":"cost"}}`:                                                                false,
		`{"StringEquals":{"aws:username":"${aws:nothing, 'ann'}"},"StringLike":{"aws:username":"${aws:nothing}*"}}`: false,
	} {
		text := statementOf("Allow", `"Action":"*","Resource":"*","Condition":`+condition)
		if strings.Contains(condition, "arn:*:b*") {
			if _, err := Parse([]byte(text), Identity); err == nil {
				t.Errorf("%s passes", condition)
			}
			continue
		}
		p := &Policies{Identity: []*Document{must(t, Identity, text)}, ResourceAccount: accountA}
		r := &Request{Principal: userOf(accountA, "ann"), Actions: []string{"lambda:GetFunction"}, Resource: function, Context: keys}
		if got := Decide(r, p) == Allowed; got != want {
			t.Errorf("%s: %v", condition, got)
		}
	}
}

func TestWhatIsNoPolicy(t *testing.T) {
	for text, want := range map[string]string{
		``:                 "syntax errors",
		`[]`:               "must be a JSON object",
		`{}`:               "missing required field Statement",
		`{"Statement":[]}`: "cannot be empty",
		`{"Version":"2016-01-01","Statement":[]}`:                                                                                         "valid version string",
		`{"Statement":{},"Effects":1}`:                                                                                                    "unknown element",
		`{"Statement":{"Effect":"Allow"}} x`:                                                                                              "syntax errors",
		statementOf("Maybe", `"Action":"*","Resource":"*"`):                                                                               "invalid effect",
		statementOf("Allow", `"Effect":"Deny","Action":"*","Resource":"*"`):                                                               "stands twice",
		statementOf("Allow", `"Resource":"*"`):                                                                                            "missing required field Action",
		statementOf("Allow", `"Action":"*"`):                                                                                              "must contain resources",
		statementOf("Allow", `"Action":"*","NotAction":"s3:*","Resource":"*"`):                                                            "both Action and NotAction",
		statementOf("Allow", `"Action":"*","Resource":"*","NotResource":"*"`):                                                             "both Resource and NotResource",
		statementOf("Allow", `"Action":"Invoke","Resource":"*"`):                                                                          "prefaced by a vendor",
		statementOf("Allow", `"Action":":Invoke","Resource":"*"`):                                                                         "is not valid",
		statementOf("Allow", `"Action":[],"Resource":"*"`):                                                                                "Action must be",
		statementOf("Allow", `"Action":[1],"Resource":"*"`):                                                                               "Action must be",
		statementOf("Allow", `"Action":"*","Resource":"function"`):                                                                        "must be in ARN format",
		statementOf("Allow", `"Action":"*","Resource":"*","Principal":"*"`):                                                               "should not specify a principal",
		statementOf("Allow", `"Action":"*","Resource":"*","Condition":{"StringIs":{"a:b":"c"}}`):                                          "invalid condition type",
		statementOf("Allow", `"Action":"*","Resource":"*","Condition":{"NullIfExists":{"a:b":"true"}}`):                                   "invalid condition type",
		statementOf("Allow", `"Action":"*","Resource":"*","Condition":{"StringEquals":{"b":"c"}}`):                                        "prefaced by a vendor",
		statementOf("Allow", `"Action":"*","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"1.2.3"}}`):                            "invalid value",
		statementOf("Allow", `"Action":"*","Resource":"*","Condition":{"DateEquals":{"aws:CurrentTime":"soon"}}`):                         "invalid value",
		statementOf("Allow", `"Action":"*","Resource":"*","Condition":{"Bool":{"aws:x":"yes"}}`):                                          "invalid value",
		statementOf("Allow", `"Action":"*","Resource":"*","Sid":"a b"`):                                                                   "alpha-numeric",
		statementOf("Allow", `"Action":"*","Resource":"*","Condition":`+strings.Repeat("[", 50)+strings.Repeat("]", 50)):                  "nested too deeply",
		`{"Statement":[{"Sid":"a","Effect":"Deny","Action":"*","Resource":"*"},{"Sid":"a","Effect":"Deny","Action":"*","Resource":"*"}]}`: "must be unique",
	} {
		if _, err := Parse([]byte(text), Identity); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	for text, want := range map[string]string{
		statementOf("Allow", `"Action":"sts:AssumeRole"`):                                                        "missing required field Principal",
		statementOf("Allow", `"Action":"sts:AssumeRole","Principal":"*","Resource":"*"`):                         "prohibited field Resource",
		statementOf("Allow", `"Action":"sts:AssumeRole","Principal":"me"`):                                       "invalid principal",
		statementOf("Allow", `"Action":"sts:AssumeRole","Principal":{}`):                                         "invalid principal",
		statementOf("Allow", `"Action":"sts:AssumeRole","Principal":{"AWS":"arn:aws:iam::1:user/x"}`):            "invalid principal",
		statementOf("Allow", `"Action":"sts:AssumeRole","Principal":{"Service":"*"}`):                            "invalid principal",
		statementOf("Allow", `"Action":"sts:AssumeRole","Principal":{"Friend":"x"}`):                             "invalid principal",
		statementOf("Allow", `"Action":"sts:AssumeRole","Principal":{"AWS":"arn:aws:iam::`+accountA+`:user/*"}`): "invalid principal",
	} {
		if _, err := Parse([]byte(text), Trust); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

// The guide's policies (rows AUTH-20, AUTH-32…50, POL-*) are policies.
func TestTheGuidesPolicies(t *testing.T) {
	files, err := filepath.Glob("testdata/guide/*.json")
	if err != nil || len(files) < 30 {
		t.Fatal(len(files), err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		kind := Identity
		if strings.HasPrefix(filepath.Base(file), "resource-") {
			kind = Resource
		}
		if _, err := Parse(text, kind); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
	view, err := os.ReadFile("testdata/guide/view-function-details.json")
	if err != nil {
		t.Fatal(err)
	}
	p := &Policies{Identity: []*Document{must(t, Identity, string(view))}, ResourceAccount: accountA}
	for action, want := range map[string]Decision{"lambda:GetFunction": Allowed, "lambda:GetPolicy": Allowed, "lambda:InvokeFunction": NoIdentityPolicy} {
		if got := Decide(&Request{Principal: userOf(accountA, "ann"), Actions: []string{action}, Resource: function}, p); got != want {
			t.Errorf("%s: %d", action, got)
		}
	}
}

func TestTrust(t *testing.T) {
	d := must(t, Trust, fmt.Sprintf(`{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Principal":{"Service":["lambda.amazonaws.com","events.amazonaws.com"]},"Action":"sts:AssumeRole"},
		{"Effect":"Allow","Principal":{"AWS":"%s"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"x"}}},
		{"Effect":"Deny","Principal":{"AWS":"arn:aws:iam::%s:user/eve"},"Action":"sts:*"}]}`, accountB, accountB))
	for name, c := range map[string]struct {
		who                        *Principal
		id                         string
		allowed, delegated, denied bool
	}{
		"lambda":            {&Principal{Service: "lambda.amazonaws.com"}, "", true, false, false},
		"ec2":               {&Principal{Service: "ec2.amazonaws.com"}, "", false, false, false},
		"account":           {userOf(accountB, "bob"), "x", true, true, false},
		"account, wrong id": {userOf(accountB, "bob"), "y", false, false, false},
		"denied":            {userOf(accountB, "eve"), "x", false, false, true},
		"stranger":          {userOf(accountA, "ann"), "x", false, false, false},
	} {
		r := &Request{Principal: c.who, Actions: []string{"sts:AssumeRole"}, Context: Keys{"sts:externalid": {c.id}}}
		allowed, delegated, denied := d.Trusts(r)
		if allowed != c.allowed || denied != c.denied || allowed && delegated != c.delegated {
			t.Errorf("%s: %v %v %v", name, allowed, delegated, denied)
		}
	}
}

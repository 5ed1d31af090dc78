package api

import (
	"fmt"
	"strings"
	"testing"
)

func TestPermissions(t *testing.T) {
	x := newFixture(t)
	x.create("f", fields{"Publish": true})
	x.do("POST", functionsPath+"/f/aliases", fields{"Name": "BETA", "FunctionVersion": "1"})
	const path = functionsPath + "/f/policy"
	base := func(more fields) fields {
		in := fields{"StatementId": "s", "Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com"}
		for k, v := range more {
			in[k] = v
		}
		return in
	}
	for name, c := range map[string]struct {
		query string
		in    fields
		want  string
	}{
		"s3": {"", base(fields{"StatementId": "s3", "SourceArn": "arn:aws:s3:::bucket", "SourceAccount": "111122223333"}),
			`{"Sid":"s3","Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},"Action":"lambda:InvokeFunction","Resource":"` + functionARN + `f","Condition":{"ArnLike":{"AWS:SourceArn":"arn:aws:s3:::bucket"},"StringEquals":{"AWS:SourceAccount":"111122223333"}}}`},
		"account": {"", base(fields{"StatementId": "account", "Principal": "111122223333"}),
			`{"Sid":"account","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"lambda:InvokeFunction","Resource":"` + functionARN + `f"}`},
		"role": {"", base(fields{"StatementId": "role", "Principal": "arn:aws:iam::111122223333:role/r", "PrincipalOrgID": "o-abcdefghij"}),
			`{"Sid":"role","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:role/r"},"Action":"lambda:InvokeFunction","Resource":"` + functionARN + `f","Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-abcdefghij"}}}`},
		"everybody": {"", base(fields{"StatementId": "url", "Principal": "*", "Action": "lambda:InvokeFunctionUrl", "FunctionUrlAuthType": "NONE"}),
			`{"Sid":"url","Effect":"Allow","Principal":"*","Action":"lambda:InvokeFunctionUrl","Resource":"` + functionARN + `f","Condition":{"StringEquals":{"lambda:FunctionUrlAuthType":"NONE"}}}`},
		"Alexa": {"", base(fields{"StatementId": "alexa", "Principal": "alexa-appkit.amazon.com", "EventSourceToken": "amzn1.ask.skill"}),
			`{"Sid":"alexa","Effect":"Allow","Principal":{"Service":"alexa-appkit.amazon.com"},"Action":"lambda:InvokeFunction","Resource":"` + functionARN + `f","Condition":{"StringEquals":{"lambda:EventSourceToken":"amzn1.ask.skill"}}}`},
		"alias": {"?Qualifier=BETA", base(fields{"Action": "*"}),
			`{"Sid":"s","Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},"Action":"*","Resource":"` + functionARN + `f:BETA"}`},
		"version": {"?Qualifier=1", base(fields{"Action": "lambda:*"}),
			`{"Sid":"s","Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},"Action":"lambda:*","Resource":"` + functionARN + `f:1"}`},
	} {
		a := x.do("POST", path+c.query, c.in)
		if got := decodeInto[struct{ Statement string }](t, a.body).Statement; a.status != 201 || got != c.want {
			t.Errorf("%s: %d\n%s\n%s", name, a.status, got, c.want)
		}
	}
	for _, c := range []struct {
		in          fields
		name, wants string
	}{
		{fields{}, "InvalidParameterValueException", "3 validation errors detected"},
		{base(fields{"StatementId": "s3"}), "ResourceConflictException", "The statement id (s3) provided already exists"},
		{base(fields{"Principal": "somebody"}), "InvalidParameterValueException", "principal was invalid"},
		{base(fields{"Action": "s3:GetObject"}), "InvalidParameterValueException", "at 'action'"},
		{base(fields{"StatementId": "a.b", "SourceArn": "bucket", "SourceAccount": "1", "EventSourceToken": "a b", "PrincipalOrgID": "x"}), "InvalidParameterValueException", "5 validation errors detected"},
		{base(fields{"FunctionUrlAuthType": "NONE"}), "InvalidParameterValueException", "only supported for lambda:InvokeFunctionUrl"},
	} {
		x.wantError(x.do("POST", path, c.in), c.name, c.wants)
	}

	type policyShape struct{ Policy, RevisionId string }
	get := func(query string) (p policyShape, sids string) {
		t.Helper()
		p = decodeInto[policyShape](t, x.do("GET", path+query, nil).body)
		doc := decodeInto[struct {
			Version, Id string
			Statement   []struct{ Sid, Resource string }
		}](t, p.Policy)
		for _, s := range doc.Statement {
			sids += s.Sid + " "
		}
		if doc.Version != "2012-10-17" || doc.Id != "default" || p.RevisionId == "" {
			t.Errorf("%+v", p)
		}
		return p, sids
	}
	// Each ARN form has statements of its own.
	if _, sids := get(""); len(strings.Fields(sids)) != 5 {
		t.Errorf("statements %s", sids)
	}
	beta, sids := get("?Qualifier=BETA")
	if sids != "s " {
		t.Errorf("statements %s", sids)
	}
	x.wantError(x.do("GET", path+"?Qualifier=%24LATEST", nil), "ResourceNotFoundException", "does not exist")
	x.wantError(x.do("POST", path+"?Qualifier=BETA", base(fields{"StatementId": "t", "RevisionId": "old"})), "PreconditionFailedException", "RevisionId")
	if a := x.do("POST", path+"?Qualifier=BETA", base(fields{"StatementId": "t", "RevisionId": beta.RevisionId})); a.status != 201 {
		t.Errorf("%d %s", a.status, a.body)
	}
	x.wantError(x.do("DELETE", path+"/s?Qualifier=BETA&RevisionId="+beta.RevisionId, nil), "PreconditionFailedException", "RevisionId")
	x.wantError(x.do("DELETE", path+"/none", nil), "ResourceNotFoundException", "Statement none is not found in resource policy.")
	for _, sid := range []string{"s", "t"} {
		if a := x.do("DELETE", path+"/"+sid+"?Qualifier=BETA", nil); a.status != 204 || a.body != "" {
			t.Errorf("%d %s", a.status, a.body)
		}
	}
	x.wantError(x.do("GET", path+"?Qualifier=BETA", nil), "ResourceNotFoundException", "does not exist")

	// 20 KB, and what would be more leaves the policy as it was.
	n := 0
	for ; n < 200; n++ {
		a := x.do("POST", path+"?Qualifier=1", base(fields{"StatementId": fmt.Sprintf("%0100d", n)}))
		if a.status != 201 {
			x.wantError(a, "PolicyLengthExceededException", "20480")
			break
		}
	}
	p, sids := get("?Qualifier=1")
	if got := len(strings.Fields(sids)); n < 50 || got != n+1 || len(p.Policy) > 20480 || len(p.Policy) < 20000 {
		t.Errorf("%d statements, %d listed, %d bytes", n, got, len(p.Policy))
	}
	// The policy goes with the function.
	x.do("DELETE", functionsPath+"/f", nil)
	x.create("f", nil)
	x.wantError(x.do("GET", path, nil), "ResourceNotFoundException", "does not exist")
}

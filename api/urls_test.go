package api

import (
	"strings"
	"testing"
)

func TestFunctionURLs(t *testing.T) {
	x := newFixture(t)
	x.create("f", fields{"Publish": true})
	x.do("POST", functionsPath+"/f/aliases", fields{"Name": "live", "FunctionVersion": "1"})
	const path = "/2021-10-31/functions/f/url"
	x.wantError(x.do("GET", path, nil), "ResourceNotFoundException", "does not exist")
	x.wantError(x.do("POST", path, fields{}), "InvalidParameterValueException", "authType")
	x.wantError(x.do("POST", path+"?Qualifier=1", fields{"AuthType": "NONE"}), "InvalidParameterValueException", "qualifier")
	a := x.do("POST", path, fields{"AuthType": "NONE", "Cors": fields{"AllowOrigins": []string{"*"}, "MaxAge": 60}})
	one := decodeInto[urlShape](t, a.body)
	if a.status != 201 || one.FunctionArn != functionARN+"f" || one.InvokeMode != "BUFFERED" || string(one.Cors) != `{"AllowOrigins":["*"],"MaxAge":60}` || !strings.HasSuffix(one.FunctionUrl, ".lambda-url.us-east-1.on.aws/") {
		t.Errorf("%d %s", a.status, a.body)
	}
	x.wantError(x.do("POST", path, fields{"AuthType": "NONE"}), "ResourceConflictException", "exists")
	x.do("POST", path+"?Qualifier=live", fields{"AuthType": "AWS_IAM"})
	if got := decodeInto[urlShape](t, x.do("PUT", path, fields{"AuthType": "AWS_IAM"}).body); got.AuthType != "AWS_IAM" || got.FunctionUrl != one.FunctionUrl || string(got.Cors) != string(one.Cors) {
		t.Errorf("%+v", got)
	}
	if a := x.do("GET", path+"s", nil); strings.Count(a.body, "FunctionUrl\"") != 2 {
		t.Errorf("%s", a.body)
	}
	if a := x.do("DELETE", path, nil); a.status != 204 {
		t.Errorf("%d", a.status)
	}
	x.wantError(x.do("PUT", path, fields{"AuthType": "NONE"}), "ResourceNotFoundException", "does not exist")

	const runtime = "/2021-07-20/functions/f/runtime-management-config"
	if a := x.do("GET", runtime, nil); a.body != `{"UpdateRuntimeOn":"Auto","RuntimeVersionArn":null,"FunctionArn":"`+functionARN+`f:$LATEST"}` {
		t.Errorf("%s", a.body)
	}
	x.wantError(x.do("PUT", runtime, fields{"UpdateRuntimeOn": "Manual"}), "InvalidParameterValueException", "RuntimeVersionArn is required")
	x.wantError(x.do("PUT", runtime, fields{"UpdateRuntimeOn": "Manual", "RuntimeVersionArn": "arn:aws:lambda:us-east-1::runtime:other"}), "InvalidParameterValueException", "not available")
	if a := x.do("PUT", runtime, fields{"UpdateRuntimeOn": "FunctionUpdate"}); a.status != 200 || !strings.Contains(x.do("GET", runtime, nil).body, "FunctionUpdate") {
		t.Errorf("%d %s", a.status, a.body)
	}
	const recursion = "/2024-08-31/functions/f/recursion-config"
	if a := x.do("PUT", recursion, fields{"RecursiveLoop": "Allow"}); a.status != 200 || x.do("GET", recursion, nil).body != `{"RecursiveLoop":"Allow"}` {
		t.Errorf("%d %s", a.status, a.body)
	}
}

package engine

import (
	"slices"
	"testing"

	"github.com/thawrun/thaw/abi"
)

// What Lambda tells a function about itself.
func TestEnvironment(t *testing.T) {
	for name, c := range map[string]struct {
		f               Function
		variable, value string
	}{
		"log group":              {Function{Name: "f"}, "AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/f"},
		"a log group of its own": {Function{Name: "f", LogGroup: "/shared"}, "AWS_LAMBDA_LOG_GROUP_NAME", "/shared"},
		"on demand":              {Function{Name: "f"}, "AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"},
		"kept ready":             {Function{Name: "f", Prewarm: 1, SnapStart: true}, "AWS_LAMBDA_INITIALIZATION_TYPE", "provisioned-concurrency"},
		"from a snapshot":        {Function{Name: "f", SnapStart: true}, "AWS_LAMBDA_INITIALIZATION_TYPE", "snap-start"},
		"reserved":               {Function{Name: "f", Env: map[string]string{"AWS_LAMBDA_FUNCTION_NAME": "x"}}, "AWS_LAMBDA_FUNCTION_NAME", "f"},
		"preset":                 {Function{Name: "f", Env: map[string]string{"TZ": "CET"}}, "TZ", "CET"},
		"its own":                {Function{Name: "f", Env: map[string]string{"STAGE": "test"}}, "STAGE", "test"},
	} {
		env := environment(&c.f, &abi.Guest{}, "us-east-1", "stream")
		i := slices.Index(env, c.variable)
		if i < 0 || i%2 != 0 || env[i+1] != c.value {
			t.Errorf("%s: %q", name, env)
		}
	}
}

package api

import (
	"regexp"
	"strings"
	"testing"
)

func TestFunctionNames(t *testing.T) {
	long := strings.Repeat("n", 64)
	for s, want := range map[string]functionRef{
		"f":                     {name: "f"},
		"f:$LATEST":             {name: "f", qualifier: "$LATEST"},
		"f:7":                   {name: "f", qualifier: "7"},
		"function:f":            {name: "f"},
		"function:$LATEST":      {name: "function", qualifier: "$LATEST"},
		"function":              {name: "function"},
		"123456789012:f":        {account: "123456789012", name: "f"},
		"123456789012":          {name: "123456789012"},
		"123456789012:$LATEST":  {name: "123456789012", qualifier: "$LATEST"},
		"1:2":                   {name: "1", qualifier: "2"},
		"arn":                   {name: "arn"},
		"arn:aws":               {name: "arn", qualifier: "aws"},
		"arn:aws:lambda:f":      {partition: "aws", name: "f"},
		"us-gov-west-1:f:prod":  {region: "us-gov-west-1", name: "f", qualifier: "prod"},
		long:                    {name: long},
		"function:" + long:      {name: long},
		"123456789012:f:F-_9":   {account: "123456789012", name: "f", qualifier: "F-_9"},
		"us-iso-east-1:f":       {region: "us-iso-east-1", name: "f"},
		"123456789012:function": {account: "123456789012", name: "function"},
		"arn:aws:lambda:eu-west-1:123456789012:function:f":             {partition: "aws", region: "eu-west-1", account: "123456789012", name: "f"},
		"arn:aws-cn:lambda:cn-north-1:123456789012:function:f:$LATEST": {partition: "aws-cn", region: "cn-north-1", account: "123456789012", name: "f", qualifier: "$LATEST"},
	} {
		var v violations
		if got := parseFunctionRef(s, &v); got != want || v.err() != nil {
			t.Errorf("%s: %+v, %v; want %+v", s, got, v.err(), want)
		}
	}
	for s, want := range map[string]string{
		"":                                       "length greater than or equal to 1",
		"a b":                                    "regular expression",
		"f:":                                     "regular expression",
		":f":                                     "regular expression",
		"f:1:2":                                  "regular expression",
		"f/../g":                                 "regular expression",
		"f%41":                                   "regular expression",
		"ü":                                      "regular expression",
		"arn:aws:s3:::bucket":                    "regular expression",
		"arn:aws:lambda:us-east-1:1:f":           "", // a function "1" with the qualifier "f"
		long + "n":                               "length less than or equal to 64",
		"function:" + long + "n":                 "length less than or equal to 64",
		"function:f:" + strings.Repeat("q", 140): "length less than or equal to 140",
	} {
		var v violations
		parseFunctionRef(s, &v)
		if err := v.err(); want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Message, want) || !strings.Contains(err.Message, "'functionName'")) {
			t.Errorf("%q: %v, want %q", s, err, want)
		}
	}
}

// The parser accepts what the pattern in its error message accepts, and takes it apart as the pattern's groups do.
func FuzzFunctionRef(f *testing.F) {
	pattern := regexp.MustCompile(`^(?:` + functionNamePattern + `)$`)
	trim := func(s string) string { return strings.TrimSuffix(s, ":") }
	for _, s := range []string{"f", "function:$LATEST", "arn:aws:lambda:us-gov-west-1:123456789012:function:f:1", "us-iso-east-1:123456789012:f", "arn::lambda:x", "123456789012:123456789012:f", "us-isob-east-1:f"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, ok := splitFunctionRef(s)
		m := pattern.FindStringSubmatch(s)
		if ok != (m != nil) {
			t.Fatalf("%q: parsed %v, matches %v", s, ok, m != nil)
		}
		if !ok {
			return
		}
		want := functionRef{region: trim(m[3]), account: trim(m[8]), name: m[10], qualifier: strings.TrimPrefix(m[11], ":"), partition: m[2]}
		if got != want {
			t.Errorf("%q: %+v, the pattern says %+v", s, got, want)
		}
	})
}

// The hand-written matchers agree with the patterns that they stand for.
func FuzzPatterns(f *testing.F) {
	type matcher struct {
		name    string
		pattern *regexp.Regexp
		match   func(string) bool
	}
	full := func(p string) *regexp.Regexp { return regexp.MustCompile(`^(?:` + p + `)$`) }
	all := []matcher{
		{"role", full(rolePattern), roleARN}, {"arn", full(arnPattern), anyARN}, {"log group", full(logGroupPattern), logGroup},
		{"qualifier", full(`[a-zA-Z0-9$_-]+`), qualifier}, {"variable", full(`[a-zA-Z]([a-zA-Z0-9_])+`), environmentName},
		{"region", full(`[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}`), region},
		{"event source", full(sourcePattern), sourceARN}, {"organization", full(`o-[a-z0-9]{10,32}`), organization}, {"action", full(actionPattern), action},
		{"layer", full(layerPattern), func(s string) bool { _, ok := splitLayer(s, false); return ok }},
		// Go knows no look-around: what it asks for stands beside.
		{"bucket", full(`[0-9A-Za-z\.\-_]*`), func(s string) bool {
			return bucketName(s) || strings.HasSuffix(s, ".") && bucketName(strings.TrimRight(s, "."))
		}},
		{"alias", full(`[a-zA-Z0-9-_]+`), func(s string) bool { return aliasName(s) || digits(s) }},
	}
	for _, s := range []string{"arn:aws:iam::123456789012:role/a/b", "arn:aws:iam::123456789012:rolex", "arn::iam::123456789012:role/", "arn:aws:iam::123456789012:role", "arn:aws:sqs:us-east-1:1:q", "/aws/lambda/f#1", "$LATEST", "A_1", "us-iso-east-1", "us-isob-east-1", "us-gov-west-1",
		"arn:aws:kinesis:us-east-1:123456789012:stream/s", "arn:aws-x9:s3:::b", "arn:aws:sqs:us-gov-east-1::q", "o-abcdefghij", "lambda:*", "lambda:Invoke", "arn:aws:lambda:us-east-1:123456789012:layer:l", "bucket.x", "0", "PROD"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, m := range all {
			if got, want := m.match(s), m.pattern.MatchString(s); got != want {
				t.Errorf("%s: %q matches %v, the pattern says %v", m.name, s, got, want)
			}
		}
	})
}

package sigv4

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/valyala/fasthttp"
	"pgregory.net/rapid"
)

const (
	keyID  = "AKIDEXAMPLE"
	secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
)

func clock() time.Time { return time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC) }

// verifier knows one permanent key and one temporary.
func verifier() *Verifier {
	permanent, temporary := &Key{Secret: secret, Owner: "ann"}, &Key{Secret: secret + "2", Owner: "session"}
	return &Verifier{Now: clock, Lookup: func(id, token string) (*Key, *Error) {
		switch {
		case id == keyID && token == "":
			return permanent, nil
		case id == "ASIA1" && token == "tok/en+=":
			return temporary, nil
		case id == "ASIA1" && token == "old":
			return nil, ErrorExpired()
		}
		return nil, ErrorUnknown()
	}}
}

func newRequest(t testing.TB, method, target, body string, headers ...string) *http.Request {
	t.Helper()
	r, err := http.NewRequest(method, "http://lambda.example:9001"+target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return r
}

func hash(body string) string {
	h := sha256.Sum256([]byte(body))
	return hex.EncodeToString(h[:])
}

// sign has the SDK sign a request.
func sign(t testing.TB, r *http.Request, body string, at time.Time) *http.Request {
	t.Helper()
	if err := v4.NewSigner().SignHTTP(context.Background(), aws.Credentials{AccessKeyID: keyID, SecretAccessKey: secret}, r, hash(body), "lambda", "us-east-1", at); err != nil {
		t.Fatal(err)
	}
	return r
}

// presign has the SDK make a link.
func presign(t testing.TB, r *http.Request, body string, at time.Time, c aws.Credentials) *http.Request {
	t.Helper()
	link, headers, err := v4.NewSigner().PresignHTTP(context.Background(), c, r, hash(body), "lambda", "us-east-1", at)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(link)
	if err != nil {
		t.Fatal(err)
	}
	p := newRequest(t, r.Method, u.RequestURI(), body)
	for k, v := range headers {
		if k != "Host" && k != "Content-Length" {
			p.Header[k] = v
		}
	}
	return p
}

// wire sends a request the way of all requests: as bytes, read by fasthttp.
func wire(t testing.TB, r *http.Request) *fasthttp.Request { t.Helper(); return raw(t, written(t, r)) }

func written(t testing.TB, r *http.Request) string {
	t.Helper()
	var b bytes.Buffer
	if err := r.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func raw(t testing.TB, text string) *fasthttp.Request {
	t.Helper()
	req := new(fasthttp.Request)
	if err := req.Read(bufio.NewReader(strings.NewReader(text))); err != nil && err != io.EOF {
		t.Fatalf("%q: %v", text, err)
	}
	return req
}

func check(t testing.TB, req *fasthttp.Request) *Error {
	t.Helper()
	s, err := verifier().Verify(req, false, "lambda", "us-east-1")
	if err == nil && (s == nil || s.Key == nil || s.Key.Owner == nil) {
		t.Fatal("nobody signed it")
	}
	return err
}

const functions = "/2015-03-31/functions"

func TestWhatTheSDKSigns(t *testing.T) {
	for name, c := range map[string]struct {
		method, target, body string
		headers              []string
	}{
		"list":                {"GET", functions + "/", "", nil},
		"no path":             {"GET", "", "", nil},
		"query":               {"GET", functions + "?MaxItems=10&Marker=a-b", "", nil},
		"odd query":           {"GET", functions + "?b=2&a=2&a=1&c&d=&=e&%20=%2F&x=a+b&y=%7e", "", nil},
		"encoded name":        {"GET", functions + "/arn%3Aaws%3Alambda%3Aus-east-1%3A123456789012%3Afunction%3Af", "", nil},
		"raw colons":          {"GET", functions + "/arn:aws:lambda:us-east-1:123456789012:function:f", "", nil},
		"characters":          {"GET", functions + "/a%20b%2Fc!$&'()*+,;=@~%C3%A9", "", nil},
		"dots":                {"GET", functions + "/../x/./y//z", "", nil},
		"body":                {"POST", functions + "/f/invocations", `{"a": "é"}`, []string{"Content-Type", "application/json"}},
		"headers":             {"POST", functions + "/f/invocations", `{}`, []string{"X-Amz-Invocation-Type", "Event", "X-Amz-Client-Context", "e30=", "User-Agent", "a b", "Accept", "*/*"}},
		"blanks in headers":   {"POST", functions + "/f/invocations", `{}`, []string{"X-Amz-Log-Type", "  a   b  ", "X-Other", "a,  b"}},
		"several of a header": {"POST", functions + "/f/invocations", `{}`, []string{"X-Amz-Meta", "b", "X-Amz-Meta", "a"}},
		"declared hash":       {"POST", functions + "/f/invocations", `{}`, []string{"X-Amz-Content-Sha256", hash(`{}`)}},
		"trace":               {"POST", functions + "/f/invocations", `{}`, []string{"X-Amzn-Trace-Id", "Root=1"}},
	} {
		t.Run(name, func(t *testing.T) {
			if err := check(t, wire(t, sign(t, newRequest(t, c.method, c.target, c.body, c.headers...), c.body, clock()))); err != nil {
				t.Errorf("header: %v", err)
			}
			target := c.target
			if strings.Contains(target, "?") {
				target += "&"
			} else {
				target += "?"
			}
			link := presign(t, newRequest(t, c.method, target+"X-Amz-Expires=60", c.body, c.headers...), c.body, clock(), aws.Credentials{AccessKeyID: keyID, SecretAccessKey: secret})
			if err := check(t, wire(t, link)); err != nil {
				t.Errorf("link: %v", err)
			}
		})
	}
}

func TestTemporaryCredentials(t *testing.T) {
	for token, want := range map[string]string{"tok/en+=": "", "old": "The security token included in the request is expired", "other": "The security token included in the request is invalid.", "": "The security token included in the request is invalid."} {
		c := aws.Credentials{AccessKeyID: "ASIA1", SecretAccessKey: secret + "2", SessionToken: token}
		r := newRequest(t, "GET", functions, "")
		if err := v4.NewSigner().SignHTTP(context.Background(), c, r, hash(""), "lambda", "us-east-1", clock()); err != nil {
			t.Fatal(err)
		}
		for kind, r := range map[string]*http.Request{"header": r, "link": presign(t, newRequest(t, "GET", functions+"?X-Amz-Expires=60", ""), "", clock(), c)} {
			err := check(t, wire(t, r))
			if want == "" && err != nil || want != "" && (err == nil || err.Message != want) {
				t.Errorf("%s, %s: %v", kind, token, err)
			}
		}
	}
}

func TestRefusals(t *testing.T) {
	get := func() *http.Request { return newRequest(t, "GET", functions, "") }
	good := sign(t, get(), "", clock()).Header.Get("Authorization")
	with := func(authorization string, more ...string) *http.Request {
		r := newRequest(t, "GET", functions, "", append([]string{"X-Amz-Date", clock().Format(dateForm), "Authorization", authorization}, more...)...)
		return r
	}
	link := func(more string) *http.Request {
		return presign(t, newRequest(t, "GET", functions+"?"+more, ""), "", clock(), aws.Credentials{AccessKeyID: keyID, SecretAccessKey: secret})
	}
	at := func(d time.Duration) *http.Request { return sign(t, get(), "", clock().Add(d)) }
	late := func(d time.Duration) *http.Request {
		return presign(t, newRequest(t, "GET", functions+"?X-Amz-Expires=60", ""), "", clock().Add(d), aws.Credentials{AccessKeyID: keyID, SecretAccessKey: secret})
	}
	elsewhere := get()
	if err := v4.NewSigner().SignHTTP(context.Background(), aws.Credentials{AccessKeyID: keyID, SecretAccessKey: secret}, elsewhere, hash(""), "s3", "us-east-1", clock()); err != nil {
		t.Fatal(err)
	}
	region := get()
	if err := v4.NewSigner().SignHTTP(context.Background(), aws.Credentials{AccessKeyID: keyID, SecretAccessKey: secret}, region, hash(""), "lambda", "eu-west-1", clock()); err != nil {
		t.Fatal(err)
	}
	wrong := get()
	if err := v4.NewSigner().SignHTTP(context.Background(), aws.Credentials{AccessKeyID: keyID, SecretAccessKey: "wrong"}, wrong, hash(""), "lambda", "us-east-1", clock()); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		r    *http.Request
		code Code
		want string
	}{
		"nothing":          {get(), MissingToken, "Missing Authentication Token"},
		"empty":            {with(""), MissingToken, "Missing Authentication Token"},
		"another scheme":   {with("Bearer x"), Incomplete, "Unsupported AWS 'algorithm': 'Bearer'"},
		"no pairs":         {with("AWS4-HMAC-SHA256 x"), Incomplete, "'x' not a valid key=value pair (missing equal-sign) in Authorization header: 'AWS4-HMAC-SHA256 x'."},
		"no parts":         {with("AWS4-HMAC-SHA256"), Incomplete, "Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. Authorization header requires 'SignedHeaders' parameter. Authorization=AWS4-HMAC-SHA256"},
		"no date":          {newRequest(t, "GET", functions, "", "Authorization", good), Incomplete, "requires existence of either a 'X-Amz-Date' or a 'Date' header"},
		"twice":            {with(good, "Authorization", good), Incomplete, "Only one auth mechanism allowed"},
		"header and link":  {func() *http.Request { r := link("X-Amz-Expires=60"); r.Header.Set("Authorization", good); return r }(), Incomplete, "Only one auth mechanism allowed"},
		"two signatures":   {with(good + ", Signature=00"), Incomplete, "more than one 'Signature'"},
		"two dates":        {with(good, "X-Amz-Date", clock().Format(dateForm)), Incomplete, "twice"},
		"date":             {newRequest(t, "GET", functions, "", "Authorization", good, "X-Amz-Date", "today"), Incomplete, "Date must be in ISO-8601"},
		"short credential": {with(strings.Replace(good, "/lambda/", "/", 1)), Incomplete, "Credential must have exactly 5"},
		"terminator":       {with(strings.Replace(good, "aws4_request", "aws5_request", 1)), Invalid, "valid terminator: 'aws4_request'"},
		"service":          {elsewhere, Invalid, "scoped to correct service: 'lambda'"},
		"region":           {region, Invalid, "scoped to a valid region, not 'eu-west-1'"},
		"day":              {with(strings.Replace(good, "/20261125/", "/20261124/", 1)), Invalid, "'20261124' != '20261125', from '20261125T120000Z'"},
		"unknown key":      {with(strings.Replace(good, keyID, "AKIDOTHER", 1)), UnknownToken, "The security token included in the request is invalid."},
		"wrong secret":     {wrong, Invalid, "The request signature we calculated does not match"},
		"no hexadecimal":   {with(good[:len(good)-1] + "x"), Invalid, "does not match"},
		"short signature":  {with(good[:len(good)-2]), Invalid, "does not match"},
		"clock slow":       {at(-15*time.Minute - time.Second), Invalid, "Signature expired: 20261125T114459Z is now earlier than 20261125T114500Z (20261125T120000Z - 15 min.)"},
		"clock fast":       {at(15*time.Minute + time.Second), Invalid, "Signature not yet current: 20261125T121501Z is still later than 20261125T121500Z (20261125T120000Z + 15 min.)"},
		"host not signed":  {with(strings.Replace(good, "SignedHeaders=host;", "SignedHeaders=", 1)), Invalid, "'Host' must be a 'SignedHeader'"},
		"order of headers": {with(strings.Replace(good, "host;x-amz-date", "x-amz-date;host", 1)), Incomplete, "in order"},
		"header twice":     {with(strings.Replace(good, "host;x-amz-date", "host;host;x-amz-date", 1)), Incomplete, "each once"},
		"upper case":       {with(strings.Replace(good, "host;x-amz-date", "Host;x-amz-date", 1)), Incomplete, "lower-case"},
		"added header":     {func() *http.Request { r := at(0); r.Header.Set("X-Amz-Invocation-Type", "Event"); return r }(), Invalid, "'x-amz-invocation-type' must be a 'SignedHeader'"},
		"added token":      {func() *http.Request { r := at(0); r.Header.Set("X-Amz-Security-Token", "t"); return r }(), UnknownToken, "invalid"},
		"another path":     {func() *http.Request { r := at(0); r.URL.Path += "/f"; return r }(), Invalid, "does not match"},
		"another query":    {func() *http.Request { r := at(0); r.URL.RawQuery = "MaxItems=1"; return r }(), Invalid, "does not match"},
		"another method":   {func() *http.Request { r := at(0); r.Method = "DELETE"; return r }(), Invalid, "does not match"},
		"another body": {func() *http.Request {
			r := at(0)
			r.Body = io.NopCloser(strings.NewReader("x"))
			r.ContentLength = 1
			return r
		}(), Invalid, "does not match"},
		"declared hash":          {sign(t, newRequest(t, "GET", functions, "", "X-Amz-Content-Sha256", hash("x")), "x", clock()), Invalid, "does not match"},
		"hash of another kind":   {sign(t, newRequest(t, "GET", functions, "", "X-Amz-Content-Sha256", "md5"), "", clock()), Invalid, "valid sha256 value"},
		"unsigned payload":       {sign(t, newRequest(t, "GET", functions, "", "X-Amz-Content-Sha256", unsignedPayload), "", clock()), Invalid, "only possible over TLS"},
		"unsigned chunks":        {sign(t, newRequest(t, "GET", functions, "", "X-Amz-Content-Sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"), "", clock()), Invalid, "valid sha256 value"},
		"link expired":           {late(-61 * time.Second), Invalid, "Signature expired: 20261125T115859Z is now earlier than 20261125T115900Z (20261125T120000Z - 60 s)"},
		"link of tomorrow":       {late(16 * time.Minute), Invalid, "Signature not yet current"},
		"link for ever":          {link("X-Amz-Expires=604801"), Incomplete, "X-Amz-Expires must be"},
		"link for no time":       {link("X-Amz-Expires=0"), Incomplete, "X-Amz-Expires must be"},
		"link for some time":     {link("X-Amz-Expires=soon"), Incomplete, "X-Amz-Expires must be"},
		"link without an end":    {link(""), Incomplete, "AWS query-string parameters must include"},
		"link with two ends":     {link("X-Amz-Expires=60&X-Amz-Expires=61"), Incomplete, "X-Amz-Expires must not stand in a request twice"},
		"link with more":         {func() *http.Request { r := link("X-Amz-Expires=60"); r.URL.RawQuery += "&a=b"; return r }(), Invalid, "does not match"},
		"link with more headers": {func() *http.Request { r := link("X-Amz-Expires=60"); r.Header.Set("X-Amz-Log-Type", "Tail"); return r }(), Invalid, "must be a 'SignedHeader'"},
	} {
		t.Run(name, func(t *testing.T) {
			err := check(t, wire(t, c.r))
			if err == nil || err.Code != c.code || !strings.Contains(err.Message, c.want) {
				t.Errorf("%v", err)
			}
		})
	}
}

// Within fifteen minutes, in both directions, clocks are good enough.
func TestClockSkew(t *testing.T) {
	for _, d := range []time.Duration{-15 * time.Minute, 15 * time.Minute} {
		if err := check(t, wire(t, sign(t, newRequest(t, "GET", functions, ""), "", clock().Add(d)))); err != nil {
			t.Errorf("%s: %v", d, err)
		}
	}
}

func TestUnsignedPayloadOverTLS(t *testing.T) {
	r := newRequest(t, "POST", functions, "anything", "X-Amz-Content-Sha256", unsignedPayload)
	if err := v4.NewSigner().SignHTTP(context.Background(), aws.Credentials{AccessKeyID: keyID, SecretAccessKey: secret}, r, unsignedPayload, "lambda", "us-east-1", clock()); err != nil {
		t.Fatal(err)
	}
	req := wire(t, r)
	if _, err := verifier().Verify(req, true, "lambda", "us-east-1"); err != nil {
		t.Error(err)
	}
	if err := check(t, req); err == nil {
		t.Error("accepted without TLS")
	}
}

// The date may stand in the header Date, as old clients have it.
func TestDateHeader(t *testing.T) {
	v := verifier()
	key, _ := v.Lookup(keyID, "")
	text := "GET " + functions + " HTTP/1.1\r\nHost: h\r\nDate: " + clock().Format(http.TimeFormat) + "\r\nAuthorization: AWS4-HMAC-SHA256 Credential=" + keyID + "/20261125/us-east-1/lambda/aws4_request,SignedHeaders=date;host,Signature=%s\r\n\r\n"
	c, err := read(raw(t, fmt.Sprintf(text, "00")))
	if err != nil {
		t.Fatal(err)
	}
	signature := c.sign(raw(t, fmt.Sprintf(text, "00")), "", clock(), key.signing(&c.Scope))
	if err := check(t, raw(t, fmt.Sprintf(text, hex.EncodeToString(signature)))); err != nil {
		t.Error(err)
	}
}

// chunked is a request whose body is in signed chunks, as AWS documents them. The SDK signs the chunks.
func chunked(t testing.TB, decoded string, chunks ...string) *http.Request {
	t.Helper()
	length := 0
	for _, c := range append(chunks, "") {
		length += len(fmt.Sprintf("%x;chunk-signature=%s\r\n%s\r\n", len(c), hash(""), c))
	}
	r := newRequest(t, "POST", functions+"/f/invocations", strings.Repeat("x", length), "X-Amz-Content-Sha256", signedChunks, "X-Amz-Decoded-Content-Length", decoded, "Content-Encoding", "aws-chunked")
	c := aws.Credentials{AccessKeyID: keyID, SecretAccessKey: secret}
	if err := v4.NewSigner().SignHTTP(context.Background(), c, r, signedChunks, "lambda", "us-east-1", clock()); err != nil {
		t.Fatal(err)
	}
	_, signature, _ := strings.Cut(r.Header.Get("Authorization"), "Signature=")
	key := &Key{Secret: secret}
	scope := Scope{keyID, "20261125", "us-east-1", "lambda"}
	var body strings.Builder
	for _, data := range append(chunks, "") {
		text := "AWS4-HMAC-SHA256-PAYLOAD\n20261125T120000Z\n20261125/us-east-1/lambda/aws4_request\n" + signature + "\n" + hash("") + "\n" + hash(data)
		signature = hex.EncodeToString(sum(key.signing(&scope), text))
		fmt.Fprintf(&body, "%x;chunk-signature=%s\r\n%s\r\n", len(data), signature, data)
	}
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body.String())), int64(body.Len())
	return r
}

func TestSignedChunks(t *testing.T) {
	req := wire(t, chunked(t, "12", "hello, ", "world"))
	if err := check(t, req); err != nil || string(req.Body()) != "hello, world" {
		t.Errorf("%v %q", err, req.Body())
	}
	for name, change := range map[string]func(string) string{
		"data":      func(b string) string { return strings.Replace(b, "world", "World", 1) },
		"size":      func(b string) string { return strings.Replace(b, "7;", "6;", 1) },
		"huge size": func(b string) string { return strings.Replace(b, "7;", "ffffffff7;", 1) },
		"cut off":   func(b string) string { return b[:len(b)-90] },
		"more":      func(b string) string { return b + "x" },
		"nothing":   func(b string) string { return "" },
		"first one": func(b string) string { return b[strings.Index(b, "5;"):] },
	} {
		req := wire(t, chunked(t, "12", "hello, ", "world"))
		req.SetBodyString(change(string(req.Body())))
		if err := check(t, req); err == nil {
			t.Errorf("%s: accepted %q", name, req.Body())
		}
	}
	for _, length := range []string{"11", "13", "-1", "x", "99999999999"} {
		if err := check(t, wire(t, chunked(t, length, "hello, ", "world"))); err == nil {
			t.Errorf("decoded length %s accepted", length)
		}
	}
}

func TestKeyID(t *testing.T) {
	header := sign(t, newRequest(t, "GET", functions, ""), "", clock())
	link := presign(t, newRequest(t, "GET", functions+"?X-Amz-Expires=60", ""), "", clock(), aws.Credentials{AccessKeyID: keyID, SecretAccessKey: secret})
	for name, c := range map[string]struct {
		r    *http.Request
		want string
	}{"header": {header, keyID}, "link": {link, keyID}, "neither": {newRequest(t, "GET", functions+"?X-Amz-Date=1", "", "Authorization", "Basic x"), ""}} {
		if got := KeyID(&wire(t, c.r).Header); got != c.want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// A key that is replaced takes its derived keys along; those of other days and services are kept apart.
func TestDerivedKeys(t *testing.T) {
	k := &Key{Secret: secret}
	seen := map[string]bool{}
	for i := range 10 {
		for _, service := range []string{"lambda", "iam", "sts"} {
			s := Scope{keyID, fmt.Sprintf("202611%02d", i+1), "us-east-1", service}
			first := string(k.signing(&s))
			if first != string(k.signing(&s)) || seen[first] || first == string((&Key{Secret: "other"}).signing(&s)) {
				t.Fatal("not a key of its own")
			}
			seen[first] = true
		}
	}
	if n := len(*k.derived.Load()); n != maxDerived {
		t.Errorf("%d derived keys are kept", n)
	}
}

// Whatever the SDK signs is accepted, and nothing that differs from it in a signed part.
func TestAgreesWithTheSDK(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		segment := rapid.StringOfN(rapid.SampledFrom([]rune("abZ09-_.~!$&'()*+,;=:@ é%/?#")), 0, 8, -1)
		path := "/"
		for i, s := range rapid.SliceOfN(segment, 0, 4).Draw(rt, "path") {
			if i > 0 {
				path += "/"
			}
			path += url.PathEscape(s)
		}
		query := url.Values{}
		for range rapid.IntRange(0, 4).Draw(rt, "parameters") {
			query.Add("k"+segment.Draw(rt, "key"), segment.Draw(rt, "value"))
		}
		body := rapid.String().Draw(rt, "body")
		r := newRequest(t, rapid.SampledFrom([]string{"GET", "POST", "PUT", "DELETE"}).Draw(rt, "method"), "", body)
		u, err := url.Parse("http://lambda.example" + path + "?" + query.Encode())
		if err != nil {
			rt.Skip(err)
		}
		if strings.Contains(u.Path, "?") && u.RawPath == "" {
			rt.Skip("net/http would send another path")
		}
		r.URL = u
		for range rapid.IntRange(0, 2).Draw(rt, "headers") {
			r.Header.Add(rapid.SampledFrom([]string{"X-Amz-A", "X-Amz-B", "Accept", "Content-Type"}).Draw(rt, "name"), rapid.StringMatching(`[ -~]{0,12}`).Draw(rt, "text"))
		}
		if len(r.Header["Content-Type"]) > 1 {
			r.Header.Del("Content-Type") // fasthttp keeps one
		}
		sign(t, r, body, clock())
		text := written(t, r)
		if err := check(t, raw(t, text)); err != nil {
			rt.Fatalf("%s: %v", text, err)
		}
		req := raw(t, text)
		switch rapid.SampledFrom([]string{"method", "path", "query", "body", "date", "header"}).Draw(rt, "change") {
		case "method":
			req.Header.SetMethod("PATCH")
		case "path":
			req.SetRequestURI(string(req.URI().PathOriginal()) + "x?" + string(req.URI().QueryString()))
		case "query":
			req.SetRequestURI(string(req.Header.RequestURI()) + "&zz=1")
		case "body":
			req.SetBody(append(bytes.Clone(req.Body()), 'x'))
		case "date":
			req.Header.Set("X-Amz-Date", clock().Add(time.Second).Format(dateForm))
		case "header":
			req.Header.Set("X-Amz-Log-Type", "Tail")
		}
		if check(t, req) == nil {
			rt.Fatalf("accepted after a change: %s", req)
		}
	})
}

// No request, however odd, is accepted without the secret, and none brings the verifier down.
func FuzzVerify(f *testing.F) {
	var b bytes.Buffer
	_ = sign(f, newRequest(f, "POST", functions+"/f/invocations?a=b", "{}", "Content-Type", "application/json"), "{}", clock()).Write(&b)
	f.Add(strings.Replace(b.String(), "Signature=", "Signature=0", 1))
	b.Reset()
	_ = presign(f, newRequest(f, "GET", functions+"?X-Amz-Expires=60", ""), "", clock(), aws.Credentials{AccessKeyID: keyID, SecretAccessKey: secret}).Write(&b)
	f.Add(strings.Replace(b.String(), "X-Amz-Signature=", "X-Amz-Signature=0", 1))
	f.Add("GET / HTTP/1.1\r\nHost: h\r\nX-Amz-Content-Sha256: STREAMING-AWS4-HMAC-SHA256-PAYLOAD\r\nAuthorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261125/us-east-1/lambda/aws4_request, SignedHeaders=host, Signature=00\r\nX-Amz-Date: 20261125T120000Z\r\n\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		req := new(fasthttp.Request)
		if req.ReadLimitBody(bufio.NewReader(strings.NewReader(text)), 1<<20) != nil {
			return
		}
		if err := check(t, req); err == nil {
			t.Fatalf("accepted: %q", text)
		}
		_, _ = ScopeOf(req)
		_ = KeyID(&req.Header)
	})
}

func BenchmarkVerify(b *testing.B) {
	body := `{"first_name": "John", "last_name": "Doe"}`
	req := wire(b, sign(b, newRequest(b, "POST", functions+"/echo/invocations", body, "Content-Type", "application/json"), body, clock()))
	v := verifier()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := v.Verify(req, false, "lambda", "us-east-1"); err != nil {
			b.Fatal(err)
		}
	}
}

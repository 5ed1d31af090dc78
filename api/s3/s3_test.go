package s3

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/thawrun/thaw/api"
)

// fakeS3 keeps objects by path and version, and checks signatures by making them again.
func fakeS3(t *testing.T) (*httptest.Server, map[string]string) {
	objects := map[string]string{}
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fail := func(status int, code, message string) {
			w.WriteHeader(status)
			fmt.Fprintf(w, `<?xml version="1.0" encoding="UTF-8"?><Error><Code>%s</Code><Message>%s</Message></Error>`, code, message)
		}
		at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
		if err != nil {
			fail(403, "AccessDenied", "Access Denied")
			return
		}
		again, _ := http.NewRequest("GET", "http://"+r.Host+r.URL.RequestURI(), nil)
		again.Header.Set("X-Amz-Content-Sha256", r.Header.Get("X-Amz-Content-Sha256"))
		if err := signer.SignHTTP(r.Context(), aws.Credentials{AccessKeyID: "key", SecretAccessKey: "secret", SessionToken: "token"}, again, emptyHash, "s3", "us-east-1", at); err != nil {
			t.Error(err)
		}
		switch {
		case again.Header.Get("Authorization") != r.Header.Get("Authorization"):
			fail(403, "SignatureDoesNotMatch", "The request signature does not match.")
		case strings.HasPrefix(r.URL.Path, "/elsewhere/"):
			w.Header().Set("X-Amz-Bucket-Region", "eu-west-1")
			fail(301, "PermanentRedirect", "Use another endpoint.")
		case strings.HasPrefix(r.URL.Path, "/broken/"):
			w.WriteHeader(502)
			_, _ = io.WriteString(w, "<html>bad gateway")
		case strings.HasPrefix(r.URL.Path, "/endless/"):
			for range 100 {
				if _, err := w.Write(bytes.Repeat([]byte("x"), 1000)); err != nil {
					return
				}
			}
		default:
			if b, ok := objects[r.URL.Path+"?"+r.URL.Query().Get("versionId")]; ok {
				_, _ = io.WriteString(w, b)
				return
			}
			fail(404, "NoSuchKey", "The specified key does not exist.")
		}
	}))
	t.Cleanup(s.Close)
	return s, objects
}

func TestFetch(t *testing.T) {
	server, objects := fakeS3(t)
	objects["/bucket/a/b.zip?"] = "latest"
	objects["/bucket/a/b.zip?v/1=="] = "first"
	objects["/bucket/strange key+é%?&.zip?"] = "strange"
	s, err := New(Config{Endpoint: server.URL, Region: "us-east-1", AccessKeyID: "key", SecretAccessKey: "secret", SessionToken: "token"})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ bucket, key, version, want string }{
		{"bucket", "a/b.zip", "", "latest"}, {"bucket", "a/b.zip", "v/1==", "first"}, {"bucket", "strange key+é%?&.zip", "", "strange"},
	} {
		if b, err := s.Fetch(t.Context(), c.bucket, c.key, c.version, 10); err != nil || string(b) != c.want {
			t.Errorf("%+v: %q, %v", c, b, err)
		}
	}
	for _, c := range []struct{ bucket, key, name, text string }{
		{"bucket", "none", "InvalidParameterValueException", "Error occurred while GetObject. S3 Error Code: NoSuchKey. S3 Error Message: The specified key does not exist."},
		{"elsewhere", "x", "InvalidParameterValueException", "S3 Error Code: PermanentRedirect. S3 Error Message: The bucket is in this region: eu-west-1. Please use this region to retry the request"},
		{"broken", "x", "InvalidParameterValueException", "S3 Error Code: BadGateway"},
		{"endless", "x", "InvalidParameterValueException", "must be smaller than 10 bytes"},
	} {
		_, err := s.Fetch(t.Context(), c.bucket, c.key, "", 10)
		var e *api.Error
		if !errors.As(err, &e) || e.Name != c.name || !strings.Contains(e.Message, c.text) {
			t.Errorf("%+v: %v", c, err)
		}
	}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Fetch(canceled, "bucket", "a/b.zip", "", 10); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
	other, _ := New(Config{Endpoint: server.URL, Region: "us-east-1", AccessKeyID: "key", SecretAccessKey: "wrong"})
	var e *api.Error
	if _, err := other.Fetch(t.Context(), "bucket", "a/b.zip", "", 10); !errors.As(err, &e) || e.Name != "AccessDeniedException" || !strings.Contains(e.Message, "permission to GetObject for bucket/a/b.zip. S3 Error Code: SignatureDoesNotMatch") {
		t.Errorf("wrong secret: %v", err)
	}
	server.Close()
	if _, err := s.Fetch(t.Context(), "bucket", "a/b.zip", "", 10); !errors.As(err, &e) || !strings.Contains(e.Message, "can't be reached") {
		t.Errorf("no server: %v", err)
	}
	for _, endpoint := range []string{"", "localhost:9000", "ftp://x", "http://"} {
		if _, err := New(Config{Endpoint: endpoint}); err == nil {
			t.Errorf("endpoint %q passes", endpoint)
		}
	}
}

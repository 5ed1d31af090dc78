// Package s3 fetches deployment packages from an S3-compatible store: one signed GET per package.
//
//	source, err := s3.New(s3.Config{Endpoint: "http://127.0.0.1:9000", Region: "us-east-1", AccessKeyID: id, SecretAccessKey: secret})
//	api.New(api.Config{Code: source, …})
//
// A client library for all of S3 is not needed for that, and would be the largest dependency of this program.
package s3

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/thawrun/thaw/api"
)

// Config says where packages are and with whose credentials they are read.
type Config struct {
	Endpoint string // URL of the service; the bucket becomes the first part of the path, or of the host with VirtualHost
	Region   string
	// Credentials; an empty AccessKeyID sends requests without a signature, for public buckets.
	AccessKeyID, SecretAccessKey, SessionToken string

	VirtualHost bool         // http://bucket.host/key instead of http://host/bucket/key
	Client      *http.Client // nil = one with a timeout of a minute
}

// Source fetches packages. It implements api.CodeSource.
type Source struct {
	cfg    Config
	base   *url.URL
	signer *v4.Signer
}

// New checks a configuration.
func New(cfg Config) (*Source, error) {
	base, err := url.Parse(cfg.Endpoint)
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" {
		return nil, fmt.Errorf("S3 endpoint %q: want an http or https URL", cfg.Endpoint)
	}
	if cfg.Client == nil {
		cfg.Client = &http.Client{Timeout: time.Minute}
	}
	return &Source{cfg, base, v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })}, nil
}

// failure is the body of an S3 error.
type failure struct {
	Code, Message, Region string
}

// emptyHash is the SHA-256 of no body.
const emptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// Fetch implements api.CodeSource. What S3 refuses is told to the client in the words of Lambda.
func (s *Source) Fetch(ctx context.Context, bucket, key, version string, limit int64) ([]byte, error) {
	u := *s.base
	path := strings.TrimSuffix(u.Path, "/")
	if s.cfg.VirtualHost {
		u.Host = bucket + "." + u.Host
	} else {
		path += "/" + bucket
	}
	u.Path = path + "/" + key
	u.RawPath = path + "/" + escape(key)
	if version != "" {
		u.RawQuery = url.Values{"versionId": {version}}.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, fmt.Errorf("fetch code: %w", err)
	}
	req.Header.Set("X-Amz-Content-Sha256", emptyHash)
	if s.cfg.AccessKeyID != "" {
		c := aws.Credentials{AccessKeyID: s.cfg.AccessKeyID, SecretAccessKey: s.cfg.SecretAccessKey, SessionToken: s.cfg.SessionToken}
		if err := s.signer.SignHTTP(ctx, c, req, emptyHash, "s3", s.cfg.Region, time.Now()); err != nil {
			return nil, fmt.Errorf("fetch code: %w", err)
		}
	}
	resp, err := s.cfg.Client.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, refused("ServiceUnavailable", "The S3 endpoint can't be reached.")
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, s3Error(resp, bucket, key)
	}
	if resp.ContentLength > limit {
		return nil, tooLarge(limit)
	}
	b, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	switch {
	case err != nil && errors.Is(err, ctx.Err()):
		return nil, context.Cause(ctx)
	case err != nil:
		return nil, refused("RequestTimeout", "The object could not be read to its end.")
	case int64(len(b)) > limit:
		return nil, tooLarge(limit)
	}
	return b, nil
}

func tooLarge(limit int64) error {
	return &api.Error{Name: "InvalidParameterValueException", Message: fmt.Sprintf("Unzipped size must be smaller than %d bytes", limit)}
}

func refused(code, message string) error {
	return &api.Error{Name: "InvalidParameterValueException", Message: fmt.Sprintf("Error occurred while GetObject. S3 Error Code: %s. S3 Error Message: %s", code, message)}
}

// s3Error turns an answer of S3 into Lambda's error.
func s3Error(resp *http.Response, bucket, key string) error {
	var f failure
	b, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10)) // an error leaves what was read
	if xml.Unmarshal(b, &f) != nil || f.Code == "" {
		f = failure{Code: strings.ReplaceAll(http.StatusText(resp.StatusCode), " ", ""), Message: http.StatusText(resp.StatusCode)}
	}
	switch f.Code {
	case "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "AllAccessDisabled":
		return &api.Error{Name: "AccessDeniedException", Message: fmt.Sprintf("Your access has been denied by S3, please make sure your request credentials have permission to GetObject for %s/%s. S3 Error Code: %s. S3 Error Message: %s", bucket, key, f.Code, f.Message)}
	case "PermanentRedirect", "AuthorizationHeaderMalformed":
		if region := resp.Header.Get("X-Amz-Bucket-Region"); region != "" {
			return refused("PermanentRedirect", "The bucket is in this region: "+region+". Please use this region to retry the request")
		}
	}
	return refused(f.Code, f.Message)
}

// escape encodes a key as S3's canonical path has it: all but unreserved characters and the slash.
func escape(key string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for _, c := range []byte(key) {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-._~/", c) >= 0 {
			b.WriteByte(c)
		} else {
			b.Write([]byte{'%', hex[c>>4], hex[c&15]})
		}
	}
	return b.String()
}

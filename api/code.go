package api

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/thawrun/thaw/engine"
	"github.com/thawrun/thaw/engine/store"
)

const (
	// codePrefix is where packages are served, by signed links.
	codePrefix = "/_thaw/code/"
	// codeValidity is how long a link works (guide, GetFunction: 10 minutes).
	codeValidity = 10 * time.Minute
)

// codeInput is FunctionCode and LayerVersionContentInput, and the part of UpdateFunctionCode that is like them.
type codeInput struct {
	ZipFile         *[]byte
	S3Bucket        *string
	S3Key           *string
	S3ObjectVersion *string
	ImageUri        *string
}

// blob is where the package is put.
func (c *codeInput) blob() **[]byte {
	if c == nil {
		return nil
	}
	return &c.ZipFile
}

const bucketPattern = `[0-9A-Za-z\.\-_]*(?<!\.)`

// validate checks what the model says of a package's source; path is what stands before its members' names.
func (c *codeInput) validate(path string, v *violations) {
	if c.S3Bucket != nil {
		v.check(bucketName(*c.S3Bucket), path+"s3Bucket", *c.S3Bucket, "Member must satisfy regular expression pattern: "+bucketPattern)
		v.length(path+"s3Bucket", *c.S3Bucket, 3, 63)
	}
	if c.S3Key != nil {
		v.length(path+"s3Key", *c.S3Key, 1, 1024)
	}
	if c.S3ObjectVersion != nil {
		v.length(path+"s3ObjectVersion", *c.S3ObjectVersion, 1, 1024)
	}
}

// bucketName matches bucketPattern.
func bucketName(s string) bool {
	return (s == "" || word(strings.ReplaceAll(s, ".", "-"))) && !strings.HasSuffix(s, ".")
}

// code is a package that a request brings, checked and ready to be stored.
type code struct {
	packed   *store.Package
	unpacked int64 // bytes
}

// apply makes a package that of a version.
func (c *code) apply(tx *store.Tx, v *store.Version) {
	tx.AddCode(c.packed)
	v.CodeSHA256, v.CodeSize, v.Unpacked = c.packed.SHA256, c.packed.Size, c.unpacked
}

// CodeSource fetches packages that requests name by bucket and key.
type CodeSource interface {
	// Fetch returns an object of at most limit bytes. version is empty for the latest. An error that is an *Error is what the
	// client learns.
	Fetch(ctx context.Context, bucket, key, version string, limit int64) ([]byte, error)
}

// code reads the package that a request brings.
func (s *Server) code(ctx context.Context, c *codeInput) (*code, error) {
	given := 0
	for _, there := range []bool{c.ZipFile != nil, c.S3Bucket != nil || c.S3Key != nil || c.S3ObjectVersion != nil, c.ImageUri != nil} {
		if there {
			given++
		}
	}
	var zip []byte
	switch {
	case c.ImageUri != nil:
		return nil, invalid("Container images are not supported: provide the code as a .zip package.")
	case given == 0:
		return nil, invalid("Please provide a source for function code.")
	case given > 1:
		return nil, invalid("Please do not provide other FunctionCode parameters when providing a ZipFile.")
	case c.ZipFile == nil && c.S3Bucket == nil:
		return nil, invalid("Please provide a S3 Bucket for function code.")
	case c.ZipFile == nil && c.S3Key == nil:
		return nil, invalid("Please provide a S3 Key for function code.")
	case c.ZipFile == nil && s.cfg.Code == nil:
		return nil, invalid("No S3 endpoint is configured on this server: provide the code in ZipFile.")
	case c.ZipFile == nil:
		version := ""
		if c.S3ObjectVersion != nil {
			version = *c.S3ObjectVersion
		}
		var err error
		if zip, err = s.cfg.Code.Fetch(ctx, *c.S3Bucket, *c.S3Key, version, s.cfg.Limits.UnzippedSize); err != nil {
			return nil, err
		}
	default:
		if zip = *c.ZipFile; len(zip) > s.cfg.Limits.ZippedSize {
			return nil, fail("RequestEntityTooLargeException", "Zipped size must be smaller than %d bytes", s.cfg.Limits.ZippedSize)
		}
	}
	if len(zip) == 0 {
		return nil, invalid("Uploaded file must be a non-empty zip")
	}
	unpacked, err := engine.CheckPackage(zip, s.cfg.Limits.UnzippedSize)
	switch {
	case errors.Is(err, engine.ErrTooLarge):
		return nil, invalid("Unzipped size must be smaller than %d bytes", s.cfg.Limits.UnzippedSize)
	case err != nil:
		s.log.Debug("package refused", "error", err)
		return nil, invalid("Could not unzip uploaded file. Please check your file, then try to upload again.")
	}
	return &code{s.cfg.Store.Pack(zip), unpacked}, nil
}

// codeLocation is a link to a package that needs no other credentials.
func (s *Server) codeLocation(ctx *fasthttp.RequestCtx, sha string) string {
	expires := strconv.FormatInt(time.Now().Add(codeValidity).Unix(), 10)
	q := url.Values{"Expires": {expires}, "Signature": {s.signCode(sha, expires)}}
	hash := url.PathEscape(strings.NewReplacer("+", "-", "/", "_").Replace(sha))
	return string(ctx.URI().Scheme()) + "://" + string(ctx.Host()) + codePrefix + hash + "?" + q.Encode()
}

func (s *Server) signCode(sha, expires string) string {
	m := hmac.New(sha256.New, s.secret)
	m.Write([]byte(sha + "\n" + expires))
	return hex.EncodeToString(m.Sum(nil))
}

// serveCode answers a link made by codeLocation.
func (s *Server) serveCode(ctx *fasthttp.RequestCtx) {
	name, err := url.PathUnescape(strings.TrimPrefix(string(ctx.Request.URI().PathOriginal()), codePrefix))
	sha := strings.NewReplacer("-", "+", "_", "/").Replace(name)
	expires := string(ctx.QueryArgs().Peek("Expires"))
	at, perr := strconv.ParseInt(expires, 10, 64)
	switch {
	case err != nil || perr != nil || !hmac.Equal([]byte(s.signCode(sha, expires)), ctx.QueryArgs().Peek("Signature")):
		s.writeError(ctx, fail("AccessDeniedException", "The link is not valid."))
		return
	case time.Now().Unix() > at:
		s.writeError(ctx, fail("AccessDeniedException", "Request has expired"))
		return
	case !ctx.IsGet() && !ctx.IsHead():
		s.writeError(ctx, fail("MethodNotAllowedException", "only GET is possible"))
		return
	}
	code, err := s.cfg.Store.Code(s.base, sha)
	if err != nil {
		s.writeError(ctx, fail("ResourceNotFoundException", "The package is not stored any more."))
		return
	}
	ctx.SetContentType("application/zip")
	ctx.Response.SetBodyRaw(code)
}

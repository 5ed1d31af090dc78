package api

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/thawrun/thaw/engine/store"
)

const (
	// codePrefix is where packages are served, by signed links.
	codePrefix = "/_thaw/code/"
	// codeValidity is how long a link works (guide, GetFunction: 10 minutes).
	codeValidity = 10 * time.Minute
)

// codeLocation is a link to a function's package that needs no other credentials.
func (s *Server) codeLocation(ctx *fasthttp.RequestCtx, f *store.Function) string {
	expires := strconv.FormatInt(time.Now().Add(codeValidity).Unix(), 10)
	q := url.Values{"Expires": {expires}, "Signature": {s.signCode(f.CodeSHA256, expires)}}
	hash := url.PathEscape(strings.NewReplacer("+", "-", "/", "_").Replace(f.CodeSHA256))
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

package api

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"

	"github.com/google/uuid"
	"github.com/valyala/fasthttp"
)

// ServeHTTP answers one request of a net/http server, for programs that have one. It copies between the two libraries'
// shapes; ServeFastHTTP and Serve don't.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var req fasthttp.Request
	req.Header.SetMethod(r.Method)
	target := r.RequestURI // as sent: signatures are over that
	if target == "" {
		target = r.URL.RequestURI()
	}
	req.SetRequestURI(target)
	req.Header.SetHost(r.Host)
	for name, values := range r.Header {
		for _, v := range values {
			req.Header.Add(name, v)
		}
	}
	if r.TLS != nil {
		req.URI().SetScheme("https")
	}
	var remote net.Addr
	if a, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		remote = net.TCPAddrFromAddrPort(a)
	}
	var ctx fasthttp.RequestCtx
	op, name := s.operationOf(&req.Header), r.Method
	if op != nil {
		name = op.name
	}
	limit := s.requestConfig(&req.Header).MaxRequestBodySize
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, int64(limit)))
	req.SetBodyRaw(body)
	if r.ContentLength > 0 {
		req.Header.SetContentLength(len(body)) // net/http takes it out of the headers, among which it may be signed
	}
	ctx.Init(&req, remote, nil)
	if r.TLS != nil {
		ctx.SetUserValue(secureKey{}, true)
	}
	var large *http.MaxBytesError
	switch {
	case err == nil:
		s.ServeFastHTTP(&ctx)
	case errors.As(err, &large):
		ctx.Response.Header.Set(headerRequestID, uuid.NewString())
		s.writeError(&ctx, tooLarge(name, limit))
	default:
		ctx.Response.Header.Set(headerRequestID, uuid.NewString())
		s.writeError(&ctx, fail("InvalidRequestContentException", "the request could not be read"))
	}
	for name, value := range ctx.Response.Header.All() {
		switch n := string(name); n {
		case "Content-Length", "Connection", "Transfer-Encoding", "Server": // net/http's own business
		default:
			w.Header().Add(n, string(value))
		}
	}
	w.WriteHeader(ctx.Response.StatusCode())
	if r.Method != http.MethodHead {
		_, _ = w.Write(ctx.Response.Body()) // an error means that the client went away
	}
}

// secureKey marks requests that came to ServeHTTP through TLS.
type secureKey struct{}

// Secure says whether a request came through TLS, to this server or to the one of net/http in front of ServeHTTP.
func Secure(ctx *fasthttp.RequestCtx) bool {
	return ctx.IsTLS() || ctx.UserValue(secureKey{}) != nil
}

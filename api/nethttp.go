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
	req.SetRequestURI(r.URL.RequestURI())
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
	limit := s.cfg.Limits.bodyLimit(op)
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, int64(limit)))
	req.SetBodyRaw(body)
	ctx.Init(&req, remote, nil)
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

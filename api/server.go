package api

import (
	"context"
	"crypto/hmac"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/valyala/fasthttp"

	"github.com/thawrun/thaw/engine"
	"github.com/thawrun/thaw/engine/store"
)

const contentJSON = "application/json"

// Engine is what the API needs of an engine; *engine.Engine has it.
type Engine interface {
	Deploy(ctx context.Context, f engine.Function) (revision string, err error)
	Deployed(key string) (revision string, ok bool)
	Remove(key string)
	Invoke(ctx context.Context, req *engine.Request, resp *engine.Response) error
	Runtimes() []engine.RuntimeInfo
}

// Authenticator decides who a caller is, before a request is looked at any further.
type Authenticator interface {
	// Authenticate returns an error that the client may see, or nil.
	Authenticate(ctx *fasthttp.RequestCtx) error
}

// Config configures a Server.
type Config struct {
	Engine  Engine
	Store   *store.Store
	Region  string // for example us-east-1
	Account string // twelve digits
	Limits  Limits
	Auth    Authenticator // nil = everybody may do everything
	Logger  *slog.Logger
	Version string // of the program, for /healthz
}

// Server answers the Lambda API.
type Server struct {
	cfg        Config
	log        *slog.Logger
	exceptions map[string]exception
	operations []operation
	routes     *router
	secret     []byte // signs code locations
	http       *fasthttp.Server
	base       context.Context // of invocations; ends with Shutdown's patience
	cancel     context.CancelFunc
	responses  sync.Pool // of *engine.Response
}

// New makes a server.
func New(cfg Config) (*Server, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if !account(cfg.Account) || !region(cfg.Region) {
		return nil, fmt.Errorf("api: account %q must be twelve digits and region %q like us-east-1", cfg.Account, cfg.Region)
	}
	secret, err := cfg.Store.Secret("code-location")
	if err != nil {
		return nil, fmt.Errorf("api: %w", err)
	}
	s := &Server{cfg: cfg, log: cfg.Logger, exceptions: catalogue(), operations: operations(), secret: secret}
	s.routes = newRouter(s.operations)
	s.responses.New = func() any { return new(engine.Response) }
	s.base, s.cancel = context.WithCancel(context.Background())
	s.http = &fasthttp.Server{
		Handler: s.ServeFastHTTP, Name: "thaw", NoDefaultServerHeader: true, NoDefaultContentType: true, CloseOnShutdown: true,
		// A package of the largest size, in base64, and the rest of its request.
		MaxRequestBodySize: cfg.Limits.ZippedSize/3*4 + 1<<20,
		ReadTimeout:        2 * time.Minute, IdleTimeout: 3 * time.Minute, ReadBufferSize: 16 << 10, // presigned queries and client contexts are long
		ErrorHandler: s.badRequest, Logger: quiet{cfg.Logger},
	}
	return s, nil
}

// Serve answers requests from a listener until Shutdown.
func (s *Server) Serve(ln net.Listener) error { return s.http.Serve(ln) }

// Shutdown stops accepting requests and waits for those in progress. When ctx ends it ends the invocations among them.
func (s *Server) Shutdown(ctx context.Context) error {
	stop := context.AfterFunc(ctx, s.cancel)
	defer stop()
	defer s.cancel()
	return s.http.ShutdownWithContext(context.WithoutCancel(ctx))
}

// request is a request on its way through an operation.
type request struct {
	ctx   *fasthttp.RequestCtx
	param string // the path's first parameter, as it stands there
}

func (r *request) query(name string) string { return string(r.ctx.QueryArgs().Peek(name)) }

const requestIDKey = "thaw-request-id"

func requestID(ctx *fasthttp.RequestCtx) string {
	id, _ := ctx.UserValue(requestIDKey).(string)
	return id
}

// ServeFastHTTP answers one request. It is the entry for programs that have a fasthttp server of their own.
func (s *Server) ServeFastHTTP(ctx *fasthttp.RequestCtx) {
	id := uuid.NewString()
	ctx.SetUserValue(requestIDKey, id)
	defer func() {
		if p := recover(); p != nil {
			s.writeError(ctx, fmt.Errorf("panic: %v", p))
		}
		ctx.Response.Header.Set("x-amzn-RequestId", id)
	}()
	path := string(ctx.Request.URI().PathOriginal())
	switch {
	case path == "/healthz":
		s.health(ctx)
		return
	case strings.HasPrefix(path, codePrefix):
		s.serveCode(ctx)
		return
	}
	if s.cfg.Auth != nil {
		if err := s.cfg.Auth.Authenticate(ctx); err != nil {
			s.writeError(ctx, err)
			return
		}
	}
	op, param, known := s.routes.find(string(ctx.Method()), path)
	var err error
	switch {
	case op == nil && known:
		err = fail("MethodNotAllowedException", "%s is not possible on %s", ctx.Method(), path)
	case op == nil:
		err = fail("UnknownOperationException", "no operation of the Lambda API has the path %s", path)
	case op.run == nil:
		err = fail("UnsupportedOperationException", "%s is not supported by this server", op.name)
	default:
		err = op.run(s, &request{ctx: ctx, param: param})
	}
	if err != nil {
		s.writeError(ctx, err)
	}
}

// badRequest answers what fasthttp could not read.
func (s *Server) badRequest(ctx *fasthttp.RequestCtx, err error) {
	ctx.Response.Header.Set("x-amzn-RequestId", uuid.NewString())
	if errors.Is(err, fasthttp.ErrBodyTooLarge) {
		limit := s.http.MaxRequestBodySize
		s.writeError(ctx, fail("RequestEntityTooLargeException", "Request must be smaller than %d bytes", limit))
		return
	}
	s.writeError(ctx, fail("InvalidRequestContentException", "the request could not be read"))
	ctx.SetConnectionClose()
}

func (s *Server) json(ctx *fasthttp.RequestCtx, status int, body []byte) {
	ctx.SetStatusCode(status)
	ctx.SetContentType(contentJSON)
	ctx.SetBody(body)
}

// health says whether the server is up and which runtimes are ready. It is 200 as soon as the API answers.
func (s *Server) health(ctx *fasthttp.RequestCtx) {
	type runtime struct {
		Name  string `json:"name"`
		Guest string `json:"guest"`
		State string `json:"state"`
	}
	body := struct {
		Status   string    `json:"status"`
		Version  string    `json:"version,omitempty"`
		Runtimes []runtime `json:"runtimes"`
	}{Status: "ok", Version: s.cfg.Version, Runtimes: []runtime{}}
	for _, r := range s.cfg.Engine.Runtimes() {
		state := "starting"
		switch {
		case r.Err != nil:
			state = "failed"
		case r.Ready:
			state = "ready"
		}
		body.Runtimes = append(body.Runtimes, runtime{r.Runtime, r.Guest, state})
	}
	s.json(ctx, fasthttp.StatusOK, marshal(body))
}

// served says whether an engine runs a runtime.
func (s *Server) served(runtime string) bool {
	return slices.ContainsFunc(s.cfg.Engine.Runtimes(), func(r engine.RuntimeInfo) bool { return r.Runtime == runtime })
}

func equal(a, b []byte) bool { return hmac.Equal(a, b) }

// quiet passes fasthttp's messages on as debugging output: they are about clients that went away.
type quiet struct{ l *slog.Logger }

func (q quiet) Printf(format string, args ...any) { q.l.Debug(fmt.Sprintf(format, args...)) }

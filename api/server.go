package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/valyala/fasthttp"

	"github.com/thawrun/thaw/api/audit"
	"github.com/thawrun/thaw/engine"
	"github.com/thawrun/thaw/engine/queue"
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

// Config configures a Server.
type Config struct {
	Engine  Engine
	Store   *store.Store
	Region  string // for example us-east-1
	Account string // twelve digits; whose resources requests are about unless their caller is of another account
	// Accounts says whether an account besides Account is one of this server's; nil = none is.
	Accounts func(id string) bool
	Limits   Limits
	Code     CodeSource // of packages named by bucket and key; nil = requests must bring them
	// RetiredRuntimes are those that functions can keep and no longer get (guide, "Programming Model (Node.js)": nodejs from
	// October 2016 on).
	RetiredRuntimes []string
	// AsyncRetryDelays are the pauses before an asynchronous invocation that failed is repeated; nil = one minute, two minutes.
	AsyncRetryDelays []time.Duration
	// FunctionEnv are environment variables that functions find unless they have their own of that name.
	FunctionEnv map[string]string
	// RoleCredentials makes the credentials with which a function of an account runs, those of its role. An *Error is the answer
	// to invocations. nil = functions have none.
	RoleCredentials func(account, role, function string) (engine.Credentials, error)
	Auth            Authenticator // nil = everybody may do everything; may be an Authorizer too
	// Audit is told of the calls that CloudTrail logs, denied ones included; it must not keep the caller long. nil = nobody is.
	Audit   func(*audit.Event)
	Doors   []Door // other services on the same listener, asked in this order before Lambda
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
	arnPrefix  string // what stands before the account in a function's ARN
	http       *fasthttp.Server
	base       context.Context // of invocations; ends with Shutdown's patience
	cancel     context.CancelFunc
	calls      sync.Pool // of *call

	deploying sync.Mutex                 // see deploy
	deployed  map[string]map[uint64]bool // versions by function ARN that the engine may have; under deploying

	events *queue.Queue // asynchronous invocations
	shown  shownConfigurations

	authorizer Authorizer // Config.Auth, if it is one
	rules      map[string]rule
	policies   policyCache
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
	s.rules = rules(s.operations)
	s.authorizer, _ = cfg.Auth.(Authorizer)
	s.arnPrefix = "arn:aws:lambda:" + cfg.Region + ":"
	s.calls.New = func() any { return new(call) }
	s.base, s.cancel = context.WithCancel(context.Background())
	s.deployed = map[string]map[uint64]bool{}
	s.events, err = queue.New(queue.Config{
		Store: cfg.Store, Run: s.execute, Rules: s.asyncRules, Dropped: s.eventDropped, Workers: cfg.Limits.Concurrency, RetryDelays: cfg.AsyncRetryDelays, Logger: cfg.Logger,
	})
	if err != nil {
		return nil, fmt.Errorf("api: %w", err)
	}
	s.warmUp()
	s.http = &fasthttp.Server{
		Handler: s.ServeFastHTTP, Name: "thaw", NoDefaultServerHeader: true, NoDefaultContentType: true, CloseOnShutdown: true,
		HeaderReceived: s.requestConfig, MaxRequestBodySize: cfg.Limits.bodyLimit(nil),
		ReadTimeout: 2 * time.Minute, IdleTimeout: 3 * time.Minute, ReadBufferSize: 16 << 10, // presigned queries and client contexts are long
		ErrorHandler: s.badRequest, Logger: quiet{cfg.Logger},
	}
	return s, nil
}

// Serve answers requests from a listener until Shutdown.
func (s *Server) Serve(ln net.Listener) error { return s.http.Serve(ln) }

// Shutdown stops accepting requests and waits for those in progress, asynchronous invocations included. When ctx ends it ends
// the invocations among them; asynchronous ones are begun again after the next start.
func (s *Server) Shutdown(ctx context.Context) error {
	stop := context.AfterFunc(ctx, s.cancel)
	defer stop()
	defer s.cancel()
	err := s.http.ShutdownWithContext(context.WithoutCancel(ctx))
	s.events.Close() // what is still waiting is in the store
	return err
}

// request is a request on its way through an operation.
type request struct {
	ctx    *fasthttp.RequestCtx
	param  string // the path's first parameter, decoded
	param2 string // its second
	param3 string // its third

	caller  *Caller // nil without authentication
	account string  // the caller's: whose resources are meant where the request names no account
}

func (r *request) query(name string) string { return string(r.ctx.QueryArgs().Peek(name)) }

const headerRequestID = "X-Amzn-Requestid"

// requestID is the id that ServeFastHTTP gave a request.
func requestID(ctx *fasthttp.RequestCtx) string {
	return string(ctx.Response.Header.Peek(headerRequestID))
}

// ServeFastHTTP answers one request. It is the entry for programs that have a fasthttp server of their own.
func (s *Server) ServeFastHTTP(ctx *fasthttp.RequestCtx) {
	ctx.Response.Header.Set(headerRequestID, uuid.NewString())
	defer func() {
		if p := recover(); p != nil {
			s.writeError(ctx, fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
		}
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
	if s.cfg.Auth == nil && len(ctx.Request.Header.Peek("Origin")) > 0 {
		// Only browsers send it. Without credentials to ask for, any page that somebody opens could command this server.
		s.writeError(ctx, fail("AccessDeniedException", "Requests from web pages are refused while there is no authentication."))
		return
	}
	for _, d := range s.cfg.Doors {
		if d.Serve(ctx) {
			return
		}
	}
	r := request{ctx: ctx, account: s.cfg.Account}
	if s.cfg.Auth != nil {
		c, err := s.cfg.Auth.Authenticate(ctx)
		if err != nil {
			s.writeError(ctx, err)
			return
		}
		r.caller, r.account = c, c.Account
	}
	op, params, known := s.routes.find(string(ctx.Method()), path, string(ctx.URI().QueryString()))
	var err error
	switch {
	case op == nil && known:
		err = fail("MethodNotAllowedException", "%s is not possible on %s", ctx.Method(), path)
	case op == nil:
		err = fail("UnknownOperationException", "no operation of the Lambda API has the path %s", path)
	case op.run == nil:
		err = fail("UnsupportedOperationException", "%s is not supported by this server", op.name)
	default:
		r.param, r.param2, r.param3 = pathParameter(params[0]), pathParameter(params[1]), pathParameter(params[2])
		err = s.perform(&r, op)
	}
	if err != nil {
		s.writeError(ctx, err)
	}
}

// requestConfig limits a request's body to what its operation may have, before it is read.
func (s *Server) requestConfig(h *fasthttp.RequestHeader) fasthttp.RequestConfig {
	op := s.operationOf(h)
	if screener, ok := s.cfg.Auth.(Screener); ok && !screener.Plausible(h) {
		op = nil
	}
	return fasthttp.RequestConfig{MaxRequestBodySize: s.cfg.Limits.bodyLimit(op)}
}

// operationOf returns the operation that a header asks for, nil if there is none.
func (s *Server) operationOf(h *fasthttp.RequestHeader) *operation {
	path, query, _ := strings.Cut(string(h.RequestURI()), "?")
	if !strings.HasPrefix(path, "/") { // the absolute form, as for proxies
		_, path, _ = strings.Cut(path, "://")
		_, path, _ = strings.Cut(path, "/")
	}
	op, _, _ := s.routes.find(string(h.Method()), path, query)
	return op
}

// badRequest answers what fasthttp could not read. The connection is closed afterwards.
func (s *Server) badRequest(ctx *fasthttp.RequestCtx, err error) {
	ctx.Response.Header.Set(headerRequestID, uuid.NewString())
	if errors.Is(err, fasthttp.ErrBodyTooLarge) {
		op, name := s.operationOf(&ctx.Request.Header), string(ctx.Request.Header.Method())
		if op != nil {
			name = op.name
		}
		discard(ctx.Conn(), ctx.Request.Header.ContentLength())
		s.writeError(ctx, tooLarge(name, s.cfg.Limits.bodyLimit(op)))
		return
	}
	s.writeError(ctx, fail("InvalidRequestContentException", "the request could not be read"))
}

// discard reads and forgets what a client still sends of a refused body of n bytes. A connection that is closed with unread
// data is reset, and most clients would never see the answer. n < 0 means that the length is not known.
func discard(c net.Conn, n int) {
	const (
		most     = 256 << 20              // bytes
		patience = 20 * time.Second       // in all
		idle     = 300 * time.Millisecond // without a byte: the client waits for the answer, or is too slow for it
	)
	if n < 0 || n > most {
		n = most
	}
	buf := make([]byte, 32<<10)
	for end := time.Now().Add(patience); n > 0 && time.Now().Before(end); {
		if c.SetReadDeadline(time.Now().Add(idle)) != nil {
			return
		}
		m, err := c.Read(buf)
		if n -= m; err != nil {
			return
		}
	}
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

// quiet passes fasthttp's messages on as debugging output: they are about clients that went away.
type quiet struct{ l *slog.Logger }

func (q quiet) Printf(format string, args ...any) { q.l.Debug(fmt.Sprintf(format, args...)) }

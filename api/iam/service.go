package iam

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/thawrun/thaw/api"
	"github.com/thawrun/thaw/api/audit"
	"github.com/thawrun/thaw/api/policy"
	"github.com/thawrun/thaw/api/sigv4"
)

// Storage keeps records durably.
type Storage interface {
	// Load passes all records on, in any order.
	Load(each func(key string, value []byte) error) error
	// Commit stores what changes, wholly or not at all; a value of nil deletes. It returns when the change is durable.
	Commit(ctx context.Context, changes map[string][]byte) error
}

// Root is the root user of an account.
type Root struct {
	Account         string // twelve digits
	AccessKeyID     string
	SecretAccessKey string
}

// Config configures a Service.
type Config struct {
	Storage Storage
	Region  string // whose Lambda requests are for; IAM and STS are signed for it or for us-east-1
	Roots   []Root // one for each account that there is
	// SessionKey seals session tokens: 32 bytes that stay the same as long as sessions should.
	SessionKey []byte
	// Open takes every request, signed or not, for one of the root user of the first account: for servers without
	// authentication. Only IAM's and STS's requests come here then.
	Open bool
	// PermissiveRoles lets functions have roles that don't exist or don't trust Lambda, and callers pass any role.
	PermissiveRoles bool
	// Audit is told of calls that change identities and of new sessions, denied ones included; nil = nobody is.
	Audit  func(*audit.Event)
	Logger *slog.Logger
	Now    func() time.Time // nil = the system's clock
}

// Service is the identities of all accounts. Its methods may be called by many goroutines at once.
type Service struct {
	cfg      Config
	log      *slog.Logger
	verifier sigv4.Verifier
	sealer   *sealer
	actions  map[string]action // of IAM and STS, by name
	open     *api.Caller       // who everybody is, if Config.Open
	aws      map[string]*managed

	write sync.Mutex // one change at a time

	mu         sync.RWMutex
	accounts   map[string]*account
	keys       map[string]*sigv4.Key // permanent ones that are active, by id
	generation atomic.Uint64         // of the identities, for cache

	sessions sessionCache
}

// New makes a service and loads what is stored.
func New(cfg Config) (*Service, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	s := &Service{cfg: cfg, log: cfg.Logger, actions: actions(), accounts: map[string]*account{}, keys: map[string]*sigv4.Key{}}
	var err error
	if s.sealer, err = newSealer(cfg.SessionKey); err != nil {
		return nil, fmt.Errorf("iam: %w", err)
	}
	if s.aws, err = awsPolicies(); err != nil {
		return nil, fmt.Errorf("iam: %w", err)
	}
	s.verifier = sigv4.Verifier{Lookup: s.lookup, Now: cfg.Now}
	for _, r := range cfg.Roots {
		if !policy.IsAccount(r.Account) || r.AccessKeyID == "" || len(r.SecretAccessKey) < 16 {
			return nil, fmt.Errorf("iam: root user of account %q without proper credentials", r.Account)
		}
		s.accounts[r.Account] = newAccount(r.Account)
		c := &api.Caller{
			Principal: policy.Principal{Account: r.Account, ARN: "arn:aws:iam::" + r.Account + ":root", Root: true}, Type: "Root", ID: r.Account,
			AccessKeyID: r.AccessKeyID, Identity: &identity{},
		}
		if cfg.Open && s.open == nil {
			s.open = c
		}
		s.keys[r.AccessKeyID] = &sigv4.Key{Secret: r.SecretAccessKey, Owner: c}
	}
	if err := cfg.Storage.Load(s.load); err != nil {
		return nil, fmt.Errorf("iam: %w", err)
	}
	return s, nil
}

// load takes one record in. Those of accounts that aren't configured any more are left alone.
func (s *Service) load(key string, value []byte) error {
	parts := strings.SplitN(key, "/", 3)
	if len(parts) != 3 {
		return fmt.Errorf("record %q has no kind", key)
	}
	a := s.accounts[parts[0]]
	if a == nil {
		return nil
	}
	var e entity
	switch parts[1] {
	case "user":
		e = new(user)
	case "group":
		e = new(group)
	case "role":
		e = new(role)
	case "policy":
		e = new(managed)
	default:
		return fmt.Errorf("record %q is of an unknown kind", key)
	}
	if err := json.Unmarshal(value, e); err != nil {
		return fmt.Errorf("record %q: %w", key, err)
	}
	if p, ok := e.(*managed); ok && p.version(p.Default) == nil {
		return fmt.Errorf("record %q has no default version", key)
	}
	if err := e.prepare(); err != nil {
		return fmt.Errorf("record %q: %w", key, err)
	}
	e.install(s, a)
	return nil
}

// Hosts says whether an account is one of this server's.
func (s *Service) Hosts(account string) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.accounts[account] != nil
}

// commit stores entities and takes them into service. The caller holds write.
func (s *Service) commit(ctx context.Context, a *account, put []entity, remove []entity) error {
	changes := map[string][]byte{}
	for _, e := range remove {
		changes[e.key()] = nil
	}
	for _, e := range put {
		if err := e.prepare(); err != nil {
			return err
		}
		b, err := json.Marshal(e)
		if err != nil {
			return err
		}
		changes[e.key()] = b
	}
	// What was accepted is carried out: the context of a request ends as soon as a shutdown begins.
	if err := s.cfg.Storage.Commit(context.WithoutCancel(ctx), changes); err != nil {
		return errors.Join(errors.New("store identities"), err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range remove {
		e.remove(s, a)
	}
	for _, e := range put {
		e.install(s, a)
	}
	s.generation.Add(1)
	return nil
}

// cache is the identity policies of a user or role, kept until any identity changes.
type cache struct {
	p atomic.Pointer[effective]
}

type effective struct {
	generation uint64
	policies   []*policy.Document
	boundary   *policy.Document
}

// managedPolicy finds a managed policy by ARN, one of the account's or of AWS's. The caller holds mu or write.
func (s *Service) managedPolicy(a *account, arn string) *managed {
	if p := s.aws[arn]; p != nil {
		return p
	}
	parsed, ok := policy.ParseARN(arn)
	if !ok || parsed.Account != a.id {
		return nil
	}
	p := a.policies[strings.ToLower(arn[strings.LastIndexByte(arn, '/')+1:])]
	if p == nil || p.arn() != arn {
		return nil
	}
	return p
}

// collect resolves policies. The caller holds mu.
func (s *Service) collect(a *account, c *cache, boundary string, carriers ...*grants) *effective {
	now := s.generation.Load()
	if e := c.p.Load(); e != nil && e.generation == now {
		return e
	}
	e := &effective{generation: now}
	for _, g := range carriers {
		e.policies = append(e.policies, g.documents...)
		for _, arn := range g.Attached {
			if p := s.managedPolicy(a, arn); p != nil {
				e.policies = append(e.policies, p.document)
			}
		}
	}
	if boundary != "" {
		if p := s.managedPolicy(a, boundary); p != nil {
			e.boundary = p.document
		}
	}
	c.p.Store(e)
	return e
}

// policiesOf is what a user's own policies and those of its groups are. The caller holds mu.
func (s *Service) policiesOf(a *account, u *user) *effective {
	carriers := []*grants{&u.grants}
	for _, name := range u.Groups {
		if g := a.groups[strings.ToLower(name)]; g != nil {
			carriers = append(carriers, &g.grants)
		}
	}
	return s.collect(a, &u.effective, u.Boundary, carriers...)
}

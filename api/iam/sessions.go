package iam

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/thawrun/thaw/api"
	"github.com/thawrun/thaw/api/policy"
	"github.com/thawrun/thaw/api/sigv4"
)

// session is what a session token holds.
type session struct {
	Account  string   `json:"a"`
	Role     string   `json:"r,omitempty"` // name
	User     string   `json:"u,omitempty"` // name; neither = the root user
	ID       string   `json:"i,omitempty"` // of the role or user: a successor of the same name is another
	Name     string   `json:"n,omitempty"` // of a role's session
	Issued   int64    `json:"t"`           // Unix time, s
	Expires  int64    `json:"e"`
	Policies []string `json:"p,omitempty"` // session policies: documents
	ARNs     []string `json:"m,omitempty"` // and managed ones
}

// Credentials are temporary credentials.
type Credentials struct {
	AccessKeyID, SecretAccessKey, SessionToken string
	Expiration                                 time.Time
}

// sealer makes session tokens and opens them. The secret of a session follows from its access key id.
type sealer struct {
	aead   cipher.AEAD
	secret []byte
}

func newSealer(key []byte) (*sealer, error) {
	if len(key) != 32 {
		return nil, errors.New("the session key must have 32 bytes")
	}
	derive := func(what string) []byte {
		m := hmac.New(sha256.New, key)
		m.Write([]byte(what))
		return m.Sum(nil)
	}
	block, err := aes.NewCipher(derive("session token"))
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	return &sealer{aead, derive("session secret")}, err
}

func (s *sealer) secretOf(id string) string {
	m := hmac.New(sha256.New, s.secret)
	m.Write([]byte(id))
	return base64.StdEncoding.EncodeToString(m.Sum(nil))[:40]
}

func (s *sealer) seal(x *session) (*Credentials, error) {
	text, err := json.Marshal(x)
	if err != nil {
		return nil, fmt.Errorf("session: %w", err)
	}
	id := newID(prefixTemporary, 16)
	nonce := make([]byte, s.aead.NonceSize(), s.aead.NonceSize()+len(text)+s.aead.Overhead())
	_, _ = rand.Read(nonce)
	return &Credentials{
		AccessKeyID: id, SecretAccessKey: s.secretOf(id), SessionToken: base64.StdEncoding.EncodeToString(s.aead.Seal(nonce, nonce, text, []byte(id))),
		Expiration: time.Unix(x.Expires, 0).UTC(),
	}, nil
}

func (s *sealer) open(id, token string) (*session, bool) {
	sealed, err := base64.StdEncoding.Strict().DecodeString(token)
	if err != nil || len(sealed) < s.aead.NonceSize() {
		return nil, false
	}
	text, err := s.aead.Open(nil, sealed[:s.aead.NonceSize()], sealed[s.aead.NonceSize():], []byte(id))
	if err != nil {
		return nil, false
	}
	x := new(session)
	return x, json.Unmarshal(text, x) == nil
}

// sessionCache keeps the sessions that are in use opened.
type sessionCache struct {
	mu  sync.RWMutex
	all map[string]*openSession // by token
}

type openSession struct {
	id      string
	expires time.Time
	key     *sigv4.Key
}

// maxOpenSessions bounds the cache; when it is full it is emptied.
const maxOpenSessions = 4096

func (c *sessionCache) get(id, token string) *openSession {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if o := c.all[token]; o != nil && o.id == id {
		return o
	}
	return nil
}

func (c *sessionCache) put(token string, o *openSession) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.all == nil || len(c.all) >= maxOpenSessions {
		c.all = map[string]*openSession{}
	}
	c.all[token] = o
}

// lookup finds the key of a request. It is sigv4.Verifier.Lookup.
func (s *Service) lookup(id, token string) (*sigv4.Key, *sigv4.Error) {
	if !strings.HasPrefix(id, prefixTemporary) {
		s.mu.RLock()
		k := s.keys[id]
		s.mu.RUnlock()
		if k == nil || token != "" {
			return nil, sigv4.ErrorUnknown()
		}
		return k, nil
	}
	o := s.sessions.get(id, token)
	if o == nil {
		x, ok := s.sealer.open(id, token)
		if !ok {
			return nil, sigv4.ErrorUnknown()
		}
		caller, err := s.sessionCaller(id, x)
		if err != nil {
			s.log.Warn("session token refused", "error", err)
			return nil, sigv4.ErrorUnknown()
		}
		o = &openSession{id, time.Unix(x.Expires, 0), &sigv4.Key{Secret: s.sealer.secretOf(id), Owner: caller}}
		s.sessions.put(token, o)
	}
	if !s.cfg.Now().Before(o.expires) {
		return nil, sigv4.ErrorExpired()
	}
	return o.key, nil
}

// sessionCaller is who a session acts as.
func (s *Service) sessionCaller(id string, x *session) (*api.Caller, error) {
	who := &identity{session: x, sessionARNs: x.ARNs}
	c := &api.Caller{AccessKeyID: id, Identity: who, Principal: policy.Principal{Account: x.Account}, Issued: time.Unix(x.Issued, 0).UTC()}
	for _, text := range x.Policies {
		d, err := policy.Parse([]byte(text), policy.Identity)
		if err != nil {
			return nil, err
		}
		who.sessionPolicies = append(who.sessionPolicies, d)
	}
	switch {
	case x.Role != "":
		who.role = strings.ToLower(x.Role)
		s.mu.RLock()
		defer s.mu.RUnlock()
		r := s.role(x.Account, who.role)
		if r == nil {
			return nil, fmt.Errorf("role %s is gone", x.Role)
		}
		c.Type, c.ID = "AssumedRole", x.ID+":"+x.Name
		c.ARN = "arn:aws:sts::" + x.Account + ":assumed-role/" + r.Name + "/" + x.Name
		c.Role, c.Issuer = r.arn(), &api.Issuer{Type: "Role", ID: x.ID, ARN: r.arn(), Account: x.Account, UserName: r.Name}
	case x.User != "":
		who.user = strings.ToLower(x.User)
		s.mu.RLock()
		defer s.mu.RUnlock()
		a := s.accounts[x.Account]
		if a == nil || a.users[who.user] == nil {
			return nil, fmt.Errorf("user %s is gone", x.User)
		}
		u := a.users[who.user]
		c.Type, c.ID, c.ARN, c.UserName = "IAMUser", x.ID, u.arn(), u.Name
	default:
		c.Type, c.ID, c.ARN, c.Root = "Root", x.Account, "arn:aws:iam::"+x.Account+":root", true
	}
	return c, nil
}

// role finds a role by its lower-case name. The caller holds mu.
func (s *Service) role(account, name string) *role {
	if a := s.accounts[account]; a != nil {
		return a.roles[name]
	}
	return nil
}

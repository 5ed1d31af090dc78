package iam

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/thawrun/thaw/api"
	"github.com/thawrun/thaw/api/policy"
	"github.com/thawrun/thaw/api/sigv4"
)

// grants is what users, groups and roles have in common: the policies that they carry.
type grants struct {
	Inline   map[string]string `json:"inline,omitempty"`   // documents by name
	Attached []string          `json:"attached,omitempty"` // ARNs of managed policies, sorted

	documents []*policy.Document // of Inline
}

// entity is a record of one of the kinds below. Records in memory are immutable: a change puts a new one in their place.
type entity interface {
	key() string // in storage: account/kind/name
	prepare() error
	install(s *Service, a *account)
	remove(s *Service, a *account)
}

// common is what every entity has.
type common struct {
	Account string            `json:"account"`
	Name    string            `json:"name"`
	Path    string            `json:"path"`
	ID      string            `json:"id"` // unique for ever
	Created time.Time         `json:"created"`
	Tags    map[string]string `json:"tags,omitempty"`
}

func (c *common) storageKey(kind string) string {
	return c.Account + "/" + kind + "/" + strings.ToLower(c.Name)
}

func (c *common) arn(kind string) string {
	return "arn:aws:iam::" + c.Account + ":" + kind + c.Path + c.Name
}

type user struct {
	common
	grants
	Groups   []string    `json:"groups,omitempty"` // names, sorted
	Boundary string      `json:"boundary,omitempty"`
	Keys     []accessKey `json:"keys,omitempty"`

	effective cache
}

// accessKey is a user's permanent key pair.
type accessKey struct {
	ID      string    `json:"id"`
	Secret  string    `json:"secret"`
	Active  bool      `json:"active"`
	Created time.Time `json:"created"`
}

type group struct {
	common
	grants
}

type role struct {
	common
	grants
	Description string `json:"description,omitempty"`
	Trust       string `json:"trust"`                // document
	MaxSession  int    `json:"maxSession,omitempty"` // s
	Boundary    string `json:"boundary,omitempty"`

	trust     *policy.Document
	effective cache
}

// managed is a managed policy.
type managed struct {
	common
	Description string           `json:"description,omitempty"`
	Updated     time.Time        `json:"updated"`
	Versions    []managedVersion `json:"versions"` // oldest first
	Default     string           `json:"default"`
	Next        int              `json:"next"` // number of the next version

	document *policy.Document // of the default version
}

type managedVersion struct {
	ID       string    `json:"id"` // v1, v2, …
	Document string    `json:"document"`
	Created  time.Time `json:"created"`
}

// account is the identities of an account. Maps are by lower-case name: IAM's names differ in more than their case.
type account struct {
	id       string
	users    map[string]*user
	groups   map[string]*group
	roles    map[string]*role
	policies map[string]*managed
}

func newAccount(id string) *account {
	return &account{id, map[string]*user{}, map[string]*group{}, map[string]*role{}, map[string]*managed{}}
}

func (g *grants) prepareGrants() error {
	g.documents = nil
	for _, name := range slices.Sorted(maps.Keys(g.Inline)) {
		d, err := policy.Parse([]byte(g.Inline[name]), policy.Identity)
		if err != nil {
			return err
		}
		g.documents = append(g.documents, d)
	}
	return nil
}

func (u *user) key() string    { return u.storageKey("user") }
func (u *user) arn() string    { return u.common.arn("user") }
func (u *user) prepare() error { return u.prepareGrants() }
func (u *user) install(s *Service, a *account) {
	name := strings.ToLower(u.Name)
	if old := a.users[name]; old != nil {
		old.remove(s, a)
	}
	a.users[name] = u
	for _, k := range u.Keys {
		if k.Active {
			c := &api.Caller{
				Principal: policy.Principal{Account: u.Account, ARN: u.arn()}, Type: "IAMUser", ID: u.ID, UserName: u.Name, AccessKeyID: k.ID,
				Identity: &identity{user: name},
			}
			s.keys[k.ID] = &sigv4.Key{Secret: k.Secret, Owner: c}
		}
	}
}
func (u *user) remove(s *Service, a *account) {
	delete(a.users, strings.ToLower(u.Name))
	for _, k := range u.Keys {
		delete(s.keys, k.ID)
	}
}

func (g *group) key() string                    { return g.storageKey("group") }
func (g *group) arn() string                    { return g.common.arn("group") }
func (g *group) prepare() error                 { return g.prepareGrants() }
func (g *group) install(_ *Service, a *account) { a.groups[strings.ToLower(g.Name)] = g }
func (g *group) remove(_ *Service, a *account)  { delete(a.groups, strings.ToLower(g.Name)) }

func (r *role) key() string { return r.storageKey("role") }
func (r *role) arn() string { return r.common.arn("role") }
func (r *role) prepare() (err error) {
	if r.trust, err = policy.Parse([]byte(r.Trust), policy.Trust); err != nil {
		return err
	}
	return r.prepareGrants()
}
func (r *role) install(_ *Service, a *account) { a.roles[strings.ToLower(r.Name)] = r }
func (r *role) remove(_ *Service, a *account)  { delete(a.roles, strings.ToLower(r.Name)) }

func (p *managed) key() string { return p.storageKey("policy") }
func (p *managed) arn() string { return p.common.arn("policy") }
func (p *managed) prepare() (err error) {
	p.document, err = policy.Parse([]byte(p.version(p.Default).Document), policy.Identity)
	return err
}
func (p *managed) install(_ *Service, a *account) { a.policies[strings.ToLower(p.Name)] = p }
func (p *managed) remove(_ *Service, a *account)  { delete(a.policies, strings.ToLower(p.Name)) }

func (p *managed) version(id string) *managedVersion {
	for i := range p.Versions {
		if p.Versions[i].ID == id {
			return &p.Versions[i]
		}
	}
	return nil
}

// Copies that can be changed.

func (g grants) clone() grants {
	return grants{Inline: maps.Clone(g.Inline), Attached: slices.Clone(g.Attached)}
}

func (c common) clone() common { c.Tags = maps.Clone(c.Tags); return c }

func (u *user) clone() *user {
	return &user{common: u.common.clone(), grants: u.grants.clone(), Groups: slices.Clone(u.Groups), Boundary: u.Boundary, Keys: slices.Clone(u.Keys)}
}

func (g *group) clone() *group { return &group{common: g.common.clone(), grants: g.grants.clone()} }

func (r *role) clone() *role {
	return &role{common: r.common.clone(), grants: r.grants.clone(), Description: r.Description, Trust: r.Trust, MaxSession: r.MaxSession, Boundary: r.Boundary}
}

func (p *managed) clone() *managed {
	return &managed{common: p.common.clone(), Description: p.Description, Updated: p.Updated, Versions: slices.Clone(p.Versions), Default: p.Default, Next: p.Next}
}

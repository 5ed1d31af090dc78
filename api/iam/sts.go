package iam

import (
	"strings"
	"time"

	"github.com/thawrun/thaw/api/policy"
)

func (x *Credentials) node() node {
	return element("Credentials", text("AccessKeyId", x.AccessKeyID), text("SecretAccessKey", x.SecretAccessKey), text("SessionToken", x.SessionToken), date("Expiration", x.Expiration))
}

func getCallerIdentity(c *call) ([]node, error) {
	return []node{text("Arn", c.caller.ARN), text("UserId", c.caller.ID), text("Account", c.caller.Account)}, nil
}

// assumeRole makes a session of a role. The role's trust policy must let the caller in; if it names no more than the caller's
// account, or the role is of another account, the caller's own policies must allow it too.
func assumeRole(c *call) ([]node, error) {
	arn, name := c.arn("RoleArn"), c.required("RoleSessionName")
	if c.form.Has("RoleSessionName") {
		c.length("RoleSessionName", name, 2, 64)
		if !nameLike(name) {
			c.problem("RoleSessionName", name, `Member must satisfy regular expression pattern: [\w+=,.@-]*`)
		}
	}
	seconds := c.integer("DurationSeconds", defaultSession, 900, maxSessionLimit)
	if err := c.err(); err != nil {
		return nil, err
	}
	refused := fail("AccessDenied", "User: %s is not authorized to perform: sts:AssumeRole on resource: %s", c.caller.ARN, arn)
	parsed, _ := policy.ParseARN(arn)
	c.s.mu.RLock()
	r := c.s.role(parsed.Account, strings.ToLower(arn[strings.LastIndexByte(arn, '/')+1:]))
	c.s.mu.RUnlock()
	if r == nil || r.arn() != arn || c.caller.Root {
		return nil, refused // the root user can't assume roles, as at AWS
	}
	a := access("sts:AssumeRole", arn, parsed.Account)
	a.Keys = policy.Keys{"sts:rolesessionname": {name}}
	if c.form.Has("ExternalId") {
		a.Keys["sts:externalid"] = []string{c.str("ExternalId")}
	}
	request := policy.Request{Principal: &c.caller.Principal, Actions: a.Actions, Context: &keys{c.s, c.ctx, c.caller, a, c.s.tagsOf(c.caller)}}
	allowed, delegated, denied := r.trust.Trusts(&request)
	if !allowed || denied {
		return nil, refused
	}
	// The caller's own policies: they must not deny it, and must allow it where the trust policy leaves that to them.
	own := *a
	own.ResourceAccount = c.caller.Account
	if d := c.s.ownDecision(c.ctx, c.caller, &own); d != policy.Allowed && (delegated || parsed.Account != c.caller.Account || d != policy.NoIdentityPolicy) {
		return nil, refused
	}
	most := r.MaxSession
	if c.caller.Role != "" {
		most = defaultSession // role chaining
	}
	if seconds > most {
		return nil, fail("ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	}
	now := c.s.cfg.Now()
	x := &session{Account: r.Account, Role: r.Name, ID: r.ID, Name: name, Issued: now.Unix(), Expires: now.Add(time.Duration(seconds) * time.Second).Unix()}
	if document := c.str("Policy"); document != "" {
		if err := parsePolicy(document, policy.Identity, 2048, "PolicySize"); err != nil {
			return nil, err
		}
		x.Policies = append(x.Policies, document)
	}
	for i := 1; i <= 10; i++ {
		arn := c.str("PolicyArns.member." + itoa(i) + ".arn")
		if arn == "" {
			break
		}
		c.s.mu.RLock()
		m := c.s.managedPolicy(c.s.accounts[r.Account], arn)
		c.s.mu.RUnlock()
		if m == nil {
			return nil, fail("MalformedPolicyDocument", "Policy %s does not exist.", clip(arn))
		}
		x.ARNs = append(x.ARNs, arn)
	}
	credentials, err := c.s.sealer.seal(x)
	if err != nil {
		return nil, err
	}
	return []node{
		credentials.node(),
		element("AssumedRoleUser", text("AssumedRoleId", r.ID+":"+name), text("Arn", "arn:aws:sts::"+r.Account+":assumed-role/"+r.Name+"/"+name)),
		number("PackedPolicySize", min(100, len(strings.Join(x.Policies, ""))*100/2048)),
	}, nil
}

// getSessionToken makes temporary credentials for the caller itself.
func getSessionToken(c *call) ([]node, error) {
	if c.caller.Role != "" || !c.caller.Issued.IsZero() {
		return nil, fail("AccessDenied", "Cannot call GetSessionToken with session credentials")
	}
	otherwise, most := 43200, 129600
	if c.caller.Root {
		otherwise, most = 3600, 3600
	}
	seconds := c.integer("DurationSeconds", otherwise, 900, most)
	if err := c.err(); err != nil {
		return nil, err
	}
	now := c.s.cfg.Now()
	x := &session{Account: c.account.id, User: c.caller.UserName, Issued: now.Unix(), Expires: now.Add(time.Duration(seconds) * time.Second).Unix()}
	if x.User != "" {
		x.ID = c.caller.ID
	}
	credentials, err := c.s.sealer.seal(x)
	if err != nil {
		return nil, err
	}
	return []node{credentials.node()}, nil
}

// getAccessKeyInfo tells the account of an access key.
func getAccessKeyInfo(c *call) ([]node, error) {
	id := c.required("AccessKeyId")
	if err := c.err(); err != nil {
		return nil, err
	}
	c.s.mu.RLock()
	defer c.s.mu.RUnlock()
	if k := c.s.keys[id]; k != nil {
		return []node{text("Account", ownerOf(k).Account)}, nil
	}
	return nil, fail("ValidationError", "The access key %s is not known.", clip(id))
}

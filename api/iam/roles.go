package iam

import (
	"context"
	"strings"

	"github.com/thawrun/thaw/api/policy"
)

func (c *call) role(name string) (*role, error) {
	if r := c.account.roles[strings.ToLower(name)]; r != nil {
		return r, nil
	}
	return nil, fail("NoSuchEntity", "The role with name %s cannot be found.", clip(name))
}

// named reads RoleName and finds the role.
func (c *call) namedRole() (*role, error) {
	name := c.name("RoleName", maxNameRole)
	if err := c.err(); err != nil {
		return nil, err
	}
	return c.role(name)
}

func roleARN(c *call) string {
	name := c.str("RoleName")
	c.s.mu.RLock()
	defer c.s.mu.RUnlock()
	if r := c.account.roles[strings.ToLower(name)]; r != nil {
		return r.arn()
	}
	path := c.str("Path")
	if !pathLike(path) {
		path = "/"
	}
	return "arn:aws:iam::" + c.account.id + ":role" + path + name
}

// escape encodes a document as IAM's answers have them (RFC 3986).
func escape(s string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for _, c := range []byte(s) {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '.' || c == '_' || c == '~' {
			b.WriteByte(c)
		} else {
			b.Write([]byte{'%', hex[c>>4], hex[c&15]})
		}
	}
	return b.String()
}

// defaultSession is how long a role's sessions may last unless the role says otherwise, in seconds.
const defaultSession = 3600

func (c *call) describeRole(r *role, whole bool) []node {
	n := []node{text("Path", r.Path), text("RoleName", r.Name), text("RoleId", r.ID), text("Arn", r.arn()), date("CreateDate", r.Created), text("AssumeRolePolicyDocument", escape(r.Trust))}
	n = append(n, optional("Description", r.Description)...)
	n = append(n, number("MaxSessionDuration", r.MaxSession))
	if whole {
		n = append(n, c.boundaryNode(r.Boundary)...)
		if len(r.Tags) > 0 {
			n = append(n, tagList(r.Tags))
		}
		n = append(n, element("RoleLastUsed"))
	}
	return n
}

func createRole(c *call) ([]node, error) {
	name, path, tags, trust := c.name("RoleName", maxNameRole), c.path("Path"), c.tags(), c.required("AssumeRolePolicyDocument")
	description := c.str("Description")
	c.length("Description", description, 0, 1000)
	session := c.integer("MaxSessionDuration", defaultSession, defaultSession, maxSessionLimit)
	if err := c.err(); err != nil {
		return nil, err
	}
	boundary, err := c.boundary()
	if err != nil {
		return nil, err
	}
	if err := parsePolicy(trust, policy.Trust, maxTrust, "ACLSizePerRole"); err != nil {
		return nil, err
	}
	if c.account.roles[strings.ToLower(name)] != nil {
		return nil, fail("EntityAlreadyExists", "Role with name %s already exists.", name)
	}
	if len(c.account.roles) >= maxRoles {
		return nil, fail("LimitExceeded", "Cannot exceed quota for RolesPerAccount: %d", maxRoles)
	}
	if len(tags) > maxTags {
		return nil, fail("LimitExceeded", "Cannot exceed quota for TagsPerRole: %d", maxTags)
	}
	r := &role{common: c.newCommon(name, path, prefixRole, tags), Description: description, Trust: trust, MaxSession: session, Boundary: boundary}
	return []node{element("Role", c.describeRole(r, true)...)}, c.commit([]entity{r})
}

func getRole(c *call) ([]node, error) {
	r, err := c.namedRole()
	if err != nil {
		return nil, err
	}
	return []node{element("Role", c.describeRole(r, true)...)}, nil
}

func listRoles(c *call) ([]node, error) {
	var all []*role
	for _, k := range sortedKeys(c.account.roles) {
		if r := c.account.roles[k]; strings.HasPrefix(r.Path, c.str("PathPrefix")) {
			all = append(all, r)
		}
	}
	page, more := paged(c, all, func(r *role) string { return strings.ToLower(r.Name) })
	var lists [][]node
	for _, r := range page {
		lists = append(lists, c.describeRole(r, false))
	}
	return append(more, members("Roles", lists...)), c.err()
}

func updateRole(c *call) ([]node, error) {
	old, err := c.namedRole()
	if err != nil {
		return nil, err
	}
	r := old.clone()
	if c.form.Has("Description") {
		r.Description = c.str("Description")
		c.length("Description", r.Description, 0, 1000)
	}
	r.MaxSession = c.integer("MaxSessionDuration", r.MaxSession, defaultSession, maxSessionLimit)
	if err := c.err(); err != nil {
		return nil, err
	}
	return []node{}, c.commit([]entity{r})
}

func updateRoleDescription(c *call) ([]node, error) {
	if _, err := updateRole(c); err != nil {
		return nil, err
	}
	return getRole(c)
}

func updateAssumeRolePolicy(c *call) ([]node, error) {
	trust := c.required("PolicyDocument")
	old, err := c.namedRole()
	if err != nil {
		return nil, err
	}
	if err := parsePolicy(trust, policy.Trust, maxTrust, "ACLSizePerRole"); err != nil {
		return nil, err
	}
	r := old.clone()
	r.Trust = trust
	return nil, c.commit([]entity{r})
}

func deleteRole(c *call) ([]node, error) {
	r, err := c.namedRole()
	if err != nil {
		return nil, err
	}
	switch {
	case len(r.Attached) > 0:
		return nil, fail("DeleteConflict", "Cannot delete entity, must detach all policies first.")
	case len(r.Inline) > 0:
		return nil, fail("DeleteConflict", "Cannot delete entity, must delete policies first.")
	}
	return nil, c.commit(nil, r)
}

// listInstanceProfilesForRole is asked by tools before they delete a role. There are no instance profiles.
func listInstanceProfilesForRole(c *call) ([]node, error) {
	_, err := c.namedRole()
	return []node{boolean("IsTruncated", false), members("InstanceProfiles")}, err
}

// listAccountAliases is asked by tools to know where they are. There are no aliases.
func listAccountAliases(*call) ([]node, error) {
	return []node{boolean("IsTruncated", false), members("AccountAliases")}, nil
}

// CreateExecutionRole makes a role that Lambda can assume and that may write logs, unless there is a role of that name.
func (s *Service) CreateExecutionRole(ctx context.Context, account, name string) error {
	s.write.Lock()
	defer s.write.Unlock()
	s.mu.RLock()
	a, old := s.accounts[account], s.role(account, strings.ToLower(name))
	s.mu.RUnlock()
	if a == nil || old != nil {
		return nil
	}
	r := &role{
		common: common{Account: account, Name: name, Path: "/", ID: newID(prefixRole, 17), Created: s.cfg.Now().UTC().Truncate(1e9)}, MaxSession: defaultSession,
		Trust:       `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`,
		Description: "Allows Lambda functions to write logs.",
		grants:      grants{Attached: []string{"arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"}},
	}
	return s.commit(ctx, a, []entity{r}, nil)
}

package iam

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/thawrun/thaw/api/policy"
)

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func policyARN(c *call) string {
	if arn := c.str("PolicyArn"); arn != "" {
		return arn
	}
	path := c.str("Path")
	if !pathLike(path) {
		path = "/"
	}
	return "arn:aws:iam::" + c.account.id + ":policy" + path + c.str("PolicyName")
}

// anyPolicy finds the managed policy that a request names: one of the account's or of AWS's.
func (c *call) anyPolicy() (*managed, error) {
	arn := c.arn("PolicyArn")
	if err := c.err(); err != nil {
		return nil, err
	}
	if p := c.s.managedPolicy(c.account, arn); p != nil {
		return p, nil
	}
	return nil, fail("NoSuchEntity", "Policy %s was not found.", arn)
}

// ownPolicy finds a managed policy that can be changed.
func (c *call) ownPolicy() (*managed, error) {
	p, err := c.anyPolicy()
	if err == nil && p.Account != c.account.id {
		return nil, fail("AccessDenied", "The policy %s is managed by AWS and can't be changed.", p.arn())
	}
	return p, err
}

// attachments counts what a managed policy is attached to.
func (c *call) attachments(arn string) (n int) {
	has := func(g *grants) {
		if _, found := slices.BinarySearch(g.Attached, arn); found {
			n++
		}
	}
	for _, u := range c.account.users {
		has(&u.grants)
	}
	for _, g := range c.account.groups {
		has(&g.grants)
	}
	for _, r := range c.account.roles {
		has(&r.grants)
	}
	return n
}

func (c *call) boundaries(arn string) (n int) {
	for _, u := range c.account.users {
		if u.Boundary == arn {
			n++
		}
	}
	for _, r := range c.account.roles {
		if r.Boundary == arn {
			n++
		}
	}
	return n
}

func (c *call) describePolicy(p *managed, whole bool) []node {
	n := []node{
		text("PolicyName", p.Name), text("PolicyId", p.ID), text("Arn", p.arn()), text("Path", p.Path), text("DefaultVersionId", p.Default),
		number("AttachmentCount", c.attachments(p.arn())), number("PermissionsBoundaryUsageCount", c.boundaries(p.arn())), boolean("IsAttachable", true),
		date("CreateDate", p.Created), date("UpdateDate", p.Updated),
	}
	if whole {
		n = append(n, optional("Description", p.Description)...)
		n = append(n, tagList(p.Tags))
	}
	return n
}

func createPolicy(c *call) ([]node, error) {
	name, path, tags, document := c.name("PolicyName", maxNamePolicy), c.path("Path"), c.tags(), c.required("PolicyDocument")
	description := c.str("Description")
	c.length("Description", description, 0, 1000)
	if err := c.err(); err != nil {
		return nil, err
	}
	if err := parsePolicy(document, policy.Identity, maxManaged, "PolicySize"); err != nil {
		return nil, err
	}
	if c.account.policies[strings.ToLower(name)] != nil {
		return nil, fail("EntityAlreadyExists", "A policy called %s already exists. Duplicate names are not allowed.", name)
	}
	if len(c.account.policies) >= maxPolicies {
		return nil, fail("LimitExceeded", "Cannot exceed quota for PoliciesPerAccount: %d", maxPolicies)
	}
	p := &managed{common: c.newCommon(name, path, prefixPolicy, tags), Description: description, Default: "v1", Next: 2}
	p.Updated = p.Created
	p.Versions = []managedVersion{{"v1", document, p.Created}}
	return []node{element("Policy", c.describePolicy(p, true)...)}, c.commit([]entity{p})
}

func getPolicy(c *call) ([]node, error) {
	p, err := c.anyPolicy()
	if err != nil {
		return nil, err
	}
	return []node{element("Policy", c.describePolicy(p, true)...)}, nil
}

func listPolicies(c *call) ([]node, error) {
	scope := cmp.Or(c.str("Scope"), "All")
	if scope != "All" && scope != "AWS" && scope != "Local" {
		c.problem("Scope", scope, "Member must satisfy enum value set: [All, AWS, Local]")
	}
	all := map[string]*managed{}
	if scope != "Local" {
		maps.Copy(all, c.s.aws)
	}
	if scope != "AWS" {
		for _, p := range c.account.policies {
			all[p.arn()] = p
		}
	}
	var list []*managed
	for _, arn := range sortedKeys(all) {
		if strings.HasPrefix(all[arn].Path, c.str("PathPrefix")) && (c.str("OnlyAttached") != "true" || c.attachments(arn) > 0) {
			list = append(list, all[arn])
		}
	}
	page, more := paged(c, list, func(p *managed) string { return p.arn() })
	var lists [][]node
	for _, p := range page {
		lists = append(lists, c.describePolicy(p, false))
	}
	return append(more, members("Policies", lists...)), c.err()
}

// awsAccount is the account of policies that AWS manages.
const awsAccount = "aws"

func deletePolicy(c *call) ([]node, error) {
	p, err := c.ownPolicy()
	if err != nil {
		return nil, err
	}
	switch {
	case c.attachments(p.arn()) > 0:
		return nil, fail("DeleteConflict", "Cannot delete a policy attached to entities.")
	case c.boundaries(p.arn()) > 0:
		return nil, fail("DeleteConflict", "Cannot delete a policy that is used as a permissions boundary.")
	case len(p.Versions) > 1:
		return nil, fail("DeleteConflict", "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. The default version is deleted with the policy.")
	}
	return nil, c.commit(nil, p)
}

func (p *managed) describeVersion(v *managedVersion, document bool) []node {
	n := []node{text("VersionId", v.ID), boolean("IsDefaultVersion", v.ID == p.Default), date("CreateDate", v.Created)}
	if document {
		n = append(n, text("Document", escape(v.Document)))
	}
	return n
}

// version finds the version that a request names.
func (c *call) version(p *managed) (*managedVersion, error) {
	id := c.required("VersionId")
	if err := c.err(); err != nil {
		return nil, err
	}
	if v := p.version(id); v != nil {
		return v, nil
	}
	return nil, fail("NoSuchEntity", "Policy %s version %s does not exist or is not attachable.", p.arn(), clip(id))
}

func getPolicyVersion(c *call) ([]node, error) {
	p, err := c.anyPolicy()
	if err != nil {
		return nil, err
	}
	v, err := c.version(p)
	if err != nil {
		return nil, err
	}
	return []node{element("PolicyVersion", p.describeVersion(v, true)...)}, nil
}

func listPolicyVersions(c *call) ([]node, error) {
	p, err := c.anyPolicy()
	if err != nil {
		return nil, err
	}
	var lists [][]node
	for i := len(p.Versions) - 1; i >= 0; i-- {
		lists = append(lists, p.describeVersion(&p.Versions[i], false))
	}
	return []node{boolean("IsTruncated", false), members("Versions", lists...)}, nil
}

func createPolicyVersion(c *call) ([]node, error) {
	document := c.required("PolicyDocument")
	old, err := c.ownPolicy()
	if err != nil {
		return nil, err
	}
	if err := parsePolicy(document, policy.Identity, maxManaged, "PolicySize"); err != nil {
		return nil, err
	}
	if len(old.Versions) >= maxVersions {
		return nil, fail("LimitExceeded", "A managed policy can have up to %d versions. Before you create a new version, you must delete an existing version.", maxVersions)
	}
	p := old.clone()
	v := managedVersion{"v" + strconv.Itoa(p.Next), document, c.s.cfg.Now().UTC().Truncate(1e9)}
	p.Versions, p.Next, p.Updated = append(p.Versions, v), p.Next+1, v.Created
	if c.str("SetAsDefault") == "true" {
		p.Default = v.ID
	}
	return []node{element("PolicyVersion", p.describeVersion(&v, false)...)}, c.commit([]entity{p})
}

func deletePolicyVersion(c *call) ([]node, error) {
	old, err := c.ownPolicy()
	if err != nil {
		return nil, err
	}
	v, err := c.version(old)
	if err != nil {
		return nil, err
	}
	if v.ID == old.Default {
		return nil, fail("DeleteConflict", "Cannot delete the default version of a policy.")
	}
	p := old.clone()
	p.Versions = slices.DeleteFunc(p.Versions, func(x managedVersion) bool { return x.ID == v.ID })
	p.Updated = c.s.cfg.Now().UTC().Truncate(1e9)
	return nil, c.commit([]entity{p})
}

func setDefaultPolicyVersion(c *call) ([]node, error) {
	old, err := c.ownPolicy()
	if err != nil {
		return nil, err
	}
	v, err := c.version(old)
	if err != nil {
		return nil, err
	}
	p := old.clone()
	p.Default, p.Updated = v.ID, c.s.cfg.Now().UTC().Truncate(1e9)
	return nil, c.commit([]entity{p})
}

func listEntitiesForPolicy(c *call) ([]node, error) {
	p, err := c.anyPolicy()
	if err != nil {
		return nil, err
	}
	var users, groups, roles [][]node
	has := func(g *grants) bool {
		_, found := slices.BinarySearch(g.Attached, p.arn())
		return found
	}
	for _, k := range sortedKeys(c.account.users) {
		if u := c.account.users[k]; has(&u.grants) {
			users = append(users, []node{text("UserName", u.Name), text("UserId", u.ID)})
		}
	}
	for _, k := range sortedKeys(c.account.groups) {
		if g := c.account.groups[k]; has(&g.grants) {
			groups = append(groups, []node{text("GroupName", g.Name), text("GroupId", g.ID)})
		}
	}
	for _, k := range sortedKeys(c.account.roles) {
		if r := c.account.roles[k]; has(&r.grants) {
			roles = append(roles, []node{text("RoleName", r.Name), text("RoleId", r.ID)})
		}
	}
	return []node{boolean("IsTruncated", false), members("PolicyUsers", users...), members("PolicyGroups", groups...), members("PolicyRoles", roles...)}, nil
}

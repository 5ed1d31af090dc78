package iam

import (
	"slices"
	"strings"

	"github.com/thawrun/thaw/api/policy"
)

// Quotas of an account (IAM User Guide, "IAM and AWS STS quotas").
const (
	maxUsers        = 5000
	maxGroups       = 300
	maxRoles        = 1000
	maxPolicies     = 1500
	maxAttached     = 10
	maxGroupsOfUser = 10
	maxKeys         = 2
	maxVersions     = 5

	maxInlineUser   = 2048 // characters without blanks
	maxInlineGroup  = 5120
	maxInlineRole   = 10240
	maxManaged      = 6144
	maxTrust        = 2048
	maxNameUser     = 64
	maxNameGroup    = 128
	maxNameRole     = 64
	maxNamePolicy   = 128
	maxSessionLimit = 43200 // s
)

func (c *call) user(name string) (*user, error) {
	if u := c.account.users[strings.ToLower(name)]; u != nil {
		return u, nil
	}
	return nil, fail("NoSuchEntity", "The user with name %s cannot be found.", clip(name))
}

// ownOr is the user that a request names, or the one that sent it.
func (c *call) ownOr(parameter string) string {
	if c.form.Has(parameter) {
		return c.name(parameter, maxNameUser)
	}
	if c.caller.UserName == "" {
		c.invalid = append(c.invalid, "Must specify userName when calling with non-User credentials")
	}
	return c.caller.UserName
}

func userARN(c *call) string {
	name := c.str("UserName")
	if name == "" {
		if name = c.caller.UserName; name == "" {
			return "arn:aws:iam::" + c.account.id + ":root"
		}
	}
	c.s.mu.RLock()
	defer c.s.mu.RUnlock()
	if u := c.account.users[strings.ToLower(name)]; u != nil {
		return u.arn()
	}
	path := c.str("Path")
	if !pathLike(path) {
		path = "/"
	}
	return "arn:aws:iam::" + c.account.id + ":user" + path + name
}

func tagList(tags map[string]string) node {
	n := node{name: "Tags"}
	for _, k := range sortedKeys(tags) {
		n.kids = append(n.kids, element("member", text("Key", k), text("Value", tags[k])))
	}
	return n
}

func (c *call) boundaryNode(arn string) []node {
	if arn == "" {
		return nil
	}
	return []node{element("PermissionsBoundary", text("PermissionsBoundaryType", "Policy"), text("PermissionsBoundaryArn", arn))}
}

func (c *call) describeUser(u *user, whole bool) []node {
	n := []node{text("Path", u.Path), text("UserName", u.Name), text("UserId", u.ID), text("Arn", u.arn()), date("CreateDate", u.Created)}
	if whole {
		n = append(n, c.boundaryNode(u.Boundary)...)
		if len(u.Tags) > 0 {
			n = append(n, tagList(u.Tags))
		}
	}
	return n
}

// boundary reads PermissionsBoundary: the ARN of a managed policy, or nothing.
func (c *call) boundary() (string, error) {
	if !c.form.Has("PermissionsBoundary") {
		return "", nil
	}
	arn := c.arn("PermissionsBoundary")
	if err := c.err(); err != nil {
		return "", err
	}
	if c.s.managedPolicy(c.account, arn) == nil {
		return "", fail("NoSuchEntity", "Policy %s does not exist or is not attachable.", arn)
	}
	return arn, nil
}

func (c *call) newCommon(name, path, prefix string, tags map[string]string) common {
	return common{Account: c.account.id, Name: name, Path: path, ID: newID(prefix, 17), Created: c.s.cfg.Now().UTC().Truncate(1e9), Tags: tags}
}

func createUser(c *call) ([]node, error) {
	name, path, tags := c.name("UserName", maxNameUser), c.path("Path"), c.tags()
	if err := c.err(); err != nil {
		return nil, err
	}
	boundary, err := c.boundary()
	if err != nil {
		return nil, err
	}
	if c.account.users[strings.ToLower(name)] != nil {
		return nil, fail("EntityAlreadyExists", "User with name %s already exists.", name)
	}
	if len(c.account.users) >= maxUsers {
		return nil, fail("LimitExceeded", "Cannot exceed quota for UsersPerAccount: %d", maxUsers)
	}
	if len(tags) > maxTags {
		return nil, fail("LimitExceeded", "Cannot exceed quota for TagsPerUser: %d", maxTags)
	}
	u := &user{common: c.newCommon(name, path, prefixUser, tags), Boundary: boundary}
	return []node{element("User", c.describeUser(u, true)...)}, c.commit([]entity{u})
}

func getUser(c *call) ([]node, error) {
	if !c.form.Has("UserName") && c.caller.UserName == "" {
		if !c.caller.Root {
			return nil, fail("ValidationError", "Must specify userName when calling with non-User credentials")
		}
		return []node{element("User", text("Path", "/"), text("UserName", "root"), text("UserId", c.account.id), text("Arn", c.caller.ARN), text("CreateDate", "2014-11-13T00:00:00Z"))}, nil
	}
	name := c.ownOr("UserName")
	if err := c.err(); err != nil {
		return nil, err
	}
	u, err := c.user(name)
	if err != nil {
		return nil, err
	}
	return []node{element("User", c.describeUser(u, true)...)}, nil
}

func listUsers(c *call) ([]node, error) {
	prefix := c.str("PathPrefix")
	var all []*user
	for _, k := range sortedKeys(c.account.users) {
		if u := c.account.users[k]; strings.HasPrefix(u.Path, prefix) {
			all = append(all, u)
		}
	}
	page, more := paged(c, all, func(u *user) string { return strings.ToLower(u.Name) })
	if err := c.err(); err != nil {
		return nil, err
	}
	var lists [][]node
	for _, u := range page {
		lists = append(lists, c.describeUser(u, false))
	}
	return append(more, members("Users", lists...)), nil
}

func updateUser(c *call) ([]node, error) {
	name := c.name("UserName", maxNameUser)
	newName, newPath := name, ""
	if c.form.Has("NewUserName") {
		newName = c.name("NewUserName", maxNameUser)
	}
	if c.form.Has("NewPath") {
		newPath = c.path("NewPath")
	}
	if err := c.err(); err != nil {
		return nil, err
	}
	old, err := c.user(name)
	if err != nil {
		return nil, err
	}
	u := old.clone()
	if newPath != "" {
		u.Path = newPath
	}
	if c.form.Has("NewUserName") {
		if other := c.account.users[strings.ToLower(newName)]; other != nil && other != old {
			return nil, fail("EntityAlreadyExists", "User with name %s already exists.", newName)
		}
		u.Name = newName
	}
	if u.key() == old.key() {
		return nil, c.commit([]entity{u})
	}
	return nil, c.commit([]entity{u}, old)
}

func deleteUser(c *call) ([]node, error) {
	name := c.name("UserName", maxNameUser)
	if err := c.err(); err != nil {
		return nil, err
	}
	u, err := c.user(name)
	if err != nil {
		return nil, err
	}
	switch {
	case len(u.Keys) > 0:
		return nil, fail("DeleteConflict", "Cannot delete entity, must delete access keys first.")
	case len(u.Attached) > 0:
		return nil, fail("DeleteConflict", "Cannot delete entity, must detach all policies first.")
	case len(u.Inline) > 0:
		return nil, fail("DeleteConflict", "Cannot delete entity, must delete policies first.")
	case len(u.Groups) > 0:
		return nil, fail("DeleteConflict", "Cannot delete entity, must remove users from group first.")
	}
	return nil, c.commit(nil, u)
}

// Access keys.

func createAccessKey(c *call) ([]node, error) {
	name := c.ownOr("UserName")
	if err := c.err(); err != nil {
		return nil, err
	}
	old, err := c.user(name)
	if err != nil {
		return nil, err
	}
	if len(old.Keys) >= maxKeys {
		return nil, fail("LimitExceeded", "Cannot exceed quota for AccessKeysPerUser: %d", maxKeys)
	}
	id, secret := NewAccessKey()
	k := accessKey{id, secret, true, c.s.cfg.Now().UTC().Truncate(1e9)}
	u := old.clone()
	u.Keys = append(u.Keys, k)
	return []node{element("AccessKey", text("UserName", u.Name), text("AccessKeyId", id), text("Status", "Active"), text("SecretAccessKey", secret), date("CreateDate", k.Created))},
		c.commit([]entity{u})
}

func status(active bool) string {
	if active {
		return "Active"
	}
	return "Inactive"
}

func listAccessKeys(c *call) ([]node, error) {
	name := c.ownOr("UserName")
	if err := c.err(); err != nil {
		return nil, err
	}
	u, err := c.user(name)
	if err != nil {
		return nil, err
	}
	var lists [][]node
	for _, k := range u.Keys {
		lists = append(lists, []node{text("UserName", u.Name), text("AccessKeyId", k.ID), text("Status", status(k.Active)), date("CreateDate", k.Created)})
	}
	return []node{boolean("IsTruncated", false), members("AccessKeyMetadata", lists...), text("UserName", u.Name)}, nil
}

// changeKey finds a user's access key and lets edit change it.
func (c *call) changeKey(edit func(u *user, at int)) error {
	id := c.required("AccessKeyId")
	name := c.ownOr("UserName")
	if err := c.err(); err != nil {
		return err
	}
	old, err := c.user(name)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(old.Keys, func(k accessKey) bool { return k.ID == id })
	if at < 0 {
		return fail("NoSuchEntity", "The Access Key with id %s cannot be found.", clip(id))
	}
	u := old.clone()
	edit(u, at)
	return c.commit([]entity{u})
}

func updateAccessKey(c *call) ([]node, error) {
	state := c.required("Status")
	if c.form.Has("Status") && state != "Active" && state != "Inactive" {
		c.problem("Status", state, "Member must satisfy enum value set: [Active, Inactive]")
	}
	return nil, c.changeKey(func(u *user, at int) { u.Keys[at].Active = state == "Active" })
}

func deleteAccessKey(c *call) ([]node, error) {
	return nil, c.changeKey(func(u *user, at int) { u.Keys = slices.Delete(u.Keys, at, at+1) })
}

// Groups.

func (c *call) group(name string) (*group, error) {
	if g := c.account.groups[strings.ToLower(name)]; g != nil {
		return g, nil
	}
	return nil, fail("NoSuchEntity", "The group with name %s cannot be found.", clip(name))
}

func groupARN(c *call) string {
	name := c.str("GroupName")
	c.s.mu.RLock()
	defer c.s.mu.RUnlock()
	if g := c.account.groups[strings.ToLower(name)]; g != nil {
		return g.arn()
	}
	path := c.str("Path")
	if !pathLike(path) {
		path = "/"
	}
	return "arn:aws:iam::" + c.account.id + ":group" + path + name
}

func describeGroup(g *group) []node {
	return []node{text("Path", g.Path), text("GroupName", g.Name), text("GroupId", g.ID), text("Arn", g.arn()), date("CreateDate", g.Created)}
}

func createGroup(c *call) ([]node, error) {
	name, path := c.name("GroupName", maxNameGroup), c.path("Path")
	if err := c.err(); err != nil {
		return nil, err
	}
	if c.account.groups[strings.ToLower(name)] != nil {
		return nil, fail("EntityAlreadyExists", "Group with name %s already exists.", name)
	}
	if len(c.account.groups) >= maxGroups {
		return nil, fail("LimitExceeded", "Cannot exceed quota for GroupsPerAccount: %d", maxGroups)
	}
	g := &group{common: c.newCommon(name, path, prefixGroup, nil)}
	return []node{element("Group", describeGroup(g)...)}, c.commit([]entity{g})
}

// inGroup is the users of a group.
func (c *call) inGroup(g *group) (all []*user) {
	for _, k := range sortedKeys(c.account.users) {
		if slices.ContainsFunc(c.account.users[k].Groups, func(n string) bool { return strings.EqualFold(n, g.Name) }) {
			all = append(all, c.account.users[k])
		}
	}
	return all
}

func getGroup(c *call) ([]node, error) {
	name := c.name("GroupName", maxNameGroup)
	if err := c.err(); err != nil {
		return nil, err
	}
	g, err := c.group(name)
	if err != nil {
		return nil, err
	}
	page, more := paged(c, c.inGroup(g), func(u *user) string { return strings.ToLower(u.Name) })
	var lists [][]node
	for _, u := range page {
		lists = append(lists, c.describeUser(u, false))
	}
	return append(more, element("Group", describeGroup(g)...), members("Users", lists...)), c.err()
}

func listGroups(c *call) ([]node, error) {
	var all []*group
	for _, k := range sortedKeys(c.account.groups) {
		if g := c.account.groups[k]; strings.HasPrefix(g.Path, c.str("PathPrefix")) {
			all = append(all, g)
		}
	}
	page, more := paged(c, all, func(g *group) string { return strings.ToLower(g.Name) })
	var lists [][]node
	for _, g := range page {
		lists = append(lists, describeGroup(g))
	}
	return append(more, members("Groups", lists...)), c.err()
}

func listGroupsForUser(c *call) ([]node, error) {
	name := c.name("UserName", maxNameUser)
	if err := c.err(); err != nil {
		return nil, err
	}
	u, err := c.user(name)
	if err != nil {
		return nil, err
	}
	var lists [][]node
	for _, n := range u.Groups {
		if g := c.account.groups[strings.ToLower(n)]; g != nil {
			lists = append(lists, describeGroup(g))
		}
	}
	return []node{boolean("IsTruncated", false), members("Groups", lists...)}, nil
}

func deleteGroup(c *call) ([]node, error) {
	name := c.name("GroupName", maxNameGroup)
	if err := c.err(); err != nil {
		return nil, err
	}
	g, err := c.group(name)
	if err != nil {
		return nil, err
	}
	switch {
	case len(c.inGroup(g)) > 0:
		return nil, fail("DeleteConflict", "Cannot delete entity, must remove users from group first.")
	case len(g.Attached) > 0:
		return nil, fail("DeleteConflict", "Cannot delete entity, must detach all policies first.")
	case len(g.Inline) > 0:
		return nil, fail("DeleteConflict", "Cannot delete entity, must delete policies first.")
	}
	return nil, c.commit(nil, g)
}

// membership changes whether a user is in a group.
func (c *call) membership(edit func(groups []string, name string) []string) error {
	name, userName := c.name("GroupName", maxNameGroup), c.name("UserName", maxNameUser)
	if err := c.err(); err != nil {
		return err
	}
	g, err := c.group(name)
	if err != nil {
		return err
	}
	old, err := c.user(userName)
	if err != nil {
		return err
	}
	u := old.clone()
	if u.Groups = edit(u.Groups, g.Name); len(u.Groups) > maxGroupsOfUser {
		return fail("LimitExceeded", "Cannot exceed quota for GroupsPerUser: %d", maxGroupsOfUser)
	}
	return c.commit([]entity{u})
}

func addUserToGroup(c *call) ([]node, error) {
	return nil, c.membership(func(groups []string, name string) []string {
		if i, found := slices.BinarySearch(groups, name); !found {
			groups = slices.Insert(groups, i, name)
		}
		return groups
	})
}

func removeUserFromGroup(c *call) ([]node, error) {
	return nil, c.membership(func(groups []string, name string) []string {
		return slices.DeleteFunc(groups, func(n string) bool { return n == name })
	})
}

// parsePolicy checks a document and its size, counted without blanks as IAM does.
func parsePolicy(document string, kind policy.Kind, most int, what string) error {
	n := 0
	for _, r := range document {
		switch {
		case strings.ContainsRune(" \t\r\n", r):
		default:
			n++
		}
		if !(r == 9 || r == 10 || r == 13 || r >= 0x20 && r <= 0xFF) {
			return fail("MalformedPolicyDocument", "The policy contains invalid characters.")
		}
	}
	if n > most {
		return fail("LimitExceeded", "Cannot exceed quota for %s: %d", what, most)
	}
	if _, err := policy.Parse([]byte(document), kind); err != nil {
		text := err.Error()
		return fail("MalformedPolicyDocument", "%s", strings.ToUpper(text[:1])+text[1:])
	}
	return nil
}

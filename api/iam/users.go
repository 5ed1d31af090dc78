package iam

import (
	"strings"
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

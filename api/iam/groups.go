package iam

import (
	"slices"
	"strings"
)

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

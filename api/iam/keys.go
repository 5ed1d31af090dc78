package iam

import (
	"slices"
)

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

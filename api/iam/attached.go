package iam

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/thawrun/thaw/api/policy"
)

// carrier is an entity that policies are put to and attached to, as a copy that can be changed.
type carrier struct {
	kind   string // User, Group or Role
	name   string
	entity entity
	grants *grants
	most   int // characters of all inline policies
}

// carrier finds the entity that a request names: by UserName, GroupName or RoleName.
func (c *call) carrier(kind string) (*carrier, error) {
	name := c.name(kind+"Name", map[string]int{"User": maxNameUser, "Group": maxNameGroup, "Role": maxNameRole}[kind])
	if err := c.err(); err != nil {
		return nil, err
	}
	switch kind {
	case "User":
		old, err := c.user(name)
		if err != nil {
			return nil, err
		}
		u := old.clone()
		return &carrier{kind, u.Name, u, &u.grants, maxInlineUser}, nil
	case "Group":
		old, err := c.group(name)
		if err != nil {
			return nil, err
		}
		g := old.clone()
		return &carrier{kind, g.Name, g, &g.grants, maxInlineGroup}, nil
	}
	old, err := c.role(name)
	if err != nil {
		return nil, err
	}
	r := old.clone()
	return &carrier{kind, r.Name, r, &r.grants, maxInlineRole}, nil
}

// inlineActions are the actions on the policies of one kind of entity.
func inlineActions(kind string) map[string]func(*call) ([]node, error) {
	lower := strings.ToLower(kind)
	noSuch := func(name string, h *carrier) error {
		return fail("NoSuchEntity", "The %s policy with name %s cannot be found.", lower, clip(name))
	}
	return map[string]func(*call) ([]node, error){
		"Put" + kind + "Policy": func(c *call) ([]node, error) {
			name, document := c.name("PolicyName", maxNamePolicy), c.required("PolicyDocument")
			h, err := c.carrier(kind)
			if err != nil {
				return nil, err
			}
			if h.grants.Inline == nil {
				h.grants.Inline = map[string]string{}
			}
			h.grants.Inline[name] = document
			all := strings.Join(slices.Collect(maps.Values(h.grants.Inline)), "")
			if err := parsePolicy(document, policy.Identity, h.most, "InlinePolicySize"); err != nil {
				return nil, err
			}
			if n := len(strings.Join(strings.Fields(all), "")); n > h.most {
				return nil, fail("LimitExceeded", "Maximum policy size of %d bytes exceeded for %s %s", h.most, lower, h.name)
			}
			return nil, c.commit([]entity{h.entity})
		},
		"Get" + kind + "Policy": func(c *call) ([]node, error) {
			name := c.name("PolicyName", maxNamePolicy)
			h, err := c.carrier(kind)
			if err != nil {
				return nil, err
			}
			document, ok := h.grants.Inline[name]
			if !ok {
				return nil, noSuch(name, h)
			}
			return []node{text(kind+"Name", h.name), text("PolicyName", name), text("PolicyDocument", escape(document))}, nil
		},
		"List" + kind + "Policies": func(c *call) ([]node, error) {
			h, err := c.carrier(kind)
			if err != nil {
				return nil, err
			}
			page, more := paged(c, sortedKeys(h.grants.Inline), func(s string) string { return s })
			return append(more, texts("PolicyNames", page)), c.err()
		},
		"Delete" + kind + "Policy": func(c *call) ([]node, error) {
			name := c.name("PolicyName", maxNamePolicy)
			h, err := c.carrier(kind)
			if err != nil {
				return nil, err
			}
			if _, ok := h.grants.Inline[name]; !ok {
				return nil, noSuch(name, h)
			}
			delete(h.grants.Inline, name)
			return nil, c.commit([]entity{h.entity})
		},
		"Attach" + kind + "Policy": func(c *call) ([]node, error) {
			arn := c.arn("PolicyArn")
			h, err := c.carrier(kind)
			if err != nil {
				return nil, err
			}
			if c.s.managedPolicy(c.account, arn) == nil {
				return nil, fail("NoSuchEntity", "Policy %s does not exist or is not attachable.", arn)
			}
			if i, found := slices.BinarySearch(h.grants.Attached, arn); !found {
				h.grants.Attached = slices.Insert(h.grants.Attached, i, arn)
			}
			if len(h.grants.Attached) > maxAttached {
				return nil, fail("LimitExceeded", "Cannot exceed quota for PoliciesPer%s: %d", kind, maxAttached)
			}
			return nil, c.commit([]entity{h.entity})
		},
		"Detach" + kind + "Policy": func(c *call) ([]node, error) {
			arn := c.arn("PolicyArn")
			h, err := c.carrier(kind)
			if err != nil {
				return nil, err
			}
			i, found := slices.BinarySearch(h.grants.Attached, arn)
			if !found {
				return nil, fail("NoSuchEntity", "Policy %s was not found.", arn)
			}
			h.grants.Attached = slices.Delete(h.grants.Attached, i, i+1)
			return nil, c.commit([]entity{h.entity})
		},
		"ListAttached" + kind + "Policies": func(c *call) ([]node, error) {
			h, err := c.carrier(kind)
			if err != nil {
				return nil, err
			}
			var arns []string
			for _, arn := range h.grants.Attached {
				if p := c.s.managedPolicy(c.account, arn); p != nil && strings.HasPrefix(p.Path, c.str("PathPrefix")) {
					arns = append(arns, arn)
				}
			}
			page, more := paged(c, arns, func(s string) string { return s })
			var lists [][]node
			for _, arn := range page {
				lists = append(lists, []node{text("PolicyName", arn[strings.LastIndexByte(arn, '/')+1:]), text("PolicyArn", arn)})
			}
			return append(more, members("AttachedPolicies", lists...)), c.err()
		},
	}
}

// boundaryActions set and remove the permissions boundary of users and roles.
func boundaryActions(kind string) map[string]func(*call) ([]node, error) {
	set := func(c *call, arn string) error {
		h, err := c.carrier(kind)
		if err != nil {
			return err
		}
		switch e := h.entity.(type) {
		case *user:
			e.Boundary = arn
		case *role:
			e.Boundary = arn
		}
		return c.commit([]entity{h.entity})
	}
	return map[string]func(*call) ([]node, error){
		"Put" + kind + "PermissionsBoundary": func(c *call) ([]node, error) {
			c.required("PermissionsBoundary")
			arn, err := c.boundary()
			if err = cmp.Or(c.err(), err); err != nil {
				return nil, err
			}
			return nil, set(c, arn)
		},
		"Delete" + kind + "PermissionsBoundary": func(c *call) ([]node, error) { return nil, set(c, "") },
	}
}

// tagActions are the actions on the tags of one kind of entity: User, Role or Policy.
func tagActions(kind string) map[string]func(*call) ([]node, error) {
	find := func(c *call) (entity, *common, error) {
		if kind == "Policy" {
			p, err := c.ownPolicy()
			if err != nil {
				return nil, nil, err
			}
			p = p.clone()
			return p, &p.common, nil
		}
		h, err := c.carrier(kind)
		if err != nil {
			return nil, nil, err
		}
		switch e := h.entity.(type) {
		case *user:
			return e, &e.common, nil
		case *role:
			return e, &e.common, nil
		}
		return nil, nil, fail("ValidationError", "%s has no tags", kind)
	}
	return map[string]func(*call) ([]node, error){
		"Tag" + kind: func(c *call) ([]node, error) {
			tags := c.tags()
			e, x, err := find(c)
			if err != nil {
				return nil, err
			}
			if x.Tags == nil {
				x.Tags = map[string]string{}
			}
			maps.Copy(x.Tags, tags)
			if len(x.Tags) > maxTags {
				return nil, fail("LimitExceeded", "Cannot exceed quota for TagsPer%s: %d", kind, maxTags)
			}
			return nil, c.commit([]entity{e})
		},
		"Untag" + kind: func(c *call) ([]node, error) {
			e, x, err := find(c)
			if err != nil {
				return nil, err
			}
			for _, k := range c.list("TagKeys") {
				delete(x.Tags, k)
			}
			return nil, c.commit([]entity{e})
		},
		"List" + kind + "Tags": func(c *call) ([]node, error) {
			_, x, err := find(c)
			if err != nil {
				return nil, err
			}
			return []node{boolean("IsTruncated", false), tagList(x.Tags)}, nil
		},
	}
}

package iam

import (
	"strings"

	"github.com/thawrun/thaw/api/policy"
)

// The policy simulator: what policies would say, without anything being done.

// simulateCustomPolicy evaluates policies that the request brings.
func simulateCustomPolicy(c *call) ([]node, error) {
	p := &policy.Policies{ResourceAccount: c.account.id}
	if len(c.list("PolicyInputList")) == 0 {
		c.required("PolicyInputList")
	}
	return c.simulate(p, &policy.Principal{Account: c.account.id, ARN: "arn:aws:iam::" + c.account.id + ":user/simulated"})
}

// simulatePrincipalPolicy evaluates the policies of a user, group or role, and those that the request brings besides.
func simulatePrincipalPolicy(c *call) ([]node, error) {
	arn := c.arn("PolicySourceArn")
	if err := c.err(); err != nil {
		return nil, err
	}
	name := strings.ToLower(arn[strings.LastIndexByte(arn, '/')+1:])
	var e *effective
	a := c.account
	if u := a.users[name]; u != nil && u.arn() == arn {
		e = c.s.policiesOf(a, u)
	} else if r := a.roles[name]; r != nil && r.arn() == arn {
		e = c.s.collect(a, &r.effective, r.Boundary, &r.grants)
	} else if g := a.groups[name]; g != nil && g.arn() == arn {
		e = c.s.collect(a, new(cache), "", &g.grants)
	} else {
		return nil, fail("NoSuchEntity", "The entity %s cannot be found.", arn)
	}
	p := &policy.Policies{Identity: e.policies, Boundary: e.boundary, ResourceAccount: a.id}
	return c.simulate(p, &policy.Principal{Account: a.id, ARN: arn})
}

// maxSimulated bounds actions, resources and context entries of one simulation.
const maxSimulated = 1000

func (c *call) simulate(p *policy.Policies, who *policy.Principal) ([]node, error) {
	actions, resources := c.list("ActionNames"), c.list("ResourceArns")
	if len(actions) == 0 {
		c.required("ActionNames")
	}
	if len(resources) == 0 {
		resources = []string{"*"}
	}
	if len(actions)*len(resources) > maxSimulated {
		c.problem("ActionNames", itoa(len(actions)), "Member must have length less than or equal to "+itoa(maxSimulated))
	}
	if owner := c.str("ResourceOwner"); owner != "" {
		if arn, ok := policy.ParseARN(owner); ok {
			p.ResourceAccount = arn.Account
		}
	}
	if caller := c.str("CallerArn"); caller != "" {
		arn, ok := policy.ParseARN(caller)
		if !ok {
			c.problem("CallerArn", caller, "Member must be an ARN")
		}
		who.ARN, who.Account = caller, arn.Account
	}
	if err := c.err(); err != nil {
		return nil, err
	}
	for _, text := range c.list("PolicyInputList") {
		if err := parsePolicy(text, policy.Identity, maxManaged, "PolicySize"); err != nil {
			return nil, err
		}
		d, err := policy.Parse([]byte(text), policy.Identity)
		if err != nil {
			return nil, err
		}
		p.Identity = append(p.Identity[:len(p.Identity):len(p.Identity)], d)
	}
	for _, text := range c.list("PermissionsBoundaryPolicyInputList") {
		d, err := policy.Parse([]byte(text), policy.Identity)
		if err != nil {
			return nil, fail("MalformedPolicyDocument", "%s", err)
		}
		p.Boundary = d
	}
	if text := c.str("ResourcePolicy"); text != "" {
		d, err := policy.Parse([]byte(text), policy.Resource)
		if err != nil {
			return nil, fail("MalformedPolicyDocument", "%s", err)
		}
		p.Resource = d
	}
	keys := policy.Keys{}
	for i := 1; i <= maxSimulated; i++ {
		head := "ContextEntries.member." + itoa(i)
		if !c.form.Has(head + ".ContextKeyName") {
			break
		}
		keys[strings.ToLower(c.str(head+".ContextKeyName"))] = c.list(head + ".ContextKeyValues")
	}
	var lists [][]node
	for _, action := range actions {
		for _, resource := range resources {
			decision := "implicitDeny"
			switch policy.Decide(&policy.Request{Principal: who, Actions: []string{action}, Resource: resource, Context: keys}, p) {
			case policy.Allowed:
				decision = "allowed"
			case policy.IdentityDeny, policy.ResourceDeny, policy.BoundaryDeny, policy.SessionDeny:
				decision = "explicitDeny"
			}
			lists = append(lists, []node{text("EvalActionName", action), text("EvalResourceName", resource), text("EvalDecision", decision), members("MatchedStatements"), members("MissingContextValues")})
		}
	}
	return []node{boolean("IsTruncated", false), members("EvaluationResults", lists...)}, nil
}

package iam

import (
	"strconv"
	"strings"

	"github.com/valyala/fasthttp"

	"github.com/thawrun/thaw/api"
	"github.com/thawrun/thaw/api/policy"
	"github.com/thawrun/thaw/api/sigv4"
)

func itoa(n int) string { return strconv.Itoa(n) }

func access(name, resource, account string) *api.Access {
	return &api.Access{Actions: []string{name}, Resource: resource, ResourceAccount: account}
}

func ownerOf(k *sigv4.Key) *api.Caller { return k.Owner.(*api.Caller) }

func (s *Service) tagsOf(c *api.Caller) map[string]string {
	var p policy.Policies
	tags, _ := s.carriers(c, &p)
	return tags
}

// ownDecision is what the caller's own policies alone say.
func (s *Service) ownDecision(ctx *fasthttp.RequestCtx, c *api.Caller, a *api.Access) policy.Decision {
	p := policy.Policies{ResourceAccount: c.Account}
	tags, ok := s.carriers(c, &p)
	if !ok {
		return policy.IdentityDeny
	}
	return policy.Decide(&policy.Request{Principal: &c.Principal, Actions: a.Actions, Resource: a.Resource, Context: &keys{s, ctx, c, a, tags}}, &p)
}

// actions are those of IAM and STS that this server has.
func actions() map[string]action {
	all := map[string]action{
		"GetCallerIdentity": {service: "sts", anybody: true, unlocked: true, run: getCallerIdentity},
		"AssumeRole":        {service: "sts", anybody: true, unlocked: true, run: assumeRole}, // decides by itself
		"GetSessionToken":   {service: "sts", anybody: true, unlocked: true, run: getSessionToken},
		"GetAccessKeyInfo":  {service: "sts", unlocked: true, run: getAccessKeyInfo},
	}
	add := func(resource func(*call) string, runs map[string]func(*call) ([]node, error)) {
		for name, run := range runs {
			all[name] = action{service: "iam", changes: !reads(name), run: run, resource: resource}
		}
	}
	type runs = map[string]func(*call) ([]node, error)
	add(nil, runs{"ListUsers": listUsers, "ListGroups": listGroups, "ListRoles": listRoles, "ListPolicies": listPolicies, "ListAccountAliases": listAccountAliases, "SimulateCustomPolicy": simulateCustomPolicy})
	add(func(c *call) string { return c.str("PolicySourceArn") }, runs{"SimulatePrincipalPolicy": simulatePrincipalPolicy})
	add(userARN, runs{
		"CreateUser": createUser, "GetUser": getUser, "UpdateUser": updateUser, "DeleteUser": deleteUser, "ListGroupsForUser": listGroupsForUser,
		"CreateAccessKey": createAccessKey, "ListAccessKeys": listAccessKeys, "UpdateAccessKey": updateAccessKey, "DeleteAccessKey": deleteAccessKey,
	})
	add(groupARN, runs{
		"CreateGroup": createGroup, "GetGroup": getGroup, "DeleteGroup": deleteGroup, "AddUserToGroup": addUserToGroup, "RemoveUserFromGroup": removeUserFromGroup,
	})
	add(roleARN, runs{
		"CreateRole": createRole, "GetRole": getRole, "UpdateRole": updateRole, "UpdateRoleDescription": updateRoleDescription,
		"UpdateAssumeRolePolicy": updateAssumeRolePolicy, "DeleteRole": deleteRole, "ListInstanceProfilesForRole": listInstanceProfilesForRole,
	})
	add(policyARN, runs{
		"CreatePolicy": createPolicy, "GetPolicy": getPolicy, "DeletePolicy": deletePolicy, "CreatePolicyVersion": createPolicyVersion,
		"GetPolicyVersion": getPolicyVersion, "ListPolicyVersions": listPolicyVersions, "DeletePolicyVersion": deletePolicyVersion,
		"SetDefaultPolicyVersion": setDefaultPolicyVersion, "ListEntitiesForPolicy": listEntitiesForPolicy,
	})
	for kind, resource := range map[string]func(*call) string{"User": userARN, "Group": groupARN, "Role": roleARN} {
		add(resource, inlineActions(kind))
	}
	for kind, resource := range map[string]func(*call) string{"User": userARN, "Role": roleARN} {
		add(resource, boundaryActions(kind))
		add(resource, tagActions(kind))
	}
	add(policyARN, tagActions("Policy"))
	return all
}

// reads says whether an action changes nothing, which its name tells.
func reads(name string) bool {
	return strings.HasPrefix(name, "Get") || strings.HasPrefix(name, "List") || strings.HasPrefix(name, "Simulate")
}

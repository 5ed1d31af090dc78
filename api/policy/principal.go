package policy

import (
	"errors"
	"fmt"
	"strings"
)

// Principal is who sent a request: the root user of an account, a user, a session of a role, or a service.
type Principal struct {
	Account string // twelve digits; empty for services
	ARN     string // of the root user, the user or the session; empty for services
	Role    string // of a session: its role's ARN
	Root    bool
	Service string // for example "s3.amazonaws.com"; else empty
}

// match is how a policy's Principal element names a principal; the higher, the closer.
type match uint8

const (
	unnamed   match = iota
	byAccount       // by its account: leaves it to that account to give its identities permission
	byRole          // a session by its role
	byName          // by its own ARN, as a service, or as everybody
)

// principals is a Principal or NotPrincipal element.
type principals struct {
	everybody bool
	aws       []string // accounts and ARNs
	services  []string
	others    bool // federated or canonical users, who can't exist here
}

// names says how an element names a principal.
func (e *principals) names(p *Principal) match {
	if e.everybody {
		return byName
	}
	best := unnamed
	if p.Service != "" {
		for _, s := range e.services {
			if s == p.Service {
				return byName
			}
		}
		return unnamed
	}
	for _, a := range e.aws {
		switch {
		case a == p.ARN && !p.Root:
			return byName
		case a == p.Role && p.Role != "":
			best = max(best, byRole)
		case a == p.Account || isRoot(a, p.Account):
			best = max(best, byAccount)
		}
	}
	return best
}

// exempts says whether a NotPrincipal element leaves out a principal. It does if it lists everything that the principal is:
// its account and itself, and for a session its role as well (IAM User Guide, "NotPrincipal").
func (e *principals) exempts(p *Principal) bool {
	if e.everybody {
		return true
	}
	if p.Service != "" {
		return e.names(p) == byName
	}
	var account, role, self bool
	for _, a := range e.aws {
		account = account || a == p.Account || isRoot(a, p.Account)
		role = role || a == p.Role
		self = self || a == p.ARN
	}
	return account && (p.Root || self) && (p.Role == "" || role)
}

// isRoot says whether an ARN names an account as a whole.
func isRoot(arn, account string) bool {
	tail, ok := strings.CutSuffix(arn, ":root")
	head, id, found := strings.Cut(tail, ":iam::")
	return ok && found && id == account && strings.HasPrefix(head, "arn:")
}

func parsePrincipals(raw any) (*principals, error) {
	e := &principals{}
	if s, ok := raw.(string); ok {
		if s != "*" {
			return nil, fmt.Errorf("invalid principal in policy: %q", s)
		}
		e.everybody = true
		return e, nil
	}
	object, ok := raw.(map[string]any)
	if !ok || len(object) == 0 {
		return nil, errors.New("invalid principal in policy: it must be \"*\" or an object")
	}
	for kind, value := range object {
		list, err := stringList(value, "Principal "+kind)
		if err != nil {
			return nil, err
		}
		for _, s := range list {
			switch kind {
			case "AWS":
				if s == "*" {
					e.everybody = true
					continue
				}
				if !IsAccount(s) && !principalARN(s) {
					return nil, fmt.Errorf("invalid principal in policy: \"AWS\":%q", s)
				}
				e.aws = append(e.aws, s)
			case "Service":
				if s == "" || strings.ContainsAny(s, "*? ") {
					return nil, fmt.Errorf("invalid principal in policy: \"SERVICE\":%q", s)
				}
				e.services = append(e.services, s)
			case "Federated", "CanonicalUser":
				e.others = true
			default:
				return nil, fmt.Errorf("invalid principal in policy: unknown kind %q", kind)
			}
		}
	}
	return e, nil
}

// principalARN says whether an ARN names an identity: the root user, a user, a role or a session of a role.
func principalARN(s string) bool {
	a, ok := ParseARN(s)
	if !ok || a.Region != "" || !IsAccount(a.Account) || strings.ContainsAny(s, "*?") {
		return false
	}
	kind, name, _ := strings.Cut(a.Resource, "/")
	switch a.Service {
	case "iam":
		return a.Resource == "root" || (kind == "user" || kind == "role") && name != ""
	case "sts":
		return (kind == "assumed-role" || kind == "federated-user") && name != ""
	}
	return false
}

package iam

import (
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

// Package policy reads and evaluates policies in IAM's language: identity policies (of users, groups and roles), resource
// policies (of functions) and trust policies (of roles), with session policies and permissions boundaries.
//
//	d, err := policy.Parse(text, policy.Identity)
//	decision := policy.Decide(&policy.Request{Principal: caller, Actions: []string{"lambda:GetFunction"}, Resource: arn, Context: ctx},
//		&policy.Policies{Identity: []*policy.Document{d}, ResourceAccount: "123456789012"})
//
// The rules are those of the IAM User Guide, "Policy evaluation logic": an explicit Deny anywhere wins; within an account an
// Allow of an identity policy or of a resource policy suffices; between accounts both are needed; services have nothing but
// resource policies; the root user may do everything in its account. A document is checked when it is parsed, so that
// evaluating one can't fail. Documents are immutable and may be used by many goroutines at once.
//
// The package knows no service: actions, resources and condition keys are the caller's.
package policy

package engine

import (
	"context"
	"time"
)

// Credentials are the temporary credentials of a function's role, which its code finds in its environment. Without an
// AccessKeyID there are none.
type Credentials struct {
	AccessKeyID, SecretAccessKey, SessionToken string

	// Issued and Expires bound their life. The engine gives them to new instances during its first half, and ends instances
	// whose credentials would not last for another invocation.
	Issued, Expires time.Time
}

// appendTo appends the environment variables, as alternating keys and values.
func (c *Credentials) appendTo(env []string) []string {
	if c.AccessKeyID == "" {
		return env
	}
	return append(env, "AWS_ACCESS_KEY_ID", c.AccessKeyID, "AWS_SECRET_ACCESS_KEY", c.SecretAccessKey, "AWS_SESSION_TOKEN", c.SessionToken)
}

// credentialMargin is what must be left of credentials at the end of an invocation that takes all of its time.
const credentialMargin = 5 * time.Minute

// credentials returns credentials for a new instance. Instances of a version share them.
func (v *version) credentials(ctx context.Context) (Credentials, error) {
	now := time.Now()
	v.mu.Lock()
	c := v.shared
	v.mu.Unlock()
	if now.Before(c.Issued.Add(c.Expires.Sub(c.Issued) / 2)) {
		return c, nil
	}
	c, err := v.f.Credentials(ctx)
	if err != nil {
		return c, err
	}
	v.mu.Lock()
	v.shared = c
	v.mu.Unlock()
	return c, nil
}

// stale says whether the instance's credentials could expire during the next invocation.
func (in *instance) stale(now time.Time) bool {
	return !in.expires.IsZero() && in.expires.Before(now.Add(in.v.f.Timeout+credentialMargin))
}

package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/thawrun/thaw/api"
	"github.com/thawrun/thaw/api/audit"
	"github.com/thawrun/thaw/api/iam"
)

// executionRole is the role that every account begins with, called as in the guide's examples: Lambda may assume it, and it may
// write logs.
const executionRole = "lambda_basic_execution"

// identities makes the accounts with their root users and puts them in front of the API, as far as the settings want that.
func (n *node) identities(ctx context.Context, c *api.Config) error {
	cfg := n.cfg
	roots, made, err := rootCredentials(cfg.Data, n.url(), cfg.Region, cfg.accounts())
	if err != nil {
		return err
	}
	key, err := n.store.Secret("sessions")
	if err != nil {
		return fmt.Errorf("session key: %w", err)
	}
	if err := n.audit(); err != nil {
		return err
	}
	settings := iam.Config{
		Storage: n.store.Bucket("iam"), Region: cfg.Region, Roots: roots, SessionKey: key, Open: cfg.Auth == "none", PermissiveRoles: cfg.permissiveRoles(), Logger: n.log,
	}
	if n.trail != nil {
		settings.Audit = n.trail.Record
	}
	service, err := iam.New(settings)
	if err != nil {
		return err
	}
	for _, account := range made {
		if err := service.CreateExecutionRole(ctx, account, executionRole); err != nil {
			return err
		}
	}
	if n.trail != nil {
		c.Audit = n.trail.Record
	}
	if cfg.EgressEndpoint {
		c.FunctionEnv = map[string]string{"AWS_ENDPOINT_URL": n.url()}
	}
	c.RoleCredentials = service.FunctionCredentials
	c.Accounts, c.Doors = service.Hosts, append(c.Doors, service)
	if cfg.Auth != "none" {
		c.Auth = service
	}
	n.identity = service
	return nil
}

// audit opens the audit log where the settings want it.
func (n *node) audit() (err error) {
	c := audit.Config{Region: n.cfg.Region, Errors: n.log}
	if strings.Contains(n.cfg.Audit, "files") {
		c.Dir = filepath.Join(n.cfg.Data, "audit")
	}
	if strings.Contains(n.cfg.Audit, "log") {
		c.Stream = n.log
	}
	if c.Dir != "" || c.Stream != nil {
		n.trail, err = audit.Open(c)
	}
	return err
}

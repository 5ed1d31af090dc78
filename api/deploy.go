package api

import (
	"context"
	"fmt"
	"maps"
	"strconv"
	"time"

	"github.com/thawrun/thaw/engine"
	"github.com/thawrun/thaw/engine/store"
)

// deploy brings the engine in line with the record of a function's version (0 = $LATEST): one that is gone is removed, one that
// was never invoked is left alone unless wanted or to be kept warm. It reads the record itself, under a lock, so that the
// engine ends with the last acknowledged change whatever the order in which requests get here.
func (s *Server) deploy(ctx context.Context, account, name string, number uint64, wanted bool) error {
	s.deploying.Lock()
	defer s.deploying.Unlock()
	return s.deployLocked(ctx, account, name, number, wanted)
}

func (s *Server) deployLocked(ctx context.Context, account, name string, number uint64, wanted bool) error {
	key := s.versionKey(account, name, number)
	f, ok := s.cfg.Store.Function(account, s.cfg.Region, name)
	var v *store.Version
	if ok {
		v = f.Version(number)
	}
	if v == nil {
		s.cfg.Engine.Remove(key)
		delete(s.deployed[s.arn(account, name)], number)
		if len(s.deployed[s.arn(account, name)]) == 0 {
			delete(s.deployed, s.arn(account, name))
		}
		if wanted {
			return s.notFound(functionRef{account: account, name: name})
		}
		return nil
	}
	warm := provisioned(f, v)
	if _, deployed := s.cfg.Engine.Deployed(key); !deployed && !wanted && warm == 0 {
		return nil
	}
	reserved := -1
	if f.Reserved != nil {
		reserved = *f.Reserved
	}
	arn := s.arn(account, name)
	d := engine.Function{
		Key: key, Account: account, Name: name, Version: v.Label(), ARN: arn, Runtime: v.Runtime,
		// What may change without the version itself is part of the revision.
		Revision: v.RevisionID + " " + strconv.Itoa(reserved) + " " + strconv.Itoa(warm) + " " + strconv.Itoa(int(isolation(f.Tags))),
		Handler:  v.Handler, MemoryMB: v.MemorySize, Timeout: time.Duration(v.Timeout) * time.Second, TmpMB: v.TmpSize, Env: v.Environment,
		LogGroup:   v.LogGroup,
		CodeSHA256: v.CodeSHA256, Code: func(ctx context.Context) ([]byte, error) { return s.cfg.Store.Code(ctx, v.CodeSHA256) },
		Subnets: subnets(v.VPC), SnapStart: v.SnapStart == "PublishedVersions", Isolation: isolation(f.Tags), Reserved: reserved, ReservedGroup: arn, Prewarm: warm,
	}
	if len(s.cfg.FunctionEnv) > 0 {
		d.Env = maps.Clone(s.cfg.FunctionEnv)
		maps.Copy(d.Env, v.Environment)
	}
	if s.cfg.RoleCredentials != nil {
		d.Credentials = func(context.Context) (engine.Credentials, error) { return s.cfg.RoleCredentials(account, v.Role, name) }
	}
	if len(v.Layers) > 0 {
		d.Layers = func(ctx context.Context) ([][]byte, error) { return s.layerCode(ctx, v.Layers) }
	}
	if _, err := s.cfg.Engine.Deploy(ctx, d); err != nil {
		return fmt.Errorf("deploy %s: %w", key, err)
	}
	if s.deployed[arn] == nil {
		s.deployed[arn] = map[uint64]bool{}
	}
	s.deployed[arn][number] = true
	return nil
}

// deployAll brings the engine in line with every version of a function.
func (s *Server) deployAll(ctx context.Context, account, name string) error {
	s.deploying.Lock()
	defer s.deploying.Unlock()
	numbers := map[uint64]bool{}
	for n := range s.deployed[s.arn(account, name)] {
		numbers[n] = true
	}
	if f, ok := s.cfg.Store.Function(account, s.cfg.Region, name); ok {
		for q, c := range f.Qualified {
			if c.Provisioned != nil {
				if v := versionOf(f, q); v != nil {
					numbers[v.Number] = true
				}
			}
		}
	}
	for n := range numbers {
		if err := s.deployLocked(ctx, account, name, n, false); err != nil {
			return err
		}
	}
	return nil
}

// warmUp deploys what is to be kept warm, as after a start.
func (s *Server) warmUp() {
	s.cfg.Store.All(func(f *store.Function) bool {
		for _, q := range f.Qualified {
			if q.Provisioned != nil {
				if err := s.deployAll(s.base, f.Account, f.Name); err != nil {
					s.log.Warn("provisioned concurrency", "function", f.Name, "error", err)
				}
				break
			}
		}
		return s.base.Err() == nil
	})
}

// provisioned is the number of instances that are kept ready for a version, under its number or an alias.
func provisioned(f *store.Function, v *store.Version) (n int) {
	for q, c := range f.Qualified {
		if c.Provisioned == nil {
			continue
		}
		if q == v.Label() || c.Alias != nil && c.Alias.Version == v.Label() {
			n += c.Provisioned.Requested
		}
	}
	return n
}

// subnets are those that a function's VPC configuration names: they choose the networks that it may reach.
func subnets(vpc *store.VPC) []string {
	if vpc == nil {
		return nil
	}
	return vpc.SubnetIDs
}

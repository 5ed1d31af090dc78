// Package iam is the identity side of the API: accounts with their root users, users, groups, roles and policies; the subset
// of the IAM and STS query protocols that manages them; the authentication of requests (package sigv4) and their
// authorisation (package policy); and the temporary credentials of sessions, functions' among them.
//
//	s, err := iam.New(iam.Config{Storage: storage, Region: "us-east-1", Roots: roots, SessionKey: key})
//	server, err := api.New(api.Config{Auth: s, Doors: []api.Door{s}, ...})
//
// Identities live in memory, compiled, and are stored by way of Storage before a change is acknowledged. Root credentials are
// the embedder's to keep. Session tokens hold what they stand for, sealed with SessionKey: sessions are stored nowhere and
// survive restarts. A session ends with its role or user.
//
// # Order of locks
//
// Service.write before Service.mu; storage is only called with write held.
package iam

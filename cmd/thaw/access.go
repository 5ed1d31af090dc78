package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/thawrun/thaw/api/iam"
)

// access is how clients get at a server: the file access.json in the data folder, which only its owner can read. The server
// makes it at its first start and notes its address in it; the root users' keys in it are those that the server honours.
type access struct {
	Endpoint string       `json:"endpoint"` // of the last start
	Region   string       `json:"region"`
	Accounts []rootAccess `json:"accounts"`
}

type rootAccess struct {
	Account         string `json:"account"`
	AccessKeyID     string `json:"accessKeyId"`
	SecretAccessKey string `json:"secretAccessKey"`
}

func accessFile(data string) string { return filepath.Join(data, "access.json") }

// readAccess reads a data folder's access file. Without one the error is fs.ErrNotExist.
func readAccess(data string) (*access, error) {
	b, err := os.ReadFile(accessFile(data))
	if err != nil {
		return nil, err
	}
	a := new(access)
	if err := json.Unmarshal(b, a); err != nil {
		return nil, fmt.Errorf("%s: %w", accessFile(data), err)
	}
	return a, nil
}

func (a *access) of(account string) *rootAccess {
	for i := range a.Accounts {
		if a.Accounts[i].Account == account {
			return &a.Accounts[i]
		}
	}
	return nil
}

// write replaces the file as a whole.
func (a *access) write(data string) error {
	b, err := json.MarshalIndent(a, "", "  ")
	if err != nil {
		return err
	}
	tmp, err := os.CreateTemp(data, "access-*") // mode 0600
	if err != nil {
		return fmt.Errorf("root credentials: %w", err)
	}
	_, err = tmp.Write(append(b, '\n'))
	if err = errors.Join(err, tmp.Sync(), tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), accessFile(data))
	}
	if err != nil {
		_ = os.Remove(tmp.Name())
		return fmt.Errorf("root credentials: %w", err)
	}
	return nil
}

// rootCredentials makes sure that every account has a root user, and notes where the server is. made are the accounts that had
// none before.
func rootCredentials(data, endpoint, region string, accounts []string) (roots []iam.Root, made []string, err error) {
	a, err := readAccess(data)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		a = &access{}
	case err != nil:
		return nil, nil, err
	}
	for _, id := range accounts {
		r := a.of(id)
		if r == nil {
			key, secret := iam.NewAccessKey()
			a.Accounts = append(a.Accounts, rootAccess{id, key, secret})
			r = &a.Accounts[len(a.Accounts)-1]
			made = append(made, id)
		}
		roots = append(roots, iam.Root{Account: id, AccessKeyID: r.AccessKeyID, SecretAccessKey: r.SecretAccessKey})
	}
	a.Endpoint, a.Region = endpoint, region
	return roots, made, a.write(data)
}

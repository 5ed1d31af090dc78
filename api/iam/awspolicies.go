package iam

import (
	"embed"
	"path"
	"strings"
	"time"
)

//go:embed policies
var policyFiles embed.FS

// awsPolicies are the policies that AWS manages, by ARN: those that the guide names. Each lies in policies/, below its path.
func awsPolicies() (map[string]*managed, error) {
	all := map[string]*managed{}
	created := time.Date(2016, 11, 21, 0, 0, 0, 0, time.UTC)
	for _, dir := range []string{"policies", "policies/service-role"} {
		files, err := policyFiles.ReadDir(dir)
		if err != nil {
			return nil, err
		}
		for _, f := range files {
			if f.IsDir() {
				continue
			}
			document, err := policyFiles.ReadFile(path.Join(dir, f.Name()))
			if err != nil {
				return nil, err
			}
			name := strings.TrimSuffix(f.Name(), ".json")
			p := &managed{
				common:  common{Account: awsAccount, Name: name, Path: strings.TrimPrefix(dir, "policies") + "/", ID: stableID(name), Created: created},
				Updated: created, Versions: []managedVersion{{"v1", string(document), created}}, Default: "v1",
			}
			if err := p.prepare(); err != nil {
				return nil, err
			}
			all[p.arn()] = p
		}
	}
	return all, nil
}

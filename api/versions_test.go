package api

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/thawrun/thaw/engine"
)

const functionARN = "arn:aws:lambda:us-east-1:123456789012:function:"

// versionShape is what the tests of versions look at.
type versionShape struct {
	Version, FunctionArn, CodeSha256, Description, RevisionId string
	Timeout                                                   int
}

func (x *fixture) publish(name string, in fields) versionShape {
	x.Helper()
	a := x.do("POST", functionsPath+"/"+name+"/versions", in)
	if a.status != 201 {
		x.Fatalf("publish %s: %d %s", name, a.status, a.body)
	}
	return decodeInto[versionShape](x, a.body)
}

func (x *fixture) update(name string, in fields) versionShape {
	x.Helper()
	path := "/configuration"
	if in["ZipFile"] != nil {
		path = "/code"
	}
	a := x.do("PUT", functionsPath+"/"+name+path, in)
	if a.status != 200 {
		x.Fatalf("update %s: %d %s", name, a.status, a.body)
	}
	return decodeInto[versionShape](x, a.body)
}

func TestPublishVersion(t *testing.T) {
	x := newFixture(t)
	latestOne := decodeInto[versionShape](t, x.create("f", fields{"Description": "first"}).body)
	one := x.publish("f", nil)
	if one.Version != "1" || one.FunctionArn != functionARN+"f:1" || one.CodeSha256 != latestOne.CodeSha256 || one.Description != "first" || one.RevisionId == latestOne.RevisionId {
		t.Errorf("%+v", one)
	}
	// Nothing changed: the same version, whatever the description.
	if again := x.publish("f", fields{"Description": "other"}); again != one {
		t.Errorf("published again: %+v", again)
	}
	x.update("f", fields{"Timeout": 7})
	two := x.publish("f", fields{"Description": "second"})
	if two.Version != "2" || two.Description != "second" || two.Timeout != 7 {
		t.Errorf("%+v", two)
	}
	if again := x.publish("f", nil); again != two {
		t.Errorf("published again: %+v", again)
	}
	code := zipOf("app.py", "new")
	three := x.update("f", fields{"ZipFile": code, "Publish": true})
	if three.Version != "3" || three.FunctionArn != functionARN+"f:3" {
		t.Errorf("%+v", three)
	}
	if again := x.update("f", fields{"ZipFile": code, "Publish": true}); again.Version != "3" {
		t.Errorf("the same code again: %+v", again)
	}
	// Published versions stay what they were.
	if got := decodeInto[versionShape](t, x.do("GET", functionsPath+"/f/configuration?Qualifier=1", nil).body); got != one {
		t.Errorf("version 1 became %+v", got)
	}
	if got := decodeInto[struct{ Configuration versionShape }](t, x.do("GET", functionsPath+"/f%3A2", nil).body); got.Configuration != two {
		t.Errorf("version 2 became %+v", got)
	}
	x.wantError(x.do("PUT", functionsPath+"/f%3A1/configuration", fields{"Timeout": 1}), "InvalidParameterValueException", "permitted on Lambda functions only")
	x.wantError(x.do("PUT", functionsPath+"/f%3A1/code", fields{"ZipFile": code}), "InvalidParameterValueException", "permitted on Lambda functions only")

	x.wantError(x.do("POST", functionsPath+"/f/versions", fields{"CodeSha256": one.CodeSha256}), "InvalidParameterValueException", "is different from current CodeSHA256 in $LATEST")
	x.wantError(x.do("POST", functionsPath+"/f/versions", fields{"RevisionId": one.RevisionId}), "PreconditionFailedException", "Revision Id")
	x.wantError(x.do("POST", functionsPath+"/g/versions", nil), "ResourceNotFoundException", "function:g")
	x.wantError(x.do("GET", functionsPath+"/f?Qualifier=4", nil), "ResourceNotFoundException", "function:f:4")
	x.wantError(x.do("GET", functionsPath+"/f?Qualifier=01", nil), "ResourceNotFoundException", "function:f:01")

	list := decodeInto[struct {
		Versions   []versionShape
		NextMarker *string
	}](t, x.do("GET", functionsPath+"/f/versions", nil).body)
	if len(list.Versions) != 4 || list.NextMarker != nil || list.Versions[0].FunctionArn != functionARN+"f:$LATEST" || list.Versions[3] != three {
		t.Errorf("%+v", list)
	}
	// Numbers are never used again, not even by a function of the same name.
	x.do("DELETE", functionsPath+"/f?Qualifier=3", nil)
	x.wantError(x.do("GET", functionsPath+"/f?Qualifier=3", nil), "ResourceNotFoundException", "function:f:3")
	if v := x.publish("f", nil); v.Version != "4" {
		t.Errorf("after a deletion: %+v", v)
	}
	if a := x.do("DELETE", functionsPath+"/f", nil); a.status != 204 {
		t.Errorf("%d %s", a.status, a.body)
	}
	created := decodeInto[versionShape](t, x.create("f", fields{"Publish": true}).body)
	if created.Version != "5" || created.FunctionArn != functionARN+"f" {
		t.Errorf("created anew: %+v", created)
	}
	if v := decodeInto[versionShape](t, x.create("fresh", fields{"Publish": true}).body); v.Version != "1" {
		t.Errorf("%+v", v)
	}
	x.wantError(x.do("DELETE", functionsPath+"/f?Qualifier=1", nil), "ResourceNotFoundException", "function:f:1")
	x.wantError(x.do("DELETE", functionsPath+"/f?Qualifier=%24LATEST", nil), "InvalidParameterValueException", "$LATEST")
}

// What is published together with an upload is that upload, whoever uploads at the same time.
func TestPublishIsAtomic(t *testing.T) {
	x := newFixture(t)
	x.create("f", nil)
	var all sync.WaitGroup
	var mu sync.Mutex
	seen := map[string]string{}
	for i := range 8 {
		all.Go(func() {
			for j := range 5 {
				code := zipOf("app.py", fmt.Sprint(i, j))
				v := x.update("f", fields{"ZipFile": code, "Publish": true})
				mu.Lock()
				if seen[v.Version] != "" {
					t.Errorf("two uploads became version %s", v.Version)
				}
				seen[v.Version] = v.CodeSha256
				mu.Unlock()
				if want := decodeInto[versionShape](t, x.do("GET", functionsPath+"/f/configuration?Qualifier="+v.Version, nil).body); want.CodeSha256 != v.CodeSha256 {
					t.Errorf("version %s is %s, published was %s", v.Version, want.CodeSha256, v.CodeSha256)
				}
			}
		})
	}
	all.Wait()
	if len(seen) != 40 {
		t.Errorf("%d versions", len(seen))
	}
}

func TestAliases(t *testing.T) {
	x := newFixture(t)
	x.create("f", nil)
	x.publish("f", nil)
	x.update("f", fields{"Timeout": 9})
	x.publish("f", nil)
	const path = functionsPath + "/f/aliases"
	a := x.do("POST", path, fields{"Name": "PROD", "FunctionVersion": "1", "Description": "d"})
	prod := decodeInto[aliasConfiguration](t, a.body)
	if a.status != 201 || prod.AliasArn != functionARN+"f:PROD" || prod.FunctionVersion != "1" || prod.Description != "d" || prod.RevisionId == "" || prod.RoutingConfig != nil {
		t.Fatalf("%d %s", a.status, a.body)
	}
	for _, c := range []struct {
		in          fields
		name, wants string
	}{
		{fields{"Name": "PROD", "FunctionVersion": "2"}, "ResourceConflictException", "Alias already exists: " + functionARN + "f:PROD"},
		{fields{"Name": "9", "FunctionVersion": "01234x"}, "InvalidParameterValueException", "2 validation errors detected"},
		{fields{}, "InvalidParameterValueException", "2 validation errors detected: Value null at 'functionVersion' failed to satisfy constraint: Member must not be null; Value null at 'name'"},
		{fields{"Name": "x", "FunctionVersion": "9"}, "ResourceNotFoundException", "Function not found: " + functionARN + "f:9"},
		{fields{"Name": "x", "FunctionVersion": "PROD"}, "InvalidParameterValueException", "functionVersion"},
		{fields{"Name": "x", "FunctionVersion": "1", "RoutingConfig": fields{"AdditionalVersionWeights": fields{"2": 1.5}}}, "InvalidParameterValueException", "less than or equal to 1.0"},
		{fields{"Name": "x", "FunctionVersion": "1", "RoutingConfig": fields{"AdditionalVersionWeights": fields{"1": 0.5}}}, "InvalidParameterValueException", "already included"},
		{fields{"Name": "x", "FunctionVersion": "$LATEST", "RoutingConfig": fields{"AdditionalVersionWeights": fields{"1": 0.5}}}, "InvalidParameterValueException", "$LATEST is not supported"},
		{fields{"Name": "x", "FunctionVersion": "1", "RoutingConfig": fields{"AdditionalVersionWeights": fields{"7": 0.5}}}, "ResourceNotFoundException", "f:7"},
		{fields{"Name": "x", "FunctionVersion": "1", "RoutingConfig": fields{"AdditionalVersionWeights": fields{"7": 0.5, "2": 0.1}}}, "InvalidParameterValueException", "cannot be greater than 1"},
		{fields{"Name": "x", "FunctionVersion": "1", "Description": strings.Repeat("x", 257)}, "InvalidParameterValueException", "256"},
	} {
		x.wantError(x.do("POST", path, c.in), c.name, c.wants)
	}
	if a := x.do("POST", path, fields{"Name": "DEV", "FunctionVersion": "$LATEST"}); a.status != 201 {
		t.Errorf("%d %s", a.status, a.body)
	}

	// What is not given stays.
	updated := decodeInto[aliasConfiguration](t, x.do("PUT", path+"/PROD", fields{"FunctionVersion": "2", "RevisionId": prod.RevisionId}).body)
	if updated.FunctionVersion != "2" || updated.Description != "d" || updated.RevisionId == prod.RevisionId {
		t.Errorf("%+v", updated)
	}
	x.wantError(x.do("PUT", path+"/PROD", fields{"RevisionId": prod.RevisionId}), "PreconditionFailedException", "Revision Id")
	x.wantError(x.do("PUT", path+"/none", fields{}), "ResourceNotFoundException", "Cannot find alias arn: "+functionARN+"f:none")
	x.wantError(x.do("GET", path+"/none", nil), "ResourceNotFoundException", "Cannot find alias arn")
	x.wantError(x.do("GET", path+"/7", nil), "InvalidParameterValueException", "at 'name'")
	if got := decodeInto[aliasConfiguration](t, x.do("GET", path+"/PROD", nil).body); got != updated {
		t.Errorf("%+v", got)
	}
	if got := decodeInto[versionShape](t, x.do("GET", functionsPath+"/f/configuration?Qualifier=PROD", nil).body); got.Version != "2" || got.FunctionArn != functionARN+"f:PROD" || got.Timeout != 9 {
		t.Errorf("%+v", got)
	}

	names := func(query string) string {
		list := decodeInto[struct{ Aliases []aliasConfiguration }](t, x.do("GET", path+query, nil).body)
		var all []string
		for _, a := range list.Aliases {
			all = append(all, a.Name)
		}
		return strings.Join(all, " ")
	}
	if got := names("") + "|" + names("?FunctionVersion=2") + "|" + names("?FunctionVersion=1") + "|" + names("?MaxItems=1") + "|" + names("?Marker=DEV"); got != "DEV PROD|PROD||DEV|PROD" {
		t.Errorf("listed %s", got)
	}
	x.wantError(x.do("DELETE", functionsPath+"/f?Qualifier=2", nil), "ResourceConflictException", "Version '2' currently used by: [PROD]")
	x.wantError(x.do("DELETE", functionsPath+"/f?Qualifier=PROD", nil), "InvalidParameterValueException", "Deletion of aliases")
	for range 2 { // the second time there is nothing, which is no error
		if a := x.do("DELETE", path+"/PROD", nil); a.status != 204 || a.body != "" {
			t.Errorf("%d %s", a.status, a.body)
		}
	}
	if a := x.do("DELETE", functionsPath+"/f?Qualifier=2", nil); a.status != 204 {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestInvokingQualifiers(t *testing.T) {
	x := newFixture(t)
	x.engine.serve = func(f engine.Function, req *engine.Request, resp *engine.Response) error {
		resp.Payload = append(resp.Payload, marshal([]any{f.Version, req.InvokedARN, int(f.Timeout.Seconds())})...)
		return nil
	}
	x.create("f", fields{"Timeout": 1, "Publish": true})
	x.update("f", fields{"Timeout": 2})
	x.publish("f", nil)
	x.update("f", fields{"Timeout": 3})
	x.do("POST", functionsPath+"/f/aliases", fields{"Name": "live", "FunctionVersion": "1"})
	for qualifier, want := range map[string]string{
		"": `["$LATEST","` + functionARN + `f",3]`, "$LATEST": `["$LATEST","` + functionARN + `f:$LATEST",3]`, "1": `["1","` + functionARN + `f:1",1]`, "2": `["2","` + functionARN + `f:2",2]`,
		"live": `["1","` + functionARN + `f:live",1]`,
	} {
		var in []any
		if err := json.Unmarshal([]byte(want), &in); err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{"/f/invocations?Qualifier=" + qualifier, "/f:" + qualifier + "/invocations"} {
			if qualifier == "" {
				path = "/f/invocations"
			}
			if a := x.do("POST", functionsPath+path, `{}`); a.body != want || a.header.Get("X-Amz-Executed-Version") != in[0] {
				t.Errorf("%s: %d %s, version %s", path, a.status, a.body, a.header.Get("X-Amz-Executed-Version"))
			}
		}
	}
	x.wantError(x.invoke("f:3", `{}`), "ResourceNotFoundException", "f:3")
	x.wantError(x.invoke("f:gone", `{}`), "ResourceNotFoundException", "f:gone")

	// An alias leads elsewhere at once; with weights to both.
	x.do("PUT", functionsPath+"/f/aliases/live", fields{"FunctionVersion": "2"})
	if a := x.invoke("f:live", `{}`); !strings.HasPrefix(a.body, `["2"`) {
		t.Errorf("%s", a.body)
	}
	x.do("PUT", functionsPath+"/f/aliases/live", fields{"RoutingConfig": fields{"AdditionalVersionWeights": fields{"1": 0.3}}})
	n := map[string]int{}
	for range 1000 {
		n[x.invoke("f:live", `{}`).header.Get("X-Amz-Executed-Version")]++
	}
	if n["1"] < 200 || n["1"] > 400 || n["1"]+n["2"] != 1000 { // 300 ± 7 standard deviations
		t.Errorf("spread %v", n)
	}
	// Reservations are the function's, whatever the version.
	x.do("PUT", "/2017-10-31/functions/f/concurrency", fields{"ReservedConcurrentExecutions": 5})
	for _, key := range []string{"f:1", "f:2", "f:$LATEST"} {
		if f := x.engine.deployed[functionARN+key]; f.Reserved != 5 || f.ReservedGroup != functionARN+"f" {
			t.Errorf("%s: %+v", key, f)
		}
	}
	// Deleting removes every version from the engine.
	x.do("DELETE", functionsPath+"/f", nil)
	if len(x.engine.deployed) != 0 || len(x.api.deployed) != 0 {
		t.Errorf("%v, %v", x.engine.deployed, x.api.deployed)
	}
}

func TestListAllVersions(t *testing.T) {
	x := newFixture(t)
	var want []string
	for _, name := range []string{"a", "b", "c"} {
		x.create(name, fields{"Publish": true})
		x.update(name, fields{"Timeout": 9})
		x.publish(name, nil)
		for _, v := range []string{"$LATEST", "1", "2"} {
			want = append(want, functionARN+name+":"+v)
		}
	}
	for _, size := range []int{1, 2, 4, 9, 100} {
		var got []string
		for marker := ""; ; {
			p := decodeInto[struct {
				Functions  []versionShape
				NextMarker *string
			}](t, x.do("GET", fmt.Sprintf("%s?FunctionVersion=ALL&MaxItems=%d&Marker=%s", functionsPath, size, marker), nil).body)
			for _, f := range p.Functions {
				got = append(got, f.FunctionArn)
			}
			if p.NextMarker == nil {
				break
			}
			marker = *p.NextMarker
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("by %d: %v", size, got)
		}
	}
}

// Whatever is created and deleted while somebody lists: what was there all along is listed exactly once, in order.
func TestPagesUnderWrites(t *testing.T) {
	x := newFixture(t)
	var want []string
	for i := range 20 {
		name := fmt.Sprintf("stays-%02d", i)
		x.create(name, nil)
		want = append(want, name)
	}
	stop := make(chan struct{})
	var writers sync.WaitGroup
	for w := range 3 {
		writers.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				name := fmt.Sprintf("stays-%02d-%d-%d", (i*7+w)%20, w, i%5) // between those that stay
				if i%2 == 0 {
					x.create(name, nil)
				} else {
					x.do("DELETE", functionsPath+"/"+fmt.Sprintf("stays-%02d-%d-%d", ((i-1)*7+w)%20, w, (i-1)%5), nil)
				}
			}
		})
	}
	for range 15 {
		var got []string
		last := ""
		for marker := ""; ; {
			p := decodeInto[struct {
				Functions  []struct{ FunctionName string }
				NextMarker *string
			}](t, x.do("GET", functionsPath+"?MaxItems=3&Marker="+marker, nil).body)
			for _, f := range p.Functions {
				if f.FunctionName <= last {
					t.Errorf("%s after %s", f.FunctionName, last)
				}
				if last = f.FunctionName; len(last) == len("stays-00") {
					got = append(got, last)
				}
			}
			if p.NextMarker == nil {
				break
			}
			marker = *p.NextMarker
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("listed %v", got)
		}
	}
	close(stop)
	writers.Wait()
}

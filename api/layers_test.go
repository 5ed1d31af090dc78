package api

import (
	"fmt"
	"strings"
	"testing"

	"github.com/thawrun/thaw/engine/store"
)

func TestLayers(t *testing.T) {
	x := newFixture(t)
	const path = "/2018-10-31/layers"
	const layerARN = "arn:aws:lambda:us-east-1:123456789012:layer:"
	publish := func(name, text string, more fields) layerVersionShape {
		t.Helper()
		in := fields{"Content": fields{"ZipFile": zipOf("python/m.py", text)}, "CompatibleRuntimes": []string{"python3.13"}}
		for k, v := range more {
			in[k] = v
		}
		a := x.do("POST", path+"/"+name+"/versions", in)
		if a.status != 201 {
			t.Fatalf("%d %s", a.status, a.body)
		}
		return decodeInto[layerVersionShape](t, a.body)
	}
	one := publish("l", "a = 1", fields{"Description": "first", "LicenseInfo": "MIT"})
	if one.Version != 1 || one.LayerArn != layerARN+"l" || one.LayerVersionArn != layerARN+"l:1" || one.Content.CodeSha256 != store.HashCode(zipOf("python/m.py", "a = 1")) || one.LicenseInfo != "MIT" || one.Description != "first" {
		t.Errorf("%+v", one)
	}
	two := publish("l", "a = 2", nil)
	publish("other", "b = 1", fields{"CompatibleRuntimes": []string{"nodejs20.x"}})
	if a := x.do("GET", strings.TrimPrefix(one.Content.Location, "http://lambda"), nil); a.body != string(zipOf("python/m.py", "a = 1")) {
		t.Errorf("content: %d", a.status)
	}
	for _, p := range []string{path + "/l/versions/1", path + "/arn:aws:lambda:us-east-1:123456789012:layer:l/versions/1", path + "?find=LayerVersion&Arn=" + layerARN + "l:1"} {
		got := decodeInto[layerVersionShape](t, x.do("GET", p, nil).body)
		got.Content.Location, one.Content.Location = "", ""
		if fmt.Sprintf("%+v %+v", got, got.Content) != fmt.Sprintf("%+v %+v", one, one.Content) && got.LayerVersionArn != one.LayerVersionArn {
			t.Errorf("%s: %+v", p, got)
		}
	}
	x.wantError(x.do("GET", path+"/l/versions/3", nil), "ResourceNotFoundException", "does not exist")
	x.wantError(x.do("GET", path+"/l/versions/x", nil), "SerializationException", "Long")
	x.wantError(x.do("GET", path+"?find=LayerVersion&Arn=l", nil), "InvalidParameterValueException", "at 'arn'")
	x.wantError(x.do("POST", path+"/a.b/versions", fields{"LicenseInfo": strings.Repeat("x", 513), "CompatibleRuntimes": []string{"cobol"}}), "InvalidParameterValueException", "4 validation errors detected")
	x.wantError(x.do("POST", path+"/l/versions", fields{"Content": fields{"ZipFile": []byte("x")}}), "InvalidParameterValueException", "Could not unzip")

	layers := decodeInto[struct {
		Layers []struct {
			LayerName             string
			LatestMatchingVersion layerVersionShape
		}
		NextMarker *string
	}](t, x.do("GET", path+"?MaxItems=1", nil).body)
	if len(layers.Layers) != 1 || layers.Layers[0].LatestMatchingVersion.Version != 2 || *layers.NextMarker != "l" {
		t.Errorf("%+v", layers)
	}
	if a := x.do("GET", path+"?CompatibleRuntime=nodejs20.x", nil); strings.Count(a.body, "LayerName") != 1 || !strings.Contains(a.body, `"other"`) {
		t.Errorf("%s", a.body)
	}
	versions := func(query string) string {
		list := decodeInto[struct{ LayerVersions []layerVersionShape }](t, x.do("GET", path+"/l/versions"+query, nil).body)
		text := ""
		for _, v := range list.LayerVersions {
			text += fmt.Sprint(v.Version, " ")
		}
		return text
	}
	if got := versions("") + "|" + versions("?MaxItems=1") + "|" + versions("?Marker=2") + "|" + versions("?CompatibleRuntime=java8"); got != "2 1 |2 |1 |" {
		t.Errorf("%s", got)
	}

	// Functions use them, in order, and go on when they are deleted.
	x.create("f", fields{"Layers": []string{two.LayerVersionArn, layerARN + "other:1"}})
	c := decodeInto[functionConfiguration](t, x.do("GET", functionsPath+"/f/configuration", nil).body)
	if len(c.Layers) != 2 || c.Layers[0].Arn != two.LayerVersionArn || c.Layers[0].CodeSize == 0 {
		t.Errorf("%+v", c.Layers)
	}
	if a := x.do("DELETE", path+"/l/versions/2", nil); a.status != 204 {
		t.Errorf("%d %s", a.status, a.body)
	}
	x.wantError(x.do("GET", path+"/l/versions/2", nil), "ResourceNotFoundException", "does not exist")
	x.invoke("f", "{}")
	zips, err := x.engine.deployed[functionARN+"f:$LATEST"].Layers(t.Context())
	if err != nil || len(zips) != 2 || string(zips[0]) != string(zipOf("python/m.py", "a = 2")) || string(zips[1]) != string(zipOf("python/m.py", "b = 1")) {
		t.Errorf("%d layers, %v", len(zips), err)
	}
	if three := publish("l", "a = 3", nil); three.Version != 3 {
		t.Errorf("number %d is used again", three.Version)
	}
	x.update("f", fields{"Layers": []string{}})
	if c := decodeInto[functionConfiguration](t, x.do("GET", functionsPath+"/f/configuration", nil).body); c.Layers != nil {
		t.Errorf("%+v", c.Layers)
	}
	for _, bad := range [][]string{{layerARN + "l:2"}, {layerARN + "l:1", layerARN + "l:3"}, {"l"}, {"a", "b", "c", "d", "e", "f"}, {"arn:aws:lambda:us-east-1:999999999999:layer:l:1"}} {
		x.wantError(x.do("PUT", functionsPath+"/f/configuration", fields{"Layers": bad}), "InvalidParameterValueException", "ayer")
	}

	// Policies.
	const policy = path + "/l/versions/1/policy"
	x.wantError(x.do("GET", policy, nil), "ResourceNotFoundException", "No policy")
	a := x.do("POST", policy, fields{"StatementId": "s", "Action": "lambda:GetLayerVersion", "Principal": "111122223333"})
	added := decodeInto[struct{ Statement, RevisionId string }](t, a.body)
	if a.status != 201 || added.Statement != `{"Sid":"s","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"lambda:GetLayerVersion","Resource":"`+layerARN+`l:1"}` {
		t.Errorf("%d %s", a.status, a.body)
	}
	x.wantError(x.do("POST", policy, fields{"StatementId": "s", "Action": "lambda:GetLayerVersion", "Principal": "*"}), "ResourceConflictException", "(s)")
	x.wantError(x.do("POST", policy, fields{"StatementId": "t", "Action": "lambda:*", "Principal": "me", "OrganizationId": "x"}), "InvalidParameterValueException", "3 validation errors detected")
	l, _ := x.store.Layer("123456789012", "us-east-1", "l")
	ref := layerRef{account: "123456789012", region: "us-east-1", name: "l", number: 1}
	if !x.api.layerShared(ref, l.Version(1), "111122223333") || x.api.layerShared(ref, l.Version(1), "444455556666") {
		t.Error("the layer is shared with the wrong account")
	}
	x.wantError(x.do("DELETE", policy+"/s?RevisionId=old", nil), "PreconditionFailedException", "RevisionId")
	if a := x.do("DELETE", policy+"/s?RevisionId="+added.RevisionId, nil); a.status != 204 {
		t.Errorf("%d %s", a.status, a.body)
	}
	x.wantError(x.do("DELETE", policy+"/s", nil), "ResourceNotFoundException", "not found")
}

func TestLayersAndCodeTogetherAreLimited(t *testing.T) {
	x := newFixture(t, func(c *Config) { c.Limits.UnzippedSize = 1000 })
	text := strings.Repeat("x", 400)
	for _, name := range []string{"a", "b"} {
		x.do("POST", "/2018-10-31/layers/"+name+"/versions", fields{"Content": fields{"ZipFile": zipOf("m.py", text)}})
	}
	arns := []string{"arn:aws:lambda:us-east-1:123456789012:layer:a:1", "arn:aws:lambda:us-east-1:123456789012:layer:b:1"}
	x.wantError(x.do("POST", functionsPath, creation("f", fields{"Layers": arns, "Code": fields{"ZipFile": zipOf("app.py", text)}})), "InvalidParameterValueException", "combined with layers exceeds the maximum allowed size of 1000 bytes. The actual size is 1200 bytes")
	x.create("f", fields{"Layers": arns[:1], "Code": fields{"ZipFile": zipOf("app.py", text)}})
	x.wantError(x.do("PUT", functionsPath+"/f/configuration", fields{"Layers": arns}), "InvalidParameterValueException", "combined with layers")
	x.wantError(x.do("PUT", functionsPath+"/f/code", fields{"ZipFile": zipOf("app.py", text+text)}), "InvalidParameterValueException", "combined with layers")
}

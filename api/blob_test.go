package api

import (
	"encoding/base64"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

// decodeBoth decodes a body in both ways, which must not make a difference.
func decodeBoth(t *testing.T, body string) (createInput, *Error) {
	t.Helper()
	var one, other createInput
	err := decodeWithBlob([]byte(body), &one, func() **[]byte { return one.Code.blob() }, "Code", "ZipFile")
	plain := decode([]byte(body), &other)
	if (err == nil) != (plain == nil) {
		t.Fatalf("%.200q: %v, without a short cut %v", body, err, plain)
	}
	if err == nil && !reflect.DeepEqual(one, other) {
		a, _ := json.Marshal(one)
		b, _ := json.Marshal(other)
		t.Fatalf("%.200q:\n%.300s\n%.300s", body, a, b)
	}
	return one, err
}

func TestPackagesInBodies(t *testing.T) {
	long := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("package ", 1000)))
	for name, c := range map[string]struct {
		body string
		size int // of the package; -1 = none, -2 = an error
	}{
		"usual":             {`{"FunctionName":"f","Code":{"ZipFile":"` + long + `"},"Timeout":3}`, 8000},
		"spaces":            {"\n{ \"Code\" :\t{ \"S3Key\":\"k\" , \"ZipFile\" : \"" + long + "\" } }", 8000},
		"short":             {`{"Code":{"ZipFile":"aGVsbG8="}}`, 5},
		"empty":             {`{"Code":{"ZipFile":""},"Description":"` + long + `"}`, 0},
		"elsewhere":         {`{"Environment":{"Variables":{"ZipFile":"` + long + `"}},"Code":{"ZipFile":""}}`, 0},
		"deeper":            {`{"Code":{"More":{"ZipFile":"` + long + `"},"ZipFile":""}}`, 0},
		"in a list":         {`{"Code":{"Layers":["ZipFile","` + long + `"]}}`, -1},
		"not under Code":    {`{"ZipFile":"` + long + `","Code":{}}`, -1},
		"after another key": {`{"Other":{"Code":{"ZipFile":"` + long + `"}}}`, -1},
		"twice":             {`{"Code":{"ZipFile":"` + long + `","ZipFile":"` + long[:4000] + `"}}`, 3000},
		"another Code":      {`{"Code":{"ZipFile":"` + long + `"},"Code":{"ZipFile":"aGVsbG8="}}`, 5},
		"as a value":        {`{"Description":"Code","Code":{"S3Key":"ZipFile","ZipFile":"` + long + `"}}`, 8000},
		"in lower case":     {`{"code":{"zipfile":"` + long + `"}}`, 8000},
		"escaped":           {`{"Code":{"ZipFile":"\u0061` + long[1:] + `"}}`, 8000},
		"not base64":        {`{"Code":{"ZipFile":"` + long + `*"}}`, -2},
		"a line break":      {`{"Code":{"ZipFile":"` + long[:100] + "\n" + long[100:] + `"}}`, -2},
		"cut short":         {`{"Code":{"ZipFile":"` + long, -2},
		"half":              {`{"Code":{"ZipFile":"` + long + `"}`, -2},
		"no object":         {`["Code",{"ZipFile":"` + long + `"}]`, -2},
		"wrong nesting":     {`{"Code":{"ZipFile":"` + long + `"]}`, -2},
		"too many brackets": {`}}}{"Code":{"ZipFile":"` + long + `"}}`, -2},
	} {
		in, err := decodeBoth(t, c.body)
		size := -1
		switch {
		case err != nil:
			size = -2
		case in.Code != nil && in.Code.ZipFile != nil:
			size = len(*in.Code.ZipFile)
		}
		if size != c.size && name != "escaped" {
			t.Errorf("%s: %d, %v", name, size, err)
		}
	}
}

func FuzzPackagesInBodies(f *testing.F) {
	for _, seed := range []string{`{"Code":{"ZipFile":"LONG"}}`, `{"Code":{"ZipFile":"LONG","ZipFile":"LONG"},"Code":[{"ZipFile":"LONG"}]}`, `{"Code":{"a":[{"ZipFile":"LONG"}],"ZipFile":"LONG"}}`, `{"ZipFile":"LONG","Code":"Code":{"ZipFile":"LONG"}}`} {
		f.Add(seed)
	}
	long := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("x", blobLength)))
	f.Fuzz(func(t *testing.T, body string) {
		decodeBoth(t, strings.ReplaceAll(body, "LONG", long))
	})
}

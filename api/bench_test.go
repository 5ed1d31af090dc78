package api

import (
	"archive/zip"
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/valyala/fasthttp"

	"github.com/thawrun/thaw/engine/store"
)

// noiseZip is a package of about n bytes that don't compress.
func noiseZip(n int, seed uint64) []byte {
	noise := make([]byte, n)
	r := rand.New(rand.NewPCG(seed, 1))
	for i := range noise {
		noise[i] = byte(r.Uint32())
	}
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	f, err := w.Create("noise")
	if err == nil {
		_, err = f.Write(noise)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		panic(err)
	}
	return b.Bytes()
}

// BenchmarkCreateFunction is the whole of a CreateFunction with a package of 1 MB, on disk, without the network.
func BenchmarkCreateFunction(b *testing.B) {
	st, err := store.Open(b.TempDir(), store.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer st.Close()
	limits, _ := LimitsPreset("guide")
	s, err := New(Config{Engine: &fakeEngine{}, Store: st, Region: "us-east-1", Account: "123456789012", Limits: limits})
	if err != nil {
		b.Fatal(err)
	}
	bodies := make([][]byte, b.N)
	for i := range bodies {
		bodies[i] = marshal(creation(fmt.Sprint("f", i), fields{"Code": fields{"ZipFile": noiseZip(1<<20, uint64(i))}}))
	}
	b.ResetTimer()
	for _, body := range bodies {
		var ctx fasthttp.RequestCtx
		ctx.Request.Header.SetMethod("POST")
		ctx.Request.SetRequestURI(functionsPath)
		ctx.Request.SetBodyRaw(body)
		s.ServeFastHTTP(&ctx)
		if ctx.Response.StatusCode() != 201 {
			b.Fatal(string(ctx.Response.Body()))
		}
	}
	b.StopTimer()
	if err := s.Shutdown(b.Context()); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkGetFunctionConfiguration is the request that clients poll, without the network.
func BenchmarkGetFunctionConfiguration(b *testing.B) {
	x := newFixture(b, func(c *Config) { c.Logger = nil })
	x.create("f", fields{"Environment": fields{"Variables": fields{"STAGE": "prod"}}})
	var ctx fasthttp.RequestCtx
	ctx.Request.Header.SetMethod("GET")
	ctx.Request.SetRequestURI(functionsPath + "/f/configuration")
	b.ReportAllocs()
	for b.Loop() {
		ctx.Response.Reset()
		x.api.ServeFastHTTP(&ctx)
	}
	if ctx.Response.StatusCode() != 200 {
		b.Fatal(string(ctx.Response.Body()))
	}
}

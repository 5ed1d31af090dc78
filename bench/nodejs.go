package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/thawrun/thaw/abi"
	"github.com/thawrun/thaw/engine"
	"github.com/thawrun/thaw/runtimes/nodejs"
)

//go:embed testdata/nodejs/workloads.js
var nodeWorkloads string

//go:embed testdata/nodejs/native.c
var nodeNative string

const nodeRounds = 160

// benchNode measures the Node.js guest against its own engine built for this machine and against node --jitless, and what its
// caches save at a cold start.
func benchNode(ctx context.Context, dir string) {
	e, err := engine.New(ctx, engine.Config{Guests: []*abi.Guest{nodejs.Guest()}, CacheDir: filepath.Join(dir, "cache-node"), MemoryBudget: -1})
	check(err)
	check(e.Ready(ctx, "nodejs20.x"))
	b := &nodeBench{e: e, dir: dir}
	b.processor(ctx)
	b.cold(ctx)
	check(e.Close(ctx))
}

type nodeBench struct {
	e   *engine.Engine
	dir string
}

func (b *nodeBench) deploy(ctx context.Context, key, revision string, files map[string]string) {
	f := engine.Function{Key: key, Name: key, Runtime: "nodejs20.x", Handler: "index.handler", Revision: revision, MemoryMB: 512, Timeout: 2 * time.Minute, Code: engine.Zip(zipOf(files)), CodeSHA256: key, Reserved: -1}
	_, err := b.e.Deploy(ctx, f)
	check(err)
}

func (b *nodeBench) call(ctx context.Context, key, event string) (payload string, took time.Duration, report engine.Report) {
	var resp engine.Response
	begin := time.Now()
	check(b.e.Invoke(ctx, &engine.Request{Function: key, Event: []byte(event)}, &resp))
	took = time.Since(begin)
	if resp.FunctionError != "" {
		check(fmt.Errorf("%s: %s", key, resp.Payload))
	}
	return string(resp.Payload), took, resp.Report
}

// native builds the guest's engine for this machine; empty = no sources or no compiler here.
func (b *nodeBench) native() string {
	build := os.Getenv("THAW_BUILD_DIR")
	if build == "" {
		home, err := os.UserHomeDir()
		check(err)
		build = filepath.Join(home, ".cache", "thaw-build")
	}
	source := filepath.Join(build, "nodejs20", "src", "qjs", "usr", "src", "quickjs-ng")
	main, program := filepath.Join(b.dir, "native.c"), filepath.Join(b.dir, "native")
	check(os.WriteFile(main, []byte(nodeNative), 0o600))
	args := []string{"-O2", "-w", "-D_GNU_SOURCE", "-DNDEBUG", "-fwrapv", "-funsigned-char", "-I" + source, "-o", program, main}
	for _, f := range []string{"quickjs", "libregexp", "libunicode", "dtoa"} {
		args = append(args, filepath.Join(source, f+".c"))
	}
	if out, err := exec.Command("gcc", append(args, "-lm", "-lpthread")...).CombinedOutput(); err != nil {
		fmt.Printf("  not compared with the native engine: %.200s\n", out)
		return ""
	}
	return program
}

func (b *nodeBench) processor(ctx context.Context) {
	fmt.Printf("\nNode.js guest: time of the processor's work, as a ratio to others in the same run (best of rounds taken by turns)\n")
	file := filepath.Join(b.dir, "workloads.js")
	const hashing = `workloads.hashing = () => { const c = require('crypto'), b = Buffer.alloc(1 << 18, 'x'); let s = ''; for (let i = 0; i < 2; i++) s = c.createHash('sha256').update(b).update(s).digest('hex'); for (let i = 0; i < 100; i++) s = c.createHash('md5').update(s).digest('hex'); return s };`
	const loop = `const best = (name, n) => { let least = Infinity; for (let i = 0; i < n; i++) { const t = performance.now(); workloads[name](); least = Math.min(least, performance.now() - t); } return least; };`
	check(os.WriteFile(file, []byte(nodeWorkloads), 0o600))
	check(os.WriteFile(filepath.Join(b.dir, "node.js"), []byte(nodeWorkloads+hashing+loop+"console.log(best(process.argv[2], Number(process.argv[3])))"), 0o600))
	b.deploy(ctx, "cpu", "1", map[string]string{"index.js": nodeWorkloads + hashing + loop + "exports.handler = async ([name, n]) => best(name, n);"})
	qjs := b.native()
	node, _ := exec.LookPath("node")
	if node == "" {
		fmt.Println("  not compared with node --jitless: no node on PATH")
	}
	run := func(name string, args ...string) float64 {
		out, err := exec.Command(name, args...).Output()
		check(err)
		ms, err := strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
		check(err)
		return ms
	}
	logs, n := 0.0, 0
	for _, name := range []string{"fib", "json", "sort", "string", "regex", "objects", "typed", "map", "hashing"} {
		guest, native, jitless := math.Inf(1), math.Inf(1), math.Inf(1)
		for range 8 {
			event, _ := json.Marshal([]any{name, nodeRounds / 8})
			payload, _, _ := b.call(ctx, "cpu", string(event))
			ms, err := strconv.ParseFloat(payload, 64)
			check(err)
			guest = min(guest, ms)
			if qjs != "" && name != "hashing" {
				native = min(native, run(qjs, file, name, fmt.Sprint(nodeRounds/8)))
			}
			if node != "" {
				jitless = min(jitless, run(node, "--jitless", filepath.Join(b.dir, "node.js"), name, fmt.Sprint(nodeRounds/8)))
			}
		}
		fmt.Printf("  %-10s %8.2f ms", name, guest)
		if !math.IsInf(native, 1) {
			fmt.Printf("   native engine ×%.2f", guest/native)
			logs, n = logs+math.Log(guest/native), n+1
		}
		if !math.IsInf(jitless, 1) {
			fmt.Printf("   node --jitless ×%.2f", guest/jitless)
		}
		fmt.Println()
	}
	if n > 0 {
		fmt.Printf("  geometric mean to the native engine ×%.2f\n", math.Exp(logs/float64(n)))
	}
}

// bundle is a megabyte of code as bundlers write it.
func bundle() string {
	var s strings.Builder
	s.WriteString("'use strict';\nconst modules = {};\n")
	for i := 0; s.Len() < 1<<20; i++ {
		fmt.Fprintf(&s, "modules[%d] = function (exports, require) {\n  class Service%d { constructor(options) { this.options = { retries: 3, name: 'service %d', ...options }; }\n    async call(input) { const list = []; for (const key of Object.keys(input ?? {})) { if (key.startsWith('x')) list.push({ key, value: input[key] }); else if (typeof input[key] === 'number') list.unshift(input[key] * %d); } return list.length > 0 ? list : null; }\n    get describe() { return `service ${this.options.name} of %d`; } }\n  exports.make = (options) => new Service%d(options);\n};\n", i, i, i, i, i, i)
	}
	s.WriteString("const loaded = {}; for (const id in modules) { loaded[id] = {}; if (id < 20) modules[id](loaded[id]); }\nexports.handler = async (event) => loaded[3].make(event).describe;\n")
	return s.String()
}

func (b *nodeBench) cold(ctx context.Context) {
	fmt.Println("\nNode.js guest: cold starts (bind, load, first invoke)")
	measure := func(name, key string, files map[string]string, before func()) {
		b.deploy(ctx, key, "0", files)
		_, first, _ := b.call(ctx, key, `{}`)
		before()
		var all samples
		for i := range 60 {
			b.deploy(ctx, key, fmt.Sprint(i+1), files)
			_, took, _ := b.call(ctx, key, `{}`)
			all = append(all, took)
			time.Sleep(3 * time.Millisecond)
		}
		fmt.Printf("  first %-10s", us(first))
		show(name, all)
	}
	measure("hello", "hello", map[string]string{"index.js": "exports.handler = async (event) => 'hello';"}, func() {})
	measure("a bundle of 1 MB, compiled before", "bundle", map[string]string{"index.js": bundle()}, func() {
		for begin := time.Now(); b.e.Stats().Compiled == 0 && time.Since(begin) < time.Minute; time.Sleep(10 * time.Millisecond) {
		}
		time.Sleep(time.Second)
	})
	measure("require('aws-sdk') and a client of S3", "v2", map[string]string{"index.js": "const AWS = require('aws-sdk'); const s3 = new AWS.S3(); exports.handler = async () => typeof s3.getObject;"}, func() {})
	measure("@aws-sdk/client-s3 and a client", "v3", map[string]string{"index.js": "const { S3Client } = require('@aws-sdk/client-s3'); const s3 = new S3Client({ region: 'us-east-1' }); exports.handler = async () => typeof s3.send;"}, func() {})
	b.deploy(ctx, "echo", "1", map[string]string{"index.js": "exports.handler = async (event) => event;"})
	var warm samples
	for i := range 20000 {
		_, took, _ := b.call(ctx, "echo", `{"key1": "value1", "key2": "value2"}`)
		if i > 100 {
			warm = append(warm, took)
		}
	}
	fmt.Printf("  %-16s", "")
	show("warm echo", warm)
}

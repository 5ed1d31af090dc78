package wasi_test

import (
	"context"
	"encoding/binary"
	"maps"
	"slices"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/thawrun/thaw/abi"
	"github.com/thawrun/thaw/engine/vfs"
	"github.com/thawrun/thaw/engine/wasi"
)

// signatures are the parameters of every function of module wasi_snapshot_preview1 (abi/README.md, section 5.2): i = i32,
// l = i64. All return an error number, but for proc_exit, which does not return.
var signatures = map[string]string{
	"args_get": "ii", "args_sizes_get": "ii", "environ_get": "ii", "environ_sizes_get": "ii",
	"clock_res_get": "ii", "clock_time_get": "ili", "random_get": "ii", "sched_yield": "",
	"proc_exit": "i", "proc_raise": "i", "poll_oneoff": "iiii",
	"fd_advise": "illi", "fd_allocate": "ill", "fd_close": "i", "fd_datasync": "i", "fd_sync": "i",
	"fd_fdstat_get": "ii", "fd_fdstat_set_flags": "ii", "fd_fdstat_set_rights": "ill",
	"fd_filestat_get": "ii", "fd_filestat_set_size": "il", "fd_filestat_set_times": "illi",
	"fd_pread": "iiili", "fd_pwrite": "iiili", "fd_read": "iiii", "fd_write": "iiii",
	"fd_prestat_get": "ii", "fd_prestat_dir_name": "iii", "fd_readdir": "iiili", "fd_renumber": "ii",
	"fd_seek": "ilii", "fd_tell": "ii",
	"path_create_directory": "iii", "path_filestat_get": "iiiii", "path_filestat_set_times": "iiiilli",
	"path_link": "iiiiiii", "path_open": "iiiiillii", "path_readlink": "iiiiii", "path_remove_directory": "iii",
	"path_rename": "iiiiii", "path_symlink": "iiiii", "path_unlink_file": "iii",
	"sock_accept": "iii", "sock_recv": "iiiiii", "sock_send": "iiiii", "sock_shutdown": "ii",
}

// netSignatures are likewise those of the network in module thaw (section 5.4).
var netSignatures = map[string]string{
	"sock_open": "iii", "sock_bind": "iii", "sock_connect": "iii", "sock_name": "iiiii", "sock_get": "iii", "sock_set": "iii",
	"sock_sendto": "iiiiiii", "sock_recvfrom": "iiiii", "dns_open": "iiii",
	"tls_start": "iii", "tls_open": "iii", "tls_feed": "iiii", "tls_drain": "iiii", "tls_info": "iiii",
}

// guest is a module that passes every call on to the host function of the same name. Its memory is two pages.
type guest struct {
	t    testing.TB
	mod  api.Module
	p    *wasi.Process
	next uint32 // free memory
}

const (
	memSize = 2 * 65536
	scratch = 64 // where calls put small results
)

// program assembles the module: an import, and a function that calls it, for each host function.
func program() []byte {
	uleb := func(b []byte, n int) []byte { return binary.AppendUvarint(b, uint64(n)) }
	name := func(b []byte, s string) []byte { return append(uleb(b, len(s)), s...) }
	type function struct{ module, name, params, result string }
	var all []function
	for _, n := range slices.Sorted(maps.Keys(signatures)) {
		f := function{abi.WASIModule, n, signatures[n], "i"}
		if n == "proc_exit" {
			f.result = ""
		}
		all = append(all, f)
	}
	for _, n := range slices.Sorted(maps.Keys(netSignatures)) {
		all = append(all, function{abi.HostModule, n, netSignatures[n], "i"})
	}
	all = append(all, function{abi.HostModule, "log", "iii", ""}, function{abi.HostModule, "remaining_time", "", "l"})
	types, imports, funcs, exports, code := uleb(nil, len(all)), uleb(nil, len(all)), uleb(nil, len(all)), uleb(nil, len(all)+1), uleb(nil, len(all))
	kinds := func(b []byte, s string) []byte {
		b = uleb(b, len(s))
		for _, k := range s {
			b = append(b, map[rune]byte{'i': 0x7F, 'l': 0x7E}[k])
		}
		return b
	}
	for i, f := range all {
		types = kinds(kinds(append(types, 0x60), f.params), f.result)
		imports = uleb(append(name(name(imports, f.module), f.name), 0), i)
		funcs = uleb(funcs, i)
		exports = uleb(append(name(exports, f.name), 0), len(all)+i)
		body := []byte{0}
		for k := range f.params {
			body = append(body, 0x20, byte(k))
		}
		body = append(uleb(append(body, 0x10), i), 0x0B)
		code = append(uleb(code, len(body)), body...)
	}
	exports = append(name(exports, "memory"), 2, 0)
	b := []byte("\x00asm\x01\x00\x00\x00")
	for _, s := range []struct {
		id   byte
		body []byte
	}{{1, types}, {2, imports}, {3, funcs}, {5, []byte{1, 1, 2, 2}}, {7, exports}, {10, code}} {
		b = append(uleb(append(b, s.id), len(s.body)), s.body...)
	}
	return b
}

// start runs the guest with an empty file system.
func start(t testing.TB) *guest {
	t.Helper()
	ctx := context.Background()
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter())
	t.Cleanup(func() { _ = r.Close(ctx) })
	g := &guest{t: t, p: &wasi.Process{FS: vfs.New(vfs.Mounts{})}, next: 4096}
	process := func(context.Context) *wasi.Process { return g.p }
	if err := wasi.Instantiate(ctx, r, process); err != nil {
		t.Fatal(err)
	}
	b := r.NewHostModuleBuilder(abi.HostModule)
	wasi.ExportThaw(b, process)
	if _, err := b.Instantiate(ctx); err != nil {
		t.Fatal(err)
	}
	mod, err := r.Instantiate(ctx, program())
	if err != nil {
		t.Fatal(err)
	}
	g.mod = mod
	return g
}

// try calls a host function. Arguments are uint32, int or string; a string becomes two, its address and length.
func (g *guest) try(name string, args ...any) (uint64, error) {
	g.t.Helper()
	var list []uint64
	for _, a := range args {
		switch v := a.(type) {
		case string:
			at := g.alloc(len(v))
			g.mod.Memory().Write(at, []byte(v))
			list = append(list, uint64(at), uint64(len(v)))
		case uint32:
			list = append(list, uint64(v))
		case int:
			list = append(list, uint64(v))
		case uint64:
			list = append(list, v)
		default:
			g.t.Fatalf("argument of type %T", a)
		}
	}
	f := g.mod.ExportedFunction(name)
	for i, p := range f.Definition().ParamTypes() {
		if p == api.ValueTypeI32 && i < len(list) {
			list[i] = uint64(uint32(list[i]))
		}
	}
	res, err := f.Call(context.Background(), list...)
	if err != nil || len(res) == 0 {
		return 0, err
	}
	return res[0], nil
}

func (g *guest) call(name string, args ...any) vfs.Errno {
	g.t.Helper()
	res, err := g.try(name, args...)
	if err != nil {
		g.t.Fatalf("%s: %v", name, err)
	}
	return vfs.Errno(res)
}

// must is call for what has to succeed.
func (g *guest) must(name string, args ...any) {
	g.t.Helper()
	if e := g.call(name, args...); e != vfs.OK {
		g.t.Fatalf("%s(%v): error %d", name, args, e)
	}
}

func (g *guest) alloc(n int) uint32 {
	at := g.next
	g.next = (g.next + uint32(n) + 7) &^ 7
	if g.next > memSize {
		g.t.Fatal("the test's memory is full")
	}
	return at
}

func (g *guest) bytes(at uint32, n int) []byte {
	g.t.Helper()
	b, ok := g.mod.Memory().Read(at, uint32(n))
	if !ok {
		g.t.Fatalf("no memory at %d", at)
	}
	return b
}

func (g *guest) u32(at uint32) uint32 { return binary.LittleEndian.Uint32(g.bytes(at, 4)) }
func (g *guest) u64(at uint32) uint64 { return binary.LittleEndian.Uint64(g.bytes(at, 8)) }

// vectors writes an iovec array, of pairs of address and length, and returns its address.
func (g *guest) vectors(pairs ...uint32) uint32 {
	at := g.alloc(4 * len(pairs))
	for i, v := range pairs {
		binary.LittleEndian.PutUint32(g.bytes(at+uint32(4*i), 4), v)
	}
	return at
}

const (
	oCreate, oDirectory, oExclusive, oTruncate = 1, 2, 4, 8

	rightRead, rightWrite = 1 << 1, 1 << 6
)

// open opens a path relative to "/".
func (g *guest) open(path string, oflags, rights int) (uint32, vfs.Errno) {
	g.t.Helper()
	e := g.call("path_open", 3, 1, path, oflags, rights, rights, 0, scratch)
	return g.u32(scratch), e
}

func (g *guest) mustOpen(path string, oflags, rights int) uint32 {
	g.t.Helper()
	fd, e := g.open(path, oflags, rights)
	if e != vfs.OK {
		g.t.Fatalf("open %s: error %d", path, e)
	}
	return fd
}

// write writes text to a descriptor.
func (g *guest) write(fd uint32, text string) vfs.Errno {
	g.t.Helper()
	at := g.alloc(len(text))
	g.mod.Memory().Write(at, []byte(text))
	e := g.call("fd_write", fd, g.vectors(at, uint32(len(text))), 1, scratch)
	if e == vfs.OK && g.u32(scratch) != uint32(len(text)) {
		g.t.Fatalf("%d of %d bytes written", g.u32(scratch), len(text))
	}
	return e
}

// file makes a file with contents.
func (g *guest) file(path, text string) {
	g.t.Helper()
	fd := g.mustOpen(path, oCreate|oTruncate, rightRead|rightWrite)
	if e := g.write(fd, text); e != vfs.OK {
		g.t.Fatalf("write %s: error %d", path, e)
	}
	g.must("fd_close", fd)
}

// content reads a file.
func (g *guest) content(path string) string {
	g.t.Helper()
	fd := g.mustOpen(path, 0, rightRead)
	defer g.must("fd_close", fd)
	buf := g.alloc(512)
	g.must("fd_read", fd, g.vectors(buf, 512), 1, scratch)
	return string(g.bytes(buf, int(g.u32(scratch))))
}

package wasi

import (
	"context"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/thawrun/thaw/abi"
	"github.com/thawrun/thaw/engine/vfs"
)

const (
	i32 = api.ValueTypeI32
	i64 = api.ValueTypeI64

	// maxVectors bounds the buffers of one fd_read or fd_write, as IOV_MAX does.
	maxVectors = 1024
	// maxTransfer is where a read or write ends short, as on Linux: a length must fit 31 bits.
	maxTransfer = 1 << 30
	// maxSubscriptions bounds one poll_oneoff.
	maxSubscriptions = 2 * abi.MaxDescriptors
	// maxPath is the longest path, as PATH_MAX.
	maxPath = 4096
	// piece is how much is copied before the deadline is looked at again, about a millisecond's worth.
	piece = 4 << 20
	// randomPiece likewise, of random bytes.
	randomPiece = 256 << 10
)

type function struct {
	name   string
	params []api.ValueType
	run    func(c *call) vfs.Errno
}

// params spells a signature: i for i32, l for i64.
func params(kinds string) []api.ValueType {
	types := make([]api.ValueType, len(kinds))
	for i, k := range kinds {
		types[i] = i32
		if k == 'l' {
			types[i] = i64
		}
	}
	return types
}

// functions is all of preview 1 but proc_exit, which has no result.
func functions() []function {
	return []function{
		{"args_get", params("ii"), succeed},
		{"args_sizes_get", params("ii"), noStrings},
		{"environ_get", params("ii"), succeed},
		{"environ_sizes_get", params("ii"), noStrings},
		{"clock_res_get", params("ii"), clockResGet},
		{"clock_time_get", params("ili"), clockTimeGet},
		{"poll_oneoff", params("iiii"), pollOneoff},
		{"proc_raise", params("i"), func(*call) vfs.Errno { return vfs.ENosys }},
		{"random_get", params("ii"), randomGet},
		{"sched_yield", nil, schedYield},

		{"fd_advise", params("illi"), anyFD},
		{"fd_allocate", params("ill"), fdAllocate},
		{"fd_close", params("i"), fdClose},
		{"fd_datasync", params("i"), anyFD},
		{"fd_fdstat_get", params("ii"), fdFdstatGet},
		{"fd_fdstat_set_flags", params("ii"), fdFdstatSetFlags},
		{"fd_fdstat_set_rights", params("ill"), anyFD},
		{"fd_filestat_get", params("ii"), fdFilestatGet},
		{"fd_filestat_set_size", params("il"), fdFilestatSetSize},
		{"fd_filestat_set_times", params("illi"), fdFilestatSetTimes},
		{"fd_pread", params("iiili"), fdPread},
		{"fd_prestat_get", params("ii"), fdPrestatGet},
		{"fd_prestat_dir_name", params("iii"), fdPrestatDirName},
		{"fd_pwrite", params("iiili"), fdPwrite},
		{"fd_read", params("iiii"), fdRead},
		{"fd_readdir", params("iiili"), fdReaddir},
		{"fd_renumber", params("ii"), fdRenumber},
		{"fd_seek", params("ilii"), fdSeek},
		{"fd_sync", params("i"), anyFD},
		{"fd_tell", params("ii"), fdTell},
		{"fd_write", params("iiii"), fdWrite},

		{"path_create_directory", params("iii"), pathCreateDirectory},
		{"path_filestat_get", params("iiiii"), pathFilestatGet},
		{"path_filestat_set_times", params("iiiilli"), pathFilestatSetTimes},
		{"path_link", params("iiiiiii"), pathLink},
		{"path_open", params("iiiiillii"), pathOpen},
		{"path_readlink", params("iiiiii"), pathReadlink},
		{"path_remove_directory", params("iii"), pathRemoveDirectory},
		{"path_rename", params("iiiiii"), pathRename},
		{"path_symlink", params("iiiii"), pathSymlink},
		{"path_unlink_file", params("iii"), pathUnlinkFile},

		{"sock_accept", params("iii"), sockAccept},
		{"sock_recv", params("iiiiii"), sockRecv},
		{"sock_send", params("iiiii"), sockSend},
		{"sock_shutdown", params("ii"), sockShutdown},
	}
}

// Instantiate adds module wasi_snapshot_preview1 to a runtime. get finds the process of a call by its context.
func Instantiate(ctx context.Context, r wazero.Runtime, get func(context.Context) *Process) error {
	b := r.NewHostModuleBuilder(abi.WASIModule)
	export(b, functions(), get)
	b.NewFunctionBuilder().WithGoModuleFunction(api.GoModuleFunc(func(_ context.Context, _ api.Module, stack []uint64) {
		panic(&ExitError{Code: uint32(stack[0])})
	}), params("i"), nil).Export("proc_exit")
	_, err := b.Instantiate(ctx)
	return err
}

// export adds functions that return an error number.
func export(b wazero.HostModuleBuilder, all []function, get func(context.Context) *Process) {
	for _, f := range all {
		run := f.run
		b.NewFunctionBuilder().WithGoModuleFunction(api.GoModuleFunc(func(ctx context.Context, mod api.Module, stack []uint64) {
			p := get(ctx)
			mem, _ := mod.Memory().Read(0, mod.Memory().Size())
			p.call = call{p: p, mem: mem, args: stack} // in the process, so that it isn't allocated
			stack[0] = uint64(run(&p.call))
		}), f.params, []api.ValueType{i32}).Export(f.name)
	}
}

// ExportThaw adds log, remaining_time and the functions of the network to the builder of module thaw.
func ExportThaw(b wazero.HostModuleBuilder, get func(context.Context) *Process) {
	export(b, netFunctions(), get)
	b.NewFunctionBuilder().WithGoModuleFunction(api.GoModuleFunc(func(ctx context.Context, mod api.Module, stack []uint64) {
		p := get(ctx)
		text, ok := mod.Memory().Read(uint32(stack[1]), uint32(stack[2]))
		if !ok || p.Log == nil {
			return
		}
		level := abi.LogLevel(uint32(stack[0]))
		if level > abi.LogFatal {
			level = abi.LogRaw
		}
		p.Log(level, text)
	}), params("iii"), nil).Export("log")
	b.NewFunctionBuilder().WithGoModuleFunction(api.GoModuleFunc(func(ctx context.Context, _ api.Module, stack []uint64) {
		p := get(ctx)
		stack[0] = 0
		if left := time.Until(p.Deadline); left > 0 {
			stack[0] = uint64(left.Milliseconds())
		}
	}), nil, []api.ValueType{i64}).Export("remaining_time")
}

func succeed(*call) vfs.Errno { return vfs.OK }

// noStrings: a function's environment comes with RESTORE, and there are no arguments.
func noStrings(c *call) vfs.Errno {
	if e := c.put32(c.u32(0), 0); e != vfs.OK {
		return e
	}
	return c.put32(c.u32(1), 0)
}

// anyFD succeeds for a descriptor that is open: for calls that have no effect here.
func anyFD(c *call) vfs.Errno {
	_, e := c.p.FS.Info(c.fd(0))
	return e
}

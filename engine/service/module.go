package service

import (
	"context"
	"encoding/binary"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/thawrun/thaw/abi"
)

// Export adds service, service_result and service_stream to the builder of module thaw. get finds the services of a call by its
// context. Pointers and lengths come from the guest: what lies outside its memory ends in a failure.
func Export(b wazero.HostModuleBuilder, get func(context.Context) *Table) {
	const i32, i64 = api.ValueTypeI32, api.ValueTypeI64
	types := func(n int) []api.ValueType {
		t := make([]api.ValueType, n)
		for i := range t {
			t[i] = i32
		}
		return t
	}
	b.NewFunctionBuilder().WithGoModuleFunction(api.GoModuleFunc(func(ctx context.Context, mod api.Module, s []uint64) {
		t, mem := get(ctx), memory(mod)
		argument, ok := part(mem, s[2], s[3])
		out, ok2 := part(mem, s[4], s[5])
		if !ok || !ok2 {
			argument, out, s[0] = nil, nil, 0 // no such operation
		}
		kind, n := t.Call(abi.Service(uint32(s[0])), uint32(s[1]), argument, out)
		s[0] = uint64(kind)<<32 | uint64(n)
	}), types(6), []api.ValueType{i64}).Export("service")

	b.NewFunctionBuilder().WithGoModuleFunction(api.GoModuleFunc(func(ctx context.Context, mod api.Module, s []uint64) {
		n := int32(-1)
		if out, ok := part(memory(mod), s[0], s[1]); ok {
			n = get(ctx).Result(out)
		}
		s[0] = uint64(uint32(n))
	}), types(2), []api.ValueType{i32}).Export("service_result")

	b.NewFunctionBuilder().WithGoModuleFunction(api.GoModuleFunc(func(ctx context.Context, mod api.Module, s []uint64) {
		t, mem := get(ctx), memory(mod)
		in, ok := part(mem, s[2], s[3])
		out, ok2 := part(mem, s[4], s[5])
		counts, ok3 := part(mem, s[6], 8)
		handle := uint32(s[0])
		if !ok || !ok2 || !ok3 {
			in, out, counts, handle = nil, nil, make([]byte, 8), 0 // no such stream
		}
		status, consumed, produced := t.Stream(handle, uint32(s[1]), in, out)
		binary.LittleEndian.PutUint32(counts, uint32(consumed))
		binary.LittleEndian.PutUint32(counts[4:], uint32(produced))
		s[0] = uint64(uint32(status))
	}), types(7), []api.ValueType{i32}).Export("service_stream")
}

func memory(mod api.Module) []byte {
	b, _ := mod.Memory().Read(0, mod.Memory().Size())
	return b
}

func part(mem []byte, ptr, n uint64) ([]byte, bool) {
	at, length := uint64(uint32(ptr)), uint64(uint32(n))
	if at+length > uint64(len(mem)) {
		return nil, false
	}
	return mem[at : at+length : at+length], true
}

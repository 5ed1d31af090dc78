package nodejs

import (
	"encoding/binary"
	"testing"

	"github.com/thawrun/thaw/abi"
)

// BenchmarkWarmInvoke is one invocation of a reused instance, JSON in and out, without the metering of the engine.
func BenchmarkWarmInvoke(b *testing.B) {
	for name, source := range map[string]string{
		"async":    `exports.handler = async (event) => event;`,
		"callback": `exports.handler = (event, context, callback) => callback(null, event);`,
	} {
		b.Run(name, func(b *testing.B) {
			g := loaded(b, "nodejs20.x", source)
			v := abi.Invoke{Event: []byte(`{"key1": "value1", "key2": "value2", "key3": "value3"}`), RequestID: "8b0c1d2e-0000-4000-8000-0123456789ab", InvokedARN: "arn:aws:lambda:us-east-1:000000000000:function:fn"}
			frame := make([]byte, v.Size())
			v.Encode(frame)
			stack := make([]uint64, 3)
			for b.Loop() {
				stack[0], stack[1], stack[2] = uint64(abi.OpAlloc), uint64(len(frame)), 0
				if err := g.call.CallWithStack(g.ctx, stack); err != nil {
					b.Fatal(err)
				}
				ptr := uint32(stack[0])
				g.module.Memory().Write(ptr, frame)
				stack[0], stack[1], stack[2] = uint64(abi.OpInvoke), uint64(ptr), uint64(len(frame))
				if err := g.call.CallWithStack(g.ctx, stack); err != nil || abi.Status(stack[0]>>32) != abi.StatusDone {
					b.Fatal(err, stack[0]>>32)
				}
			}
		})
	}
}

// BenchmarkInit is what the runtime snapshot saves: instantiation, INIT and RESTORE. It also reports the image's size.
func BenchmarkInit(b *testing.B) {
	var nonzero, size int
	for b.Loop() {
		g := start(b, nil)
		g.done(abi.OpTrim, nil)
		m := g.module.Memory()
		size = int(m.Size())
		nonzero = 0
		for at := uint32(0); at < m.Size(); at += 4096 {
			page, _ := m.Read(at, 4096)
			for i := 0; i < len(page); i += 8 {
				if binary.LittleEndian.Uint64(page[i:]) != 0 {
					nonzero++
					break
				}
			}
		}
		_ = g.module.Close(g.ctx)
	}
	b.ReportMetric(float64(nonzero*4), "KiB-nonzero")
	b.ReportMetric(float64(size>>10), "KiB-memory")
}

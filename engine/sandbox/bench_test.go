package sandbox

import (
	"testing"

	"github.com/thawrun/thaw/abi"
	"github.com/thawrun/thaw/engine/internal/testguest"
	"github.com/thawrun/thaw/engine/vfs"
)

// The benchmarks use the test guest, whose calls cost next to nothing: they show the sandbox's own share.

func BenchmarkInstantiate(b *testing.B) {
	p, _ := load(b, newHost(b, HostConfig{}), testguest.New())
	for b.Loop() {
		in, err := p.NewInstance(testCap)
		if err != nil {
			b.Fatal(err)
		}
		in.Close()
	}
}

// A bind of a parked instance, as a cold start has it, and of one that is bound to another image.
func BenchmarkBind(b *testing.B) {
	p, s := load(b, newHost(b, HostConfig{}), testguest.New())
	_, _ = p, s
	b.Run("parked", func(b *testing.B) {
		in := bound(b, p, s)
		for b.Loop() {
			_ = in.Park(s)
			if err := in.Bind(s, testCap, vfs.Mounts{}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("delta of 20 pages", func(b *testing.B) {
		in := bound(b, p, s)
		invoke(b, in, soon(), testguest.Cmd('d', 20, 8192))
		f, err := in.Snapshot()
		if err != nil {
			b.Fatal(err)
		}
		defer f.Close()
		for b.Loop() {
			if err := in.Bind(f, testCap, vfs.Mounts{}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("other image", func(b *testing.B) {
		in := bound(b, p, s)
		invoke(b, in, soon(), testguest.Cmd('g', 70))
		invoke(b, in, soon(), testguest.Cmd('d', deltaLimit+20, 1<<17))
		f, err := in.Snapshot()
		if err != nil {
			b.Fatal(err)
		}
		defer f.Close()
		if err := in.Bind(s, testCap, vfs.Mounts{}); err != nil {
			b.Fatal(err)
		}
		next := [2]*Snapshot{f, s}
		for i := 0; b.Loop(); i++ {
			if err := in.Bind(next[i%2], testCap, vfs.Mounts{}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkReset(b *testing.B) {
	p, s := load(b, newHost(b, HostConfig{}), testguest.New())
	for name, pages := range map[string]uint32{"1 page": 1, "16 pages": 16, "400 pages": 400} {
		b.Run(name, func(b *testing.B) {
			in := bound(b, p, s)
			for b.Loop() {
				b.StopTimer()
				if pages > 16 {
					invoke(b, in, soon(), testguest.Cmd('g', 40))
				}
				invoke(b, in, soon(), testguest.Cmd('d', pages, 1<<14))
				b.StartTimer()
				if err := in.Reset(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkWarmInvoke(b *testing.B) {
	p, s := load(b, newHost(b, HostConfig{}), testguest.New())
	in := bound(b, p, s)
	for name, event := range map[string][]byte{"16 B": testguest.Cmd('c'), "64 KiB": append([]byte("e"), make([]byte, 64<<10)...)} {
		b.Run(name, func(b *testing.B) {
			call := &abi.Invoke{Event: event, RequestID: "id"}
			var dst []byte
			l := soon()
			b.ReportAllocs()
			for b.Loop() {
				var err error
				if dst, _, err = in.Invoke(call, dst[:0], l); err != nil {
					b.Fatal(err)
				}
				if len(event) > 1000 { // each such ALLOC grows this guest
					b.StopTimer()
					if err := in.Reset(); err != nil {
						b.Fatal(err)
					}
					b.StartTimer()
				}
			}
		})
	}
}

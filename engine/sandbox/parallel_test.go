package sandbox

import (
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/thawrun/thaw/abi"
	"github.com/thawrun/thaw/engine/internal/testguest"
	"github.com/thawrun/thaw/engine/vfs"
)

// Instances of one program on many goroutines, with snapshots that come and go: what is shared (program, images, scanner,
// code) must not be torn, and every instance must see its own memory only.
func TestParallelInstances(t *testing.T) {
	everywhere(t, func(t *testing.T, h *Host) {
		p, s := load(t, h, testguest.New())
		var mu sync.Mutex
		var kept *Snapshot // a function snapshot, replaced all the time
		var wg sync.WaitGroup
		for worker := range uint32(6) {
			wg.Go(func() {
				in, err := p.NewInstance(testCap)
				if err != nil {
					t.Error(err)
					return
				}
				defer func() { _ = in.Close() }()
				random := rand.New(rand.NewPCG(uint64(worker), 1))
				for round := range 60 {
					mu.Lock()
					use := s
					if kept != nil && random.IntN(2) == 0 && kept.retain() {
						use = kept
					}
					mu.Unlock()
					err := in.Bind(use, testCap, vfs.Mounts{})
					if use != s {
						use.release()
					}
					if err != nil {
						t.Error(err)
						return
					}
					mine := worker<<16 | uint32(round)
					invoke(t, in, soon(), testguest.Cmd('w', 20_000+worker*4096, mine))
					invoke(t, in, soon(), testguest.Cmd('d', 10, 60_000))
					if v := invoke(t, in, soon(), testguest.Cmd('r', 20_000+worker*4096)); v != mine {
						t.Errorf("read %x, wrote %x", v, mine)
					}
					switch random.IntN(5) {
					case 0:
						made, err := in.Snapshot()
						if err != nil {
							t.Error(err)
							return
						}
						mu.Lock()
						made, kept = kept, made
						mu.Unlock()
						if made != nil {
							made.Close()
						}
					case 1:
						if _, _, err := in.Invoke(&abi.Invoke{Event: testguest.Cmd('l')}, nil, Limits{Deadline: time.Now().Add(time.Millisecond)}); !errors.Is(err, ErrDeadline) {
							t.Errorf("loop: %v", err)
						}
						if err := in.Reset(); err != nil {
							t.Error(err)
							return
						}
						checkEqual(t, in, in.bound)
					case 2:
						if err := in.Park(s); err != nil {
							t.Error(err)
							return
						}
						checkEqual(t, in, s)
					case 3:
						_ = in.Unbind()
					}
				}
			})
		}
		wg.Wait()
		if kept != nil {
			kept.Close()
		}
		if n := s.refs.Load(); n != 1 {
			t.Errorf("%d references to the runtime snapshot, want the owner's", n)
		}
	})
}

package pool

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// Small things that can be made anew go in one order with idle instances: by size and by how long nobody used them.
func TestCachedMemoryCountsAndIsDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const mb = 1 << 20
		p := New(Config{Budget: 10 * mb, IdleTimeout: time.Hour})
		fixed := p.Cached(CachedConfig{})
		fixed.Resize(2 * mb)
		var small, large *Cached
		var dropped []string
		small = p.Cached(CachedConfig{Drop: func() { dropped = append(dropped, "small"); small.Resize(0) }})
		small.Resize(mb / 4)
		large = p.Cached(CachedConfig{Drop: func() { dropped = append(dropped, "large"); large.Resize(0) }})
		large.Resize(3 * mb)
		if s := p.Stats(); s.Used != 5*mb+mb/4 || s.Cached != s.Used {
			t.Errorf("%+v", s)
		}
		time.Sleep(10 * time.Second)
		f := &factory{t: t, size: 3 * mb}
		g := group(t, p, f, 0)
		l := acquire(t, g)
		l.Keep()
		time.Sleep(time.Second)
		other := &factory{t: t, size: 3 * mb}
		h := group(t, p, other, 0)
		m := acquire(t, h)
		m.Keep() // 2 + 1/4 + 3 + 3 + 3
		if len(dropped) != 1 || dropped[0] != "large" || f.closed.Load() != 0 {
			t.Errorf("dropped %v, %d instances closed; the large thing was used longest ago", dropped, f.closed.Load())
		}
		if s := p.Stats(); s.Dropped != 1 || s.Evicted != 0 || s.Used != 8*mb+mb/4 {
			t.Errorf("%+v", s)
		}
		large.Resize(3 * mb)
		large.Touch()
		time.Sleep(time.Second)
		n := acquire(t, h) // warm, so nothing is reserved
		n.Keep()
		if f.closed.Load() != 1 || len(dropped) != 1 {
			t.Errorf("dropped %v, %d instances closed; of three things of a size the first instance is the longest idle", dropped, f.closed.Load())
		}
		for _, c := range []*Cached{fixed, small, large} {
			c.Close()
			c.Resize(5 * mb) // too late to count
		}
		closePool(t, p)
	})
}

// What can't be dropped now is left, and the next in line goes.
func TestWhatIsInUseIsNotDropped(t *testing.T) {
	f := &factory{t: t, size: 1 << 20}
	p := New(Config{Budget: 4 << 20})
	asked := 0
	busy := p.Cached(CachedConfig{Drop: func() { asked++ }})
	busy.Resize(3 << 20)
	g := group(t, p, f, 0)
	a := acquire(t, g)
	a.Keep()
	h := group(t, p, f, 0)
	b := acquire(t, h)
	b.Keep()
	if s := p.Stats(); asked == 0 || s.Dropped != 0 || s.Evicted != 1 {
		t.Errorf("asked %d times, %+v", asked, s)
	}
	busy.Close()
	closePool(t, p)
}

func TestWhatNobodyUsesExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(Config{IdleTimeout: time.Minute})
		var mu sync.Mutex
		drops := map[string]int{}
		add := func(name string, expires bool) *Cached {
			var c *Cached
			c = p.Cached(CachedConfig{Expires: expires, Drop: func() {
				mu.Lock()
				drops[name]++
				mu.Unlock()
				c.Resize(0)
			}})
			c.Resize(1)
			return c
		}
		kept, idle, used := add("kept", false), add("idle", true), add("used", true)
		for range 10 {
			time.Sleep(20 * time.Second)
			used.Touch()
		}
		mu.Lock()
		if drops["kept"] != 0 || drops["idle"] != 1 || drops["used"] != 0 {
			t.Errorf("drops: %v", drops)
		}
		mu.Unlock()
		for _, c := range []*Cached{kept, idle, used} {
			c.Close()
		}
		closePool(t, p)
	})
}

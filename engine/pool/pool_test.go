package pool

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// factory starts fake instances and watches that each is used by one goroutine at a time and closed once.
type factory struct {
	t         *testing.T
	size      int64
	fail      error
	resetFail error
	started   atomic.Int32
	closed    atomic.Int32
	resets    atomic.Int32
}

type fake struct {
	f      *factory
	busy   atomic.Bool
	closed atomic.Bool
}

func (f *factory) Start(context.Context) (Instance, error) {
	if f.fail != nil {
		return nil, f.fail
	}
	f.started.Add(1)
	return &fake{f: f}, nil
}

func (i *fake) Reset() error     { i.f.resets.Add(1); return i.f.resetFail }
func (i *fake) Footprint() int64 { return i.f.size }
func (i *fake) Close() {
	if i.closed.Swap(true) {
		i.f.t.Error("closed twice")
	}
	if i.busy.Load() {
		i.f.t.Error("closed while in use")
	}
	i.f.closed.Add(1)
}

func (i *fake) use() {
	if i.busy.Swap(true) {
		i.f.t.Error("used by two at once")
	}
	if i.closed.Load() {
		i.f.t.Error("used after close")
	}
	i.busy.Store(false)
}

func acquire(t *testing.T, g *Group) Lease {
	t.Helper()
	l, err := g.Acquire(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	l.Instance().(*fake).use()
	return l
}

func group(t *testing.T, p *Pool, f *factory, prewarm int) *Group {
	t.Helper()
	g, err := p.Group(f, prewarm)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func closePool(t *testing.T, p *Pool) {
	t.Helper()
	if err := p.Close(context.Background()); err != nil {
		t.Error(err)
	}
	if n := p.used.Load(); n != 0 {
		t.Errorf("%d bytes still accounted after Close", n)
	}
}

func TestAnInstanceIsReused(t *testing.T) {
	f := &factory{t: t, size: 100}
	p := New(Config{})
	g := group(t, p, f, 0)
	for i := range 5 {
		l := acquire(t, g)
		if l.Cold != (i == 0) {
			t.Errorf("call %d: cold = %v", i, l.Cold)
		}
		l.Keep()
	}
	if n := f.started.Load(); n != 1 {
		t.Errorf("%d instances started", n)
	}
	closePool(t, p)
	if s, c := f.started.Load(), f.closed.Load(); s != c {
		t.Errorf("%d started, %d closed", s, c)
	}
}

func TestTheBudgetClosesTheLongestIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(Config{Budget: 10 << 20})
		var groups []*Group
		var factories []*factory
		for range 8 {
			f := &factory{t: t, size: 3 << 20}
			g := group(t, p, f, 0)
			l := acquire(t, g)
			l.Keep()
			time.Sleep(time.Millisecond)
			groups, factories = append(groups, g), append(factories, f)
			if used := p.used.Load(); used > 10<<20 {
				t.Errorf("%d bytes used of a budget of %d", used, 10<<20)
			}
		}
		if groups[0].Live() != 0 || groups[7].Live() != 1 {
			t.Errorf("oldest has %d instances, newest %d; want 0 and 1", groups[0].Live(), groups[7].Live())
		}
		if factories[0].closed.Load() != 1 {
			t.Error("the oldest instance was not closed")
		}
		closePool(t, p)
	})
}

func TestABudgetFullOfBusyInstancesRefuses(t *testing.T) {
	f := &factory{t: t, size: 1 << 20}
	p := New(Config{Budget: 2 << 20})
	g := group(t, p, f, 0)
	a, b := acquire(t, g), acquire(t, g)
	if _, err := g.Acquire(context.Background()); !errors.Is(err, ErrBudget) {
		t.Errorf("third: %v", err)
	}
	a.Keep()
	c := acquire(t, g)
	c.Keep()
	b.Keep()
	closePool(t, p)
}

func TestIdleInstancesExpireDownToThePrewarmed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &factory{t: t, size: 1}
		p := New(Config{IdleTimeout: time.Minute})
		g := group(t, p, f, 1)
		synctest.Wait()
		if g.Live() != 1 {
			t.Fatalf("%d instances prewarmed", g.Live())
		}
		a, b, c := acquire(t, g), acquire(t, g), acquire(t, g)
		a.Keep()
		b.Keep()
		c.Keep()
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if n := g.Live(); n != 1 {
			t.Errorf("%d instances after the idle timeout, want the prewarmed one", n)
		}
		closePool(t, p)
	})
}

// compactable gives half its memory back.
type compactable struct {
	fake
	compacted atomic.Int32
	fail      atomic.Bool
}

func (c *compactable) Compact() error {
	c.compacted.Add(1)
	if c.fail.Load() {
		return errors.New("torn")
	}
	return nil
}
func (c *compactable) Footprint() int64 {
	if c.compacted.Load() > 0 {
		return c.f.size / 2
	}
	return c.f.size
}

type compactStarter struct{ inst *compactable }

func (s compactStarter) Start(context.Context) (Instance, error) { return s.inst, nil }

func TestIdleInstancesAreCompactedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &factory{t: t, size: 1000}
		inst := &compactable{fake: fake{f: f}}
		p := New(Config{})
		g, err := p.Group(compactStarter{inst}, 0)
		if err != nil {
			t.Fatal(err)
		}
		l, err := g.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		l.Keep()
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if inst.compacted.Load() != 0 || p.used.Load() != 1000 {
			t.Errorf("after 5 s: compacted %d times, %d bytes", inst.compacted.Load(), p.used.Load())
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if inst.compacted.Load() != 1 || p.used.Load() != 500 || g.Live() != 1 {
			t.Errorf("after a minute: compacted %d times, %d bytes, %d live", inst.compacted.Load(), p.used.Load(), g.Live())
		}
		if l, err = g.Acquire(t.Context()); err != nil {
			t.Fatal(err)
		}
		inst.fail.Store(true)
		l.Keep()
		time.Sleep(time.Minute)
		synctest.Wait()
		if g.Live() != 0 || f.closed.Load() != 1 {
			t.Errorf("after a failure: %d live, %d closed", g.Live(), f.closed.Load())
		}
		closePool(t, p)
	})
}

func TestRetireClosesIdleNowAndBusyLater(t *testing.T) {
	f := &factory{t: t}
	p := New(Config{})
	g := group(t, p, f, 0)
	busy, idle := acquire(t, g), acquire(t, g)
	idle.Keep()
	g.Retire()
	if n := f.closed.Load(); n != 1 {
		t.Errorf("%d closed at once, want the idle one", n)
	}
	if _, err := g.Acquire(context.Background()); !errors.Is(err, ErrRetired) {
		t.Errorf("acquire after retire: %v", err)
	}
	busy.Keep()
	if n := f.closed.Load(); n != 2 {
		t.Errorf("%d closed after the busy one came back", n)
	}
	closePool(t, p)
}

func TestAFailedResetDiscards(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &factory{t: t, resetFail: errors.New("torn")}
		p := New(Config{})
		g := group(t, p, f, 0)
		l := acquire(t, g)
		l.Reset()
		synctest.Wait()
		if f.resets.Load() != 1 || f.closed.Load() != 1 || g.Live() != 0 {
			t.Errorf("%d resets, %d closed, %d live", f.resets.Load(), f.closed.Load(), g.Live())
		}
		closePool(t, p)
	})
}

func TestCloseWaitsForLeases(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &factory{t: t}
		p := New(Config{})
		g := group(t, p, f, 0)
		l := acquire(t, g)
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := p.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("close with a lease out: %v", err)
		}
		l.Keep()
		synctest.Wait()
		if f.closed.Load() != 1 {
			t.Error("the instance that came back late was not closed")
		}
		if err := p.Close(context.Background()); err != nil {
			t.Errorf("second close: %v", err)
		}
		if _, err := p.Group(f, 0); !errors.Is(err, ErrClosed) {
			t.Errorf("group after close: %v", err)
		}
	})
}

func TestAFailedStartLeavesNothing(t *testing.T) {
	boom := errors.New("boom")
	f := &factory{t: t, fail: boom}
	p := New(Config{Budget: 1 << 30})
	g := group(t, p, f, 0)
	if _, err := g.Acquire(context.Background()); !errors.Is(err, boom) {
		t.Errorf("got %v", err)
	}
	if g.Live() != 0 || p.used.Load() != 0 {
		t.Errorf("%d live, %d bytes", g.Live(), p.used.Load())
	}
	closePool(t, p)
}

// Every lock in this package under load, with every way for a lease to end.
func TestHammer(t *testing.T) {
	p := New(Config{Budget: 20 << 20, IdleTimeout: 10 * time.Millisecond})
	var factories []*factory
	var wg sync.WaitGroup
	for range 4 {
		f := &factory{t: t, size: 2 << 20}
		factories = append(factories, f)
		var current atomic.Pointer[Group]
		current.Store(group(t, p, f, 1))
		wg.Go(func() { // updates
			for range 20 {
				time.Sleep(time.Millisecond)
				next, err := p.Group(f, 1)
				if err != nil {
					t.Error(err)
					return
				}
				current.Swap(next).Retire()
			}
		})
		for n := range 4 {
			wg.Go(func() {
				for i := range 500 {
					l, err := current.Load().Acquire(context.Background())
					if err != nil {
						if !errors.Is(err, ErrRetired) && !errors.Is(err, ErrBudget) {
							t.Error(err)
						}
						continue
					}
					l.Instance().(*fake).use()
					switch (i + n) % 7 {
					case 0:
						l.Reset()
					case 1:
						l.Discard()
					default:
						l.Keep()
					}
				}
			})
		}
	}
	wg.Wait()
	closePool(t, p)
	for i, f := range factories {
		if s, c := f.started.Load(), f.closed.Load(); s != c {
			t.Errorf("factory %d: %d started, %d closed", i, s, c)
		}
	}
}

func TestWarmAcquireDoesNotAllocate(t *testing.T) {
	p := New(Config{Budget: 1 << 30})
	g := group(t, p, &factory{t: t}, 0)
	l := acquire(t, g)
	l.Keep()
	if n := testing.AllocsPerRun(100, func() {
		l, err := g.Acquire(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		l.Keep()
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
	closePool(t, p)
}

func TestConcurrencyLimits(t *testing.T) {
	l := NewLimits(3)
	shared := l.Reserve("a", "shared", -1)
	own := l.Reserve("a", "own", 2)
	enter := func(r *Reservation) Slot {
		t.Helper()
		s, rf, af := r.Enter()
		if rf || af {
			t.Fatalf("refused: reserved %v, account %v", rf, af)
		}
		return s
	}
	s := enter(shared) // 3 - 2 reserved = 1
	if _, rf, af := shared.Enter(); rf || !af {
		t.Errorf("second shared: reserved full %v, account full %v; want the account to be", rf, af)
	}
	o1, o2 := enter(own), enter(own)
	if _, rf, af := own.Enter(); !rf || af {
		t.Errorf("third of two reserved: reserved full %v, account full %v", rf, af)
	}
	s.End()
	o1.End()
	o2.End()
	l.Reserve("a", "own", 0)
	if _, rf, _ := own.Enter(); !rf {
		t.Error("a reservation of 0 admits")
	}
	l.Forget("a", "own")
	a, b, c := enter(shared), enter(shared), enter(shared)
	if _, _, af := shared.Enter(); !af {
		t.Error("a fourth of three was admitted")
	}
	a.End()
	b.End()
	c.End()
	if _, _, af := l.Reserve("b", "shared", -1).Enter(); af {
		t.Error("another account is limited by the first")
	}
}

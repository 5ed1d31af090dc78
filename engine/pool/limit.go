package pool

import (
	"sync"
	"sync/atomic"
)

// Limits counts invocations in progress against the account's concurrency and the functions' reserved concurrency (guide,
// "Lambda Function Concurrent Executions" and "Limits"; reserved concurrency as AWS defines it today: what functions
// reserve is taken off what the others share).
type Limits struct {
	account int64

	mu       sync.Mutex
	accounts map[string]*account
}

type account struct {
	unreserved atomic.Int64 // what functions without a reservation may use together
	inFlight   atomic.Int64 // of those
	groups     map[string]*Reservation
}

// Reservation is a function's own part of its account's concurrency, or its membership in the shared part.
type Reservation struct {
	a        *account
	reserved atomic.Int64 // negative = none
	inFlight atomic.Int64
}

// NewLimits makes limits of n concurrent invocations per account; n <= 0 means no limit.
func NewLimits(n int) *Limits {
	if n <= 0 {
		n = 1 << 40
	}
	return &Limits{account: int64(n), accounts: map[string]*account{}}
}

// Reserve sets the reserved concurrency of a function (negative = none) and returns what its invocations count against.
// Functions of one group and account share it; the last value set counts for all.
func (l *Limits) Reserve(accountID, group string, reserved int) *Reservation {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.accounts[accountID]
	if a == nil {
		a = &account{groups: map[string]*Reservation{}}
		a.unreserved.Store(l.account)
		l.accounts[accountID] = a
	}
	r := a.groups[group]
	if r == nil {
		r = &Reservation{a: a}
		r.reserved.Store(-1)
		a.groups[group] = r
	}
	old := r.reserved.Swap(int64(reserved))
	a.unreserved.Add(max(old, 0) - max(int64(reserved), 0))
	return r
}

// Forget drops a function's reservation. Invocations in progress still end properly.
func (l *Limits) Forget(accountID, group string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if a := l.accounts[accountID]; a != nil {
		if r := a.groups[group]; r != nil {
			a.unreserved.Add(max(r.reserved.Load(), 0))
			delete(a.groups, group)
		}
	}
}

// Slot is an admitted invocation. End it exactly once.
type Slot struct {
	r      *Reservation
	shared bool
}

// Enter admits an invocation. Of the two results that say no, one is set: the function's own reservation or the shared
// part of the account is used up.
func (r *Reservation) Enter() (s Slot, reservedFull, accountFull bool) {
	if n := r.reserved.Load(); n >= 0 {
		if r.inFlight.Add(1) > n {
			r.inFlight.Add(-1)
			return Slot{}, true, false
		}
		return Slot{r: r}, false, false
	}
	if r.a.inFlight.Add(1) > r.a.unreserved.Load() {
		r.a.inFlight.Add(-1)
		return Slot{}, false, true
	}
	return Slot{r: r, shared: true}, false, false
}

// End counts the invocation out.
func (s Slot) End() {
	if s.shared {
		s.r.a.inFlight.Add(-1)
	} else {
		s.r.inFlight.Add(-1)
	}
}

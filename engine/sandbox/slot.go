package sandbox

const (
	wasmPage = 65536
	hostPage = 4096
)

// reservationUnit rounds address space up, so that shells fit functions of similar sizes.
const reservationUnit = 256 << 20

// copyLimit is the number of dirty pages up to which a reset copies them back instead of dropping them: copying keeps them
// resident, so that the next call doesn't fault.
const copyLimit = 1000

// maxMemory is the most linear memory that an instance can have: adopting a snapshot takes one page more for a moment.
const maxMemory = 4<<30 - wasmPage

// slot is the address range of one instance's linear memory. It implements experimental.LinearMemory. Its platform part
// (memory) binds and resets; this part keeps lengths and the cap.
type slot struct {
	memory
	length int    // current length, bytes
	peak   int    // most of it since bind
	cap    uint64 // bytes; growing beyond it fails
	forced int    // ≥ 0: what the next Reallocate sets the length to, whatever it is asked for

	refused bool // a growth was refused since the call began
	freed   bool
}

func newSlot(capacity uint64, portable bool) (*slot, error) {
	reserve := (capacity + reservationUnit - 1) / reservationUnit * reservationUnit
	s := &slot{cap: min(capacity, maxMemory), forced: -1}
	return s, s.reserve(int(min(reserve, 4<<30)), portable)
}

// Reallocate is called by wazero with a new length, at instantiation and for memory.grow; nil refuses.
func (s *slot) Reallocate(size uint64) []byte {
	if s.forced >= 0 {
		s.length, s.forced = s.forced, -1
		s.ensure(s.length)
	} else {
		if size > s.cap || size > uint64(s.reserved()) || !s.ensure(int(size)) {
			s.refused = true
			return nil
		}
		s.length = int(size)
	}
	s.peak = max(s.peak, s.length)
	return s.bytes(s.length)
}

// Free is called by wazero when the module is closed. The instance unmaps, when no call runs any more.
func (s *slot) Free() {}

// Package service is the host's side of the functions service, service_result and service_stream of abi/README.md, section 5.5: it
// decodes their arguments, keeps the handles of an instance and its limits, and has packages crypto and compress do the work.
package service

import (
	"github.com/thawrun/thaw/abi"
	"github.com/thawrun/thaw/engine/compress"
	"github.com/thawrun/thaw/engine/crypto"
)

// Table is the services of one instance. The zero value with Charge set is ready. It belongs to the goroutine that runs the
// instance.
type Table struct {
	// Charge accounts work, in units of about half a nanosecond, and panics where the call must end.
	Charge func(units uint64)

	objects map[uint32]object
	last    uint32
	held    int
	result  []byte // what did not fit
	fields  [maxFields]field
}

// object is what a handle stands for: one of the pointers.
type object struct {
	hash   *crypto.Hash
	cipher *crypto.Cipher
	key    *crypto.Key
	stream compress.Stream
	held   int // accounted
}

// Open is the number of open handles.
func (t *Table) Open() int { return len(t.objects) }

// Held is about how many bytes the handles keep.
func (t *Table) Held() int { return t.held }

// Reset closes all handles. Their numbers are not used again by this instance until its memory is that of a snapshot anew, so
// they may start over.
func (t *Table) Reset() {
	for _, o := range t.objects {
		if o.stream != nil {
			o.stream.Close()
		}
	}
	clear(t.objects)
	t.last, t.held, t.result = 0, 0, nil
}

func (t *Table) add(o object) (uint32, error) {
	switch {
	case o.stream != nil:
		o.held = o.stream.Held()
	case o.cipher != nil:
		o.held = o.cipher.Held()
	case o.key != nil:
		o.held = 4 << 10
	default:
		o.held = 1 << 10
	}
	if len(t.objects) >= abi.MaxServiceHandles || t.held+o.held > abi.MaxServiceMemory || t.last == 1<<31-1 {
		if o.stream != nil {
			o.stream.Close()
		}
		return 0, limit()
	}
	if t.objects == nil {
		t.objects = make(map[uint32]object)
	}
	t.last++
	t.objects[t.last] = o
	t.held += o.held
	return t.last, nil
}

// settle accounts what an object has come to keep.
func (t *Table) settle(handle uint32, o object, held int) {
	t.held += held - o.held
	o.held = held
	t.objects[handle] = o
}

func (t *Table) close(handle uint32) {
	o, ok := t.objects[handle]
	if !ok {
		return
	}
	if o.stream != nil {
		o.stream.Close()
	}
	t.held -= o.held
	delete(t.objects, handle)
}

func limit() error {
	return &crypto.Error{Code: "ERR_SERVICE_LIMIT", Message: "too many digests, ciphers, keys or streams are open"}
}

func badHandle() error {
	return &crypto.Error{Code: "ERR_SERVICE_HANDLE", Message: "no such handle"}
}

func badArgument() error {
	return &crypto.Error{Code: "ERR_SERVICE_ARGUMENT", Message: "malformed arguments"}
}

package abi

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Absent is the length that stands for a string that is not there, as opposed to an empty one.
const Absent = 0xFFFFFFFF

// ErrFrame is wrapped by every error about a frame that breaks its layout.
var ErrFrame = errors.New("malformed frame")

// Field is one string of a record. The zero value is absent.
type Field struct {
	Value   string
	Present bool
}

// String makes a field that is present.
func String(s string) Field { return Field{Value: s, Present: true} }

// Optional makes a field that is absent when s is empty.
func Optional(s string) Field { return Field{Value: s, Present: s != ""} }

// AppendRecord appends a record (README section 4.2) to dst.
func AppendRecord(dst []byte, fields ...Field) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(fields)))
	for _, f := range fields {
		dst = appendField(dst, f)
	}
	return dst
}

// AppendPairs appends a record of key, value pairs; pairs holds them alternating.
func AppendPairs(dst []byte, pairs ...string) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(pairs)))
	for _, s := range pairs {
		dst = appendField(dst, Field{Value: s, Present: true})
	}
	return dst
}

func appendField(dst []byte, f Field) []byte {
	if !f.Present {
		return binary.LittleEndian.AppendUint32(dst, Absent)
	}
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(f.Value)))
	return append(dst, f.Value...)
}

// ParseRecord decodes a record. It refuses trailing bytes.
func ParseRecord(b []byte) ([]Field, error) {
	if len(b) < 4 {
		return nil, fmt.Errorf("record: %w: %d bytes", ErrFrame, len(b))
	}
	n := binary.LittleEndian.Uint32(b)
	b = b[4:]
	if uint64(n)*4 > uint64(len(b)) {
		return nil, fmt.Errorf("record: %w: %d fields in %d bytes", ErrFrame, n, len(b))
	}
	fields := make([]Field, n)
	for i := range fields {
		if len(b) < 4 {
			return nil, fmt.Errorf("record: %w: field %d is cut off", ErrFrame, i)
		}
		l := binary.LittleEndian.Uint32(b)
		b = b[4:]
		if l == Absent {
			continue
		}
		if uint64(l) > uint64(len(b)) {
			return nil, fmt.Errorf("record: %w: field %d has %d bytes of %d", ErrFrame, i, len(b), l)
		}
		fields[i] = Field{Value: string(b[:l]), Present: true}
		b = b[l:]
	}
	if len(b) != 0 {
		return nil, fmt.Errorf("record: %w: %d bytes after the last field", ErrFrame, len(b))
	}
	return fields, nil
}

// Load is the contents of the LOAD record.
type Load struct {
	Runtime      string // the name the function was created with
	Handler      string
	TaskRoot     string // folder of the function's code
	FunctionName string
	Version      string
	MemoryMB     string // decimal
	LogGroup     string
	LogStream    string // empty = absent
	FunctionARN  string // unqualified
}

// Append appends the LOAD record to dst.
func (l *Load) Append(dst []byte) []byte {
	return AppendRecord(dst, String(l.Runtime), String(l.Handler), String(l.TaskRoot), String(l.FunctionName), String(l.Version),
		String(l.MemoryMB), String(l.LogGroup), Optional(l.LogStream), String(l.FunctionARN))
}

// Invoke is the contents of an invoke frame. Its byte slices are read, never kept.
type Invoke struct {
	DeadlineMS     int64 // ms since the Unix epoch
	Event          []byte
	RequestID      string
	InvokedARN     string
	TraceID        string // empty = absent
	ClientContext  []byte // JSON; empty = absent
	IdentityID     string // empty = absent
	IdentityPoolID string // empty = absent
}

const invokeHeader = 16

// Size returns the length of the encoded frame.
func (v *Invoke) Size() int {
	return invokeHeader + len(v.Event) + 4 + 6*4 + len(v.RequestID) + len(v.InvokedARN) + len(v.TraceID) + len(v.ClientContext) +
		len(v.IdentityID) + len(v.IdentityPoolID)
}

// Encode writes the frame to dst, which must have at least Size bytes, and returns its length. It allocates nothing, so it
// can write straight into guest memory.
func (v *Invoke) Encode(dst []byte) int {
	n := v.Size()
	context := n - invokeHeader - len(v.Event)
	binary.LittleEndian.PutUint64(dst, uint64(v.DeadlineMS))
	binary.LittleEndian.PutUint32(dst[8:], uint32(len(v.Event)))
	binary.LittleEndian.PutUint32(dst[12:], uint32(context))
	o := invokeHeader + copy(dst[invokeHeader:], v.Event)
	binary.LittleEndian.PutUint32(dst[o:], 6)
	o += 4
	o = putString(dst, o, v.RequestID, true)
	o = putString(dst, o, v.InvokedARN, true)
	o = putString(dst, o, v.TraceID, false)
	if len(v.ClientContext) == 0 {
		o = putString(dst, o, "", false)
	} else {
		binary.LittleEndian.PutUint32(dst[o:], uint32(len(v.ClientContext)))
		o += 4 + copy(dst[o+4:], v.ClientContext)
	}
	o = putString(dst, o, v.IdentityID, false)
	putString(dst, o, v.IdentityPoolID, false)
	return n
}

func putString(dst []byte, o int, s string, present bool) int {
	if s == "" && !present {
		binary.LittleEndian.PutUint32(dst[o:], Absent)
		return o + 4
	}
	binary.LittleEndian.PutUint32(dst[o:], uint32(len(s)))
	return o + 4 + copy(dst[o+4:], s)
}

// ParseInvoke decodes an invoke frame. The returned event and client context alias b.
func ParseInvoke(b []byte) (*Invoke, error) {
	if len(b) < invokeHeader {
		return nil, fmt.Errorf("invoke: %w: %d bytes", ErrFrame, len(b))
	}
	e, c := uint64(binary.LittleEndian.Uint32(b[8:])), uint64(binary.LittleEndian.Uint32(b[12:]))
	if invokeHeader+e+c != uint64(len(b)) {
		return nil, fmt.Errorf("invoke: %w: event %d and context %d in %d bytes", ErrFrame, e, c, len(b))
	}
	fields, err := ParseRecord(b[invokeHeader+e:])
	if err != nil {
		return nil, fmt.Errorf("invoke: context: %w", err)
	}
	if len(fields) < 6 {
		return nil, fmt.Errorf("invoke: %w: %d context fields", ErrFrame, len(fields))
	}
	return &Invoke{
		DeadlineMS: int64(binary.LittleEndian.Uint64(b)), Event: b[invokeHeader : invokeHeader+e],
		RequestID: fields[0].Value, InvokedARN: fields[1].Value, TraceID: fields[2].Value, ClientContext: []byte(fields[3].Value),
		IdentityID: fields[4].Value, IdentityPoolID: fields[5].Value,
	}, nil
}

// Wait is the contents of the wait frame that comes with StatusPending.
type Wait struct {
	Until       int64 // monotonic ns of the next turn; -1 = no timer
	Responded   bool  // Response is the invocation's result
	Descriptors []WaitDescriptor
	Response    []byte // aliases the frame
}

// WaitDescriptor is a descriptor that a pending guest waits for.
type WaitDescriptor struct {
	FD     int32
	Events uint32 // WaitReadable, WaitWritable
}

// Events of a WaitDescriptor.
const (
	WaitReadable = 1
	WaitWritable = 2
)

// ParseWait decodes a wait frame.
func ParseWait(b []byte) (Wait, error) {
	if len(b) < 16 {
		return Wait{}, fmt.Errorf("wait: %w: %d bytes", ErrFrame, len(b))
	}
	w := Wait{Until: int64(binary.LittleEndian.Uint64(b)), Responded: binary.LittleEndian.Uint32(b[8:])&1 != 0}
	n := uint64(binary.LittleEndian.Uint32(b[12:]))
	b = b[16:]
	if n > MaxDescriptors || n*8 > uint64(len(b)) {
		return Wait{}, fmt.Errorf("wait: %w: %d descriptors in %d bytes", ErrFrame, n, len(b))
	}
	for i := range n {
		w.Descriptors = append(w.Descriptors, WaitDescriptor{
			FD: int32(binary.LittleEndian.Uint32(b[8*i:])), Events: binary.LittleEndian.Uint32(b[8*i+4:]),
		})
	}
	if w.Responded {
		w.Response = b[8*n:]
	}
	return w, nil
}

// Result splits what the entry point returned.
func Result(r uint64) (Status, uint32) { return Status(r >> 32), uint32(r) }

// Info is the decoded info block (README section 4.1).
type Info struct {
	Version    uint32
	Flags      uint32
	Interrupts []Interrupt
}

// Interrupt is a word of guest memory that the host ORs Mask into to raise the soft interrupt.
type Interrupt struct{ Addr, Mask uint32 }

// ParseInfo decodes the info block at ptr of the guest's memory.
func ParseInfo(memory []byte, ptr uint32) (Info, error) {
	if uint64(ptr)+16 > uint64(len(memory)) {
		return Info{}, fmt.Errorf("info: %w: block at %d of %d bytes", ErrFrame, ptr, len(memory))
	}
	b := memory[ptr:]
	in := Info{Version: binary.LittleEndian.Uint32(b), Flags: binary.LittleEndian.Uint32(b[4:])}
	n, at := uint64(binary.LittleEndian.Uint32(b[8:])), uint64(binary.LittleEndian.Uint32(b[12:]))
	if n > 64 || at+8*n > uint64(len(memory)) {
		return Info{}, fmt.Errorf("info: %w: %d interrupt words at %d", ErrFrame, n, at)
	}
	for i := range n {
		p := memory[at+8*i:]
		x := Interrupt{Addr: binary.LittleEndian.Uint32(p), Mask: binary.LittleEndian.Uint32(p[4:])}
		if x.Addr%4 != 0 || uint64(x.Addr)+4 > uint64(len(memory)) {
			return Info{}, fmt.Errorf("info: %w: interrupt word at %d", ErrFrame, x.Addr)
		}
		in.Interrupts = append(in.Interrupts, x)
	}
	return in, nil
}

// Payload returns the payload of the result frame at ptr, as a part of the guest's memory. ptr 0 is an empty payload.
func Payload(memory []byte, ptr uint32) ([]byte, error) {
	if ptr == 0 {
		return nil, nil
	}
	if uint64(ptr)+4 > uint64(len(memory)) {
		return nil, fmt.Errorf("result: %w: frame at %d of %d bytes", ErrFrame, ptr, len(memory))
	}
	n := uint64(binary.LittleEndian.Uint32(memory[ptr:]))
	if uint64(ptr)+4+n > uint64(len(memory)) {
		return nil, fmt.Errorf("result: %w: %d bytes at %d of %d", ErrFrame, n, ptr, len(memory))
	}
	return memory[uint64(ptr)+4 : uint64(ptr)+4+n], nil
}

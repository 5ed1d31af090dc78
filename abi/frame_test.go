package abi

import (
	"bytes"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestRecordRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		fields := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Field {
			if rapid.Bool().Draw(t, "absent") {
				return Field{}
			}
			return String(rapid.String().Draw(t, "value"))
		}), 0, 12).Draw(t, "fields")
		got, err := ParseRecord(AppendRecord(nil, fields...))
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != len(fields) {
			t.Fatalf("%d fields, want %d", len(got), len(fields))
		}
		for i := range got {
			if got[i] != fields[i] {
				t.Fatalf("field %d: %+v, want %+v", i, got[i], fields[i])
			}
		}
	})
}

func TestInvokeRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := func(name string) string { return rapid.String().Draw(t, name) }
		in := Invoke{
			DeadlineMS: rapid.Int64().Draw(t, "deadline"), Event: []byte(s("event")), RequestID: s("id"), InvokedARN: s("arn"),
			TraceID: s("trace"), ClientContext: []byte(s("client")), IdentityID: s("identity"), IdentityPoolID: s("pool"),
		}
		b := make([]byte, in.Size())
		if n := in.Encode(b); n != len(b) {
			t.Fatalf("encoded %d bytes, Size says %d", n, len(b))
		}
		out, err := ParseInvoke(b)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(in, *out); d != "" {
			t.Fatal(d)
		}
	})
}

func TestInvokeEncodeDoesNotAllocate(t *testing.T) {
	in := Invoke{Event: []byte(`{"a":1}`), RequestID: "id", InvokedARN: "arn"}
	b := make([]byte, in.Size())
	if n := testing.AllocsPerRun(100, func() { in.Encode(b) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestParseInfo(t *testing.T) {
	memory := make([]byte, 64)
	copy(memory[8:], []byte{1, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 32, 0, 0, 0})
	copy(memory[32:], []byte{40, 0, 0, 0, 4, 0, 0, 0})
	in, err := ParseInfo(memory, 8)
	if err != nil {
		t.Fatal(err)
	}
	want := Info{Version: 1, Flags: InfoSoftInterrupt, Interrupts: []Interrupt{{Addr: 40, Mask: 4}}}
	if d := cmp.Diff(want, in); d != "" {
		t.Error(d)
	}
	for name, ptr := range map[string]uint32{"beyond the end": 60, "far beyond": 0xFFFFFFF0} {
		if _, err := ParseInfo(memory, ptr); !errors.Is(err, ErrFrame) {
			t.Errorf("%s: %v, want ErrFrame", name, err)
		}
	}
	memory[32] = 41
	if _, err := ParseInfo(memory, 8); !errors.Is(err, ErrFrame) {
		t.Errorf("unaligned word: %v, want ErrFrame", err)
	}
}

func TestPayload(t *testing.T) {
	memory := append([]byte{0, 0, 0, 0, 3, 0, 0, 0}, "abcd"...)
	got, err := Payload(memory, 4)
	if err != nil || !bytes.Equal(got, []byte("abc")) {
		t.Errorf("got %q, %v", got, err)
	}
	memory[4] = 5
	if _, err := Payload(memory, 4); !errors.Is(err, ErrFrame) {
		t.Errorf("length beyond the memory: %v, want ErrFrame", err)
	}
	if _, err := Payload(memory, 0xFFFFFFFF); !errors.Is(err, ErrFrame) {
		t.Errorf("pointer beyond the memory: %v, want ErrFrame", err)
	}
}

func FuzzParse(f *testing.F) {
	in := Invoke{Event: []byte(`{}`), RequestID: "id", InvokedARN: "arn", ClientContext: []byte(`{}`)}
	b := make([]byte, in.Size())
	in.Encode(b)
	f.Add(b)
	f.Add(AppendPairs(nil, "a", "b"))
	f.Add(make([]byte, 16))
	f.Fuzz(func(t *testing.T, b []byte) {
		if fields, err := ParseRecord(b); err == nil {
			if again := AppendRecord(nil, fields...); !bytes.Equal(again, b) {
				t.Errorf("record changed on the way: %x, %x", b, again)
			}
		}
		_, _ = ParseInvoke(b)
		if w, err := ParseWait(b); err == nil && len(w.Response) > len(b) {
			t.Error("response longer than its frame")
		}
		_, _ = ParseInfo(b, 0)
		_, _ = Payload(b, 4)
	})
}

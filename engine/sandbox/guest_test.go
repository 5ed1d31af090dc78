package sandbox

import (
	"encoding/binary"
	"testing"

	"github.com/thawrun/thaw/abi"
)

// invoke runs a command and returns its 4 bytes.
func invoke(t testing.TB, in *Instance, l Limits, event []byte) uint32 {
	t.Helper()
	payload, status, err := in.Invoke(&abi.Invoke{Event: event, RequestID: "id"}, nil, l)
	if err != nil {
		t.Fatalf("%c: %v", event[0], err)
	}
	if status != abi.StatusDone || len(payload) != 4 {
		t.Fatalf("%c: status %d, payload %x", event[0], status, payload)
	}
	return binary.LittleEndian.Uint32(payload)
}

// fails runs a command and returns its error.
func fails(t testing.TB, in *Instance, l Limits, event []byte) error {
	t.Helper()
	payload, status, err := in.Invoke(&abi.Invoke{Event: event, RequestID: "id"}, nil, l)
	if err == nil {
		t.Fatalf("%c: status %d, payload %x, want an error", event[0], status, payload)
	}
	return err
}

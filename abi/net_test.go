package abi

import (
	"errors"
	"net/netip"
	"testing"
)

func TestAddresses(t *testing.T) {
	for _, text := range []string{"0.0.0.0:0", "192.0.2.1:443", "[::]:0", "[2001:db8::1]:65535", "[::ffff:192.0.2.1]:80"} {
		want := netip.MustParseAddrPort(text)
		var b [MaxAddress]byte
		n := PutAddress(b[:], want)
		got, err := ParseAddress(b[:n])
		if err != nil || got != want {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	scoped := make([]byte, MaxAddress)
	PutAddress(scoped, netip.MustParseAddrPort("[fe80::1]:1"))
	scoped[20] = 7
	if got, err := ParseAddress(scoped); err != nil || got.Addr().Zone() != "7" {
		t.Errorf("scope: %v, %v", got, err)
	}
}

func FuzzParseAddress(f *testing.F) {
	f.Add([]byte{1, 0, 80, 0, 127, 0, 0, 1})
	f.Add([]byte{2, 0, 80, 0, 127, 0, 0, 1})
	f.Add(make([]byte, 24))
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := ParseAddress(b)
		if err != nil {
			if !errors.Is(err, ErrFrame) {
				t.Fatal(err)
			}
			return
		}
		var again [MaxAddress]byte
		if n := PutAddress(again[:], a); n != len(b) {
			t.Fatalf("%d bytes, %d before", n, len(b))
		}
	})
}

package service

import (
	"encoding/hex"
	"fmt"
	"testing"

	"go.uber.org/goleak"

	"github.com/thawrun/thaw/abi"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newTable() *Table { return &Table{Charge: func(uint64) {}} }

func record(fields ...any) []byte {
	var all []abi.Field
	for _, f := range fields {
		switch v := f.(type) {
		case nil:
			all = append(all, abi.Field{})
		case []byte:
			all = append(all, abi.String(string(v)))
		default:
			all = append(all, abi.String(fmt.Sprint(v)))
		}
	}
	return abi.AppendRecord(nil, all...)
}

// call performs an operation that must succeed, its result as bytes or value.
func call(t *testing.T, s *Table, op abi.Service, handle uint32, argument []byte) ([]byte, uint32) {
	t.Helper()
	out := make([]byte, 64)
	kind, n := s.Call(op, handle, argument, out)
	switch {
	case kind == abi.ServiceValue:
		return nil, n
	case int(n) > len(out):
		out = make([]byte, n)
		if got := s.Result(out); got != int32(n) {
			t.Fatalf("result of %d bytes of %d", got, n)
		}
	}
	if kind == abi.ServiceError {
		f, err := abi.ParseRecord(out[:n])
		t.Fatalf("op %d: %v %v", op, f, err)
	}
	return out[:n], 0
}

func fails(t *testing.T, s *Table, op abi.Service, handle uint32, argument []byte, code string) {
	t.Helper()
	out := make([]byte, abi.MaxServiceError)
	kind, n := s.Call(op, handle, argument, out)
	if kind != abi.ServiceError || n > abi.MaxServiceError {
		t.Fatalf("op %d: kind %d, %d", op, kind, n)
	}
	f, err := abi.ParseRecord(out[:n])
	if err != nil || len(f) != 2 || f[0].Value != code {
		t.Errorf("op %d: %v %v, want %s", op, f, err, code)
	}
}

func TestCalls(t *testing.T) {
	s := newTable()
	_, h := call(t, s, abi.ServiceHashNew, 0, record("sha256"))
	call(t, s, abi.ServiceUpdate, h, []byte("ab"))
	_, c := call(t, s, abi.ServiceCopy, h, nil)
	call(t, s, abi.ServiceUpdate, h, []byte("c"))
	if sum, _ := call(t, s, abi.ServiceSum, h, nil); hex.EncodeToString(sum) != "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" {
		t.Errorf("%x", sum)
	}
	call(t, s, abi.ServiceFinal, h, nil)
	fails(t, s, abi.ServiceFinal, h, nil, "ERR_SERVICE_HANDLE")
	call(t, s, abi.ServiceClose, c, nil)
	call(t, s, abi.ServiceClose, c, nil)
	if s.Open() != 0 || s.Held() != 0 {
		t.Errorf("%d handles open, %d bytes held", s.Open(), s.Held())
	}
	_, k := call(t, s, abi.ServiceKeyGenerate, 0, record("ec", "P-256"))
	_, p := call(t, s, abi.ServiceKeyPublic, k, nil)
	sig, _ := call(t, s, abi.ServiceSign, k, record("sha256", nil, nil, "der", "data"))
	if _, ok := call(t, s, abi.ServiceVerify, p, record("sha256", nil, nil, "der", "data", nil, sig)); ok != 1 {
		t.Error("signature not verified")
	}
	if _, ok := call(t, s, abi.ServiceVerify, p, record("sha256", nil, nil, "der", "date", nil, sig)); ok != 0 {
		t.Error("signature of something else verified")
	}
	if _, same := call(t, s, abi.ServiceKeyEqual, k, record(p)); same != 0 {
		t.Error("a private key equals its public half")
	}
	pem, _ := call(t, s, abi.ServiceKeyExport, k, record("private", "pem", "pkcs8", nil, nil))
	_, again := call(t, s, abi.ServiceKeyImport, 0, record("private", "pem", nil, nil, pem))
	if _, same := call(t, s, abi.ServiceKeyEqual, k, record(again)); same != 1 {
		t.Error("another key came back")
	}
	secret, _ := call(t, s, abi.ServiceAgree, k, record(p))
	if len(secret) != 32 {
		t.Error(len(secret))
	}
	fails(t, s, abi.ServiceKeyImport, 0, record("private", "pem", nil, nil, "nonsense"), "ERR_OSSL_UNSUPPORTED")
	fails(t, s, abi.ServiceDigest, 0, []byte{1, 2}, "ERR_SERVICE_ARGUMENT")
	fails(t, s, 4000, 0, record(), "ERR_SERVICE_UNKNOWN")
	s.Reset()
}

func TestStreams(t *testing.T) {
	s := newTable()
	_, d := call(t, s, abi.ServiceDeflateNew, 0, record("gzip", 6, nil))
	out := make([]byte, 1000)
	status, in, n := s.Stream(d, abi.StreamFinish, []byte("hello"), out)
	if status != abi.StreamEnd || in != 5 {
		t.Fatal(status, in, n)
	}
	_, i := call(t, s, abi.ServiceInflateNew, 0, record("auto", nil))
	back := make([]byte, 1000)
	status, in, m := s.Stream(i, abi.StreamNoFlush, out[:n], back)
	if status != abi.StreamEnd || in != n || string(back[:m]) != "hello" {
		t.Error(status, in, string(back[:m]))
	}
	if status, _, _ := s.Stream(99, 0, nil, nil); status != abi.StreamFailed {
		t.Error(status)
	}
	s.Reset()
}

func TestZones(t *testing.T) {
	s := newTable()
	for name, want := range map[string]string{
		"America/New_York": "-14400 EDT 1710054000 1730613600 1", "Asia/Kolkata": "19800 IST -764145000 9223372036854775807 0", "UTC": "0 UTC -9223372036854775808 9223372036854775807 0",
	} {
		if got, _ := call(t, s, abi.ServiceZone, 0, record(name, 1720000000)); string(got) != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	for _, name := range []string{"", "Local", "/etc/passwd", "../../etc/passwd", "Nowhere/Nope"} {
		fails(t, s, abi.ServiceZone, 0, record(name, 0), "ERR_INVALID_TIME_ZONE")
	}
}

// Handles and what they keep are limited; what is refused leaves nothing behind.
func TestLimits(t *testing.T) {
	s := newTable()
	for range abi.MaxServiceHandles {
		call(t, s, abi.ServiceHashNew, 0, record("md5"))
	}
	fails(t, s, abi.ServiceHashNew, 0, record("md5"), "ERR_SERVICE_LIMIT")
	s.Reset()
	n := 0
	for ; n < 1000; n++ {
		out := make([]byte, 600)
		if kind, _ := s.Call(abi.ServiceBrotliNew, 0, record(5, 24), out); kind == abi.ServiceError {
			break
		}
	}
	if n == 0 || n > 4 || s.Held() > abi.MaxServiceMemory {
		t.Errorf("%d encoders with windows of 16 MB, %d bytes held", n, s.Held())
	}
	s.Reset()
	_, c := call(t, s, abi.ServiceCipherNew, 0, record("aes-256-gcm", make([]byte, 32), make([]byte, 12), 1, nil))
	part := make([]byte, 8<<20)
	for range 3 {
		call(t, s, abi.ServiceCipherUpdate, c, part)
	}
	if s.Held() < 24<<20 {
		t.Errorf("%d bytes accounted", s.Held())
	}
	out := make([]byte, abi.MaxServiceError)
	for range 10 {
		_, _ = s.Call(abi.ServiceCipherUpdate, c, part, out)
	}
	if s.Held() > abi.MaxServiceMemory {
		t.Errorf("%d bytes held", s.Held())
	}
	s.Reset()
	if s.Held() != 0 || s.Open() != 0 {
		t.Error("something is left")
	}
}

func FuzzCall(f *testing.F) {
	for _, op := range []abi.Service{abi.ServiceHashNew, abi.ServiceHMAC, abi.ServicePBKDF2, abi.ServiceScrypt, abi.ServiceHKDF, abi.ServiceCipherNew, abi.ServiceKeyImport,
		abi.ServiceKeyGenerate, abi.ServiceSign, abi.ServiceEncrypt, abi.ServiceDeflateNew, abi.ServiceInflateNew, abi.ServiceBrotliNew} {
		f.Add(uint32(op), uint32(1), record("sha256", "key", "salt", 5, 20, "x", 1), uint32(abi.ServiceUpdate), []byte("data"))
		f.Add(uint32(op), uint32(1), record("aes-128-gcm", make([]byte, 16), make([]byte, 12), 1, 16), uint32(abi.ServiceCipherFinal), []byte("data"))
		f.Add(uint32(op), uint32(1), record("zlib", 6, nil), uint32(0), []byte("data"))
	}
	f.Fuzz(func(t *testing.T, op, handle uint32, argument []byte, then uint32, data []byte) {
		type stop struct{}
		spent := uint64(0)
		s := &Table{Charge: func(units uint64) {
			if spent += units; spent > 20_000_000 {
				panic(stop{})
			}
		}}
		defer func() {
			if r := recover(); r != nil {
				if _, ok := r.(stop); !ok {
					panic(r)
				}
			}
			s.Reset()
		}()
		out := make([]byte, 100)
		kind, n := s.Call(abi.Service(op), handle, argument, out)
		if kind > abi.ServiceValue || kind == abi.ServiceError && n > abi.MaxServiceError {
			t.Fatalf("kind %d, %d", kind, n)
		}
		if kind == abi.ServiceValue {
			handle = n
		}
		s.Call(abi.Service(then), handle, data, out)
		s.Result(make([]byte, 1<<20))
		if status, in, n := s.Stream(handle, then%3, data, out); status < abi.StreamFailed || in > len(data) || n > len(out) {
			t.Fatal(status, in, n)
		}
		if s.Held() < 0 || s.Held() > abi.MaxServiceMemory {
			t.Fatalf("%d bytes held", s.Held())
		}
	})
}

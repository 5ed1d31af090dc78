package compress

import (
	"bytes"
	"compress/gzip"
	stdzlib "compress/zlib"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func free(uint64) {}

// all feeds a stream in parts and takes its output in parts.
func all(s Stream, data []byte, in, out int, flush Flush) ([]byte, int, error) {
	defer s.Close()
	var result []byte
	buf := make([]byte, out)
	total := 0
	for {
		part, f := data[:min(in, len(data))], flush
		if len(part) == len(data) {
			f = Finish
		}
		for {
			consumed, n, end, err := s.Step(f, part, buf, free)
			result, part, total = append(result, buf[:n]...), part[consumed:], total+consumed
			data = data[consumed:]
			if err != nil || end {
				return result, total, err
			}
			if n < len(buf) {
				if f == Finish && len(part) == 0 {
					return result, total, errors.New("finished and not at the end")
				}
				break
			}
		}
	}
}

func compressor(t interface{ Fatal(...any) }, format Format, level int, dictionary []byte) Stream {
	if format == "brotli" {
		b, err := NewBrotli(max(0, level), 0)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	d, err := NewDeflater(format, level, dictionary)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func decompressor(t interface{ Fatal(...any) }, format Format, dictionary []byte) Stream {
	if format == "brotli" {
		return NewUnbrotli()
	}
	s, err := NewInflater(format, dictionary)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestRoundTrips(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		format := Format(rapid.SampledFrom([]string{"zlib", "gzip", "raw", "brotli"}).Draw(t, "format"))
		level := rapid.IntRange(-1, 9).Draw(t, "level")
		data := bytes.Repeat([]byte(rapid.String().Draw(t, "text")), rapid.IntRange(0, 300).Draw(t, "times"))
		var dictionary []byte
		if format == Zlib || format == Raw {
			dictionary = rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "dictionary")
		}
		sizes := rapid.IntRange(1, 5000)
		flush := Flush(rapid.IntRange(0, 1).Draw(t, "flush"))
		packed, _, err := all(compressor(t, format, level, dictionary), data, sizes.Draw(t, "in"), sizes.Draw(t, "out"), flush)
		if err != nil {
			t.Fatal(err)
		}
		rest := []byte("\x00rest")
		if format == "brotli" {
			rest = nil
		}
		back, used, err := all(decompressor(t, format, dictionary), append(bytes.Clone(packed), rest...), sizes.Draw(t, "in"), sizes.Draw(t, "out"), NoFlush)
		if err != nil || !bytes.Equal(back, data) || used != len(packed) {
			t.Fatalf("%v; %d bytes back of %d, %d used of %d", err, len(back), len(data), used, len(packed))
		}
	})
}

// What the standard library writes is read, and the reverse.
func TestTheStandardLibraryAgrees(t *testing.T) {
	text := []byte(strings.Repeat("a text to be packed, ", 5000))
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Name, w.Comment, w.Extra = "name", "comment", []byte("extra")
	_, _ = w.Write(text)
	_ = w.Close()
	one := bytes.Clone(b.Bytes())
	two := append(bytes.Clone(one), one...)
	for name, c := range map[string]struct{ in, want []byte }{"one member": {one, text}, "two members": {two, append(bytes.Clone(text), text...)}, "padding": {append(bytes.Clone(one), 0, 0, 0), text}} {
		for _, format := range []Format{Gzip, Auto} {
			if got, _, err := all(decompressor(t, format, nil), c.in, 1<<20, 1000, NoFlush); err != nil || !bytes.Equal(got, c.want) {
				t.Errorf("%s: %v, %d bytes", name, err, len(got))
			}
		}
	}
	packed, _, err := all(compressor(t, Gzip, 6, nil), text, 1000, 1000, NoFlush)
	if err != nil {
		t.Fatal(err)
	}
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, text) {
		t.Error(err)
	}
	dictionary := []byte("a text to be")
	packed, _, err = all(compressor(t, Zlib, 9, dictionary), text, 1000, 1000, Sync)
	if err != nil {
		t.Fatal(err)
	}
	z, err := stdzlib.NewReaderDict(bytes.NewReader(packed), dictionary)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(z); err != nil || !bytes.Equal(got, text) {
		t.Error(err)
	}
	packed, _, err = all(compressor(t, "brotli", 11, nil), text, 1000, 1000, NoFlush)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(brotli.NewReader(bytes.NewReader(packed))); err != nil || !bytes.Equal(got, text) {
		t.Error(err)
	}
}

func TestALevelThatChanges(t *testing.T) {
	d, err := NewDeflater(Zlib, 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	text := []byte(strings.Repeat("words ", 3000))
	out := make([]byte, 1<<20)
	_, n, _, err := d.Step(NoFlush, text, out, free)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.SetLevel(9, free); err != nil {
		t.Fatal(err)
	}
	_, m, end, err := d.Step(Finish, text, out[n:], free)
	if err != nil || !end {
		t.Fatal(err, end)
	}
	if got, _, err := all(decompressor(t, Zlib, nil), out[:n+m], 1<<20, 1000, NoFlush); err != nil || !bytes.Equal(got, append(text, text...)) {
		t.Error(err, len(got))
	}
}

func TestBadStreams(t *testing.T) {
	packed, _, err := all(compressor(t, Zlib, 6, nil), []byte(strings.Repeat("some text ", 100)), 1000, 1000, NoFlush)
	if err != nil {
		t.Fatal(err)
	}
	damaged := bytes.Clone(packed)
	damaged[len(damaged)-1] ^= 1
	withDictionary, _, _ := all(compressor(t, Zlib, 6, []byte("some text")), []byte("some text"), 1000, 1000, NoFlush)
	for name, c := range map[string]struct {
		format        Format
		in            []byte
		code, message string
	}{
		"header":             {Zlib, []byte("hello"), "Z_DATA_ERROR", "incorrect header check"},
		"header of gzip":     {Gzip, []byte("hello, hello"), "Z_DATA_ERROR", "incorrect header check"},
		"checksum":           {Zlib, damaged, "Z_DATA_ERROR", "incorrect data check"},
		"cut off":            {Zlib, packed[:len(packed)-6], "Z_BUF_ERROR", "unexpected end of file"},
		"nothing":            {Gzip, nil, "Z_BUF_ERROR", "unexpected end of file"},
		"missing dictionary": {Zlib, withDictionary, "Z_NEED_DICT", "Missing dictionary"},
		"raw":                {Raw, []byte{0xFF, 0xFF}, "Z_DATA_ERROR", "invalid block type"},
		"brotli":             {"brotli", bytes.Repeat([]byte{0xFF}, 99), "ERR__ERROR_FORMAT_PADDING_2", "Decompression failed"},
	} {
		_, _, err := all(decompressor(t, c.format, nil), c.in, 1000, 1000, NoFlush)
		var e *Error
		if !errors.As(err, &e) || e.Code != c.code || e.Message != c.message {
			t.Errorf("%s: %#v", name, err)
		}
	}
}

// A stream that expands a thousandfold gives no more than it is asked for, and long work can be ended.
func TestBombs(t *testing.T) {
	bomb, _, err := all(compressor(t, Gzip, 9, nil), make([]byte, 64<<20), 1<<20, 1<<20, NoFlush)
	if err != nil {
		t.Fatal(err)
	}
	s := decompressor(t, Gzip, nil)
	defer s.Close()
	n := 0
	type stop struct{}
	defer func() {
		if _, ok := recover().(stop); !ok {
			t.Error("was not ended")
		}
		if s.Held() > 1<<20 {
			t.Errorf("keeps %d bytes", s.Held())
		}
	}()
	out := make([]byte, 64<<20)
	_, _, _, _ = s.Step(NoFlush, bomb, out, func(units uint64) {
		if units > 2_000_000 {
			t.Errorf("a step of %d units", units)
		}
		if n++; n > 50 {
			panic(stop{})
		}
	})
}

func FuzzInflate(f *testing.F) {
	for _, format := range []string{"zlib", "gzip", "raw", "brotli"} {
		b, _, err := all(compressor(f, Format(format), 6, nil), []byte(strings.Repeat("seed ", 50)), 100, 100, Sync)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(format, b, 10, 10)
	}
	f.Fuzz(func(t *testing.T, format string, data []byte, in, out int) {
		switch Format(format) {
		case Zlib, Gzip, Raw, Auto, "brotli":
		default:
			t.Skip()
		}
		in, out = max(1, in&0xFFFF), max(1, out&0xFFFF)
		s := decompressor(t, Format(format), nil)
		defer s.Close()
		buf := make([]byte, out)
		total := 0
		for range 10_000 {
			part := data[:min(in, len(data))]
			f := NoFlush
			if len(part) == len(data) {
				f = Finish
			}
			consumed, n, end, err := s.Step(f, part, buf, free)
			if consumed > len(part) || n > len(buf) {
				t.Fatalf("used %d of %d, gave %d of %d", consumed, len(part), n, len(buf))
			}
			data, total = data[consumed:], total+n
			if err != nil || end || total > 16<<20 {
				return
			}
			if n < len(buf) && len(data) == 0 && f == Finish {
				t.Fatal("neither ended nor failed at the end of its input")
			}
		}
	})
}

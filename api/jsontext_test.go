package api

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

func FuzzValidJSON(f *testing.F) {
	for _, s := range []string{
		`{}`, `[]`, ` { "a" : [ 1 , -0.5e+3 , true , false , null , "x\"\\\/\b\f\n\r\t\u00e9" ] } `, `{"a":{"b":{}}}`, `[[],[[]],{}]`, `"é🚀"`, "\"\x80\"", "\"\xed\xa0\x80\"",
		`01`, `1.`, `.5`, `-`, `1e`, `1e+`, `tru`, `nulll`, `[1,]`, `{"a":1,}`, `{"a"}`, `{1:2}`, `{,}`, `[,]`, `"`, `"\u12g4"`, `"\x"`, "\"\n\"", `{}{}`, `]`, ``, ` `, `{"a":1]`, `[1}`,
		`"0123456789abcdef\"01234567"`, `"12345678` + "\x1f" + `"`, strings.Repeat("[", 300) + strings.Repeat("]", 300), strings.Repeat(`{"a":[`, 100) + strings.Repeat("]}", 100), "\ufeff{}", "-0", "0e0", "\"\x7f\"",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if got, want := validJSON(b), json.Valid(b) && utf8.Valid(b); got != want {
			t.Errorf("%q: %v, want %v", b, got, want)
		}
	})
}

func TestValidJSONDepth(t *testing.T) {
	for _, depth := range []int{255, 256, 257, maxJSONDepth - 1, maxJSONDepth, maxJSONDepth + 1} {
		text := []byte(strings.Repeat(`[`, depth) + strings.Repeat(`]`, depth))
		if got := validJSON(text); got != json.Valid(text) {
			t.Errorf("depth %d: %v", depth, got)
		}
	}
}

func BenchmarkValidJSON(b *testing.B) {
	for name, text := range map[string]string{
		"small":   `{"first_name": "John", "last_name": "Doe", "tags": ["a", "b", "c"]}`,
		"records": `{"Records":[` + strings.Repeat(`{"eventID":"1","eventVersion":"1.0","dynamodb":{"Keys":{"Id":{"N":"101"}},"SequenceNumber":"111","SizeBytes":26},"eventName":"INSERT"},`, 1000) + `0]}`,
		"string":  `"` + strings.Repeat("a", 1<<20) + `"`,
	} {
		for way, valid := range map[string]func([]byte) bool{"ours": validJSON, "std": json.Valid} {
			b.Run(name+"/"+way, func(b *testing.B) {
				b.SetBytes(int64(len(text)))
				event := []byte(text)
				for b.Loop() {
					if !valid(event) {
						b.Fatal("not valid")
					}
				}
			})
		}
	}
}

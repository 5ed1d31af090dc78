package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// pypiServer is what the network jobs of testdata/pypi talk to.
func pypiServer(t *testing.T) *httptest.Server {
	t.Helper()
	var objects sync.Map
	echo := func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"method": r.Method, "query": r.URL.RawQuery, "length": len(body), "test": r.Header.Get("X-Test"), "start": string(body[:min(len(body), 20)])})
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/echo", echo)
	mux.HandleFunc("/redirect", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/echo", http.StatusFound) })
	mux.HandleFunc("/large", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, strings.Repeat("x", 1<<20)) })
	wait := func(d time.Duration) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			select {
			case <-time.After(d):
			case <-r.Context().Done():
			}
			echo(w, r)
		}
	}
	mux.HandleFunc("/slow", wait(10*time.Second))
	mux.HandleFunc("/wait", wait(500*time.Millisecond))
	mux.HandleFunc("/s3/", func(w http.ResponseWriter, r *http.Request) {
		switch r.Method {
		case http.MethodPut:
			body, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			objects.Store(r.URL.Path, body)
		default:
			body, ok := objects.Load(r.URL.Path)
			if !ok {
				w.WriteHeader(http.StatusNotFound)
				return
			}
			http.ServeContent(w, r, "", time.Time{}, strings.NewReader(string(body.([]byte))))
		}
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

package main

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/thawrun/thaw/engine"
	"github.com/thawrun/thaw/engine/store"
)

// benchControl measures what changes functions: every answer means that the change is on disk.
func benchControl(ctx context.Context, dir string) {
	e, err := engine.New(ctx, engine.Config{Guests: guests(), CacheDir: filepath.Join(dir, "cache")})
	check(err)
	defer e.Close(ctx)
	st, url, stop := serveAPI(ctx, filepath.Join(dir, "control"), e)
	ready(ctx, e)

	fmt.Printf("\nChanges through the Lambda API, each synced to disk before its answer\n")
	for _, size := range []int{4 << 10, 1 << 20} {
		var fsync samples
		file, err := os.Create(filepath.Join(dir, "fsync"))
		check(err)
		for range 60 {
			begin := time.Now()
			_, err := file.Write(make([]byte, size))
			check(err)
			check(file.Sync())
			fsync = append(fsync, time.Since(begin))
		}
		check(file.Close())
		fmt.Printf("  %-44s p50 %s, p99 %s\n", fmt.Sprintf("writing and syncing %d KB, for comparison", size>>10), us(fsync.quantile(0.5)), us(fsync.quantile(0.99)))
	}

	send := func(method, path string, body []byte, want int) time.Duration {
		req, resp := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
		defer fasthttp.ReleaseRequest(req)
		defer fasthttp.ReleaseResponse(resp)
		req.Header.SetMethod(method)
		req.SetRequestURI(url + path)
		req.Header.SetContentType("application/json")
		req.SetBodyRaw(body)
		begin := time.Now()
		check(fasthttp.Do(req, resp))
		took := time.Since(begin)
		if resp.StatusCode() != want {
			check(fmt.Errorf("%s %s: %d %s", method, path, resp.StatusCode(), resp.Body()))
		}
		return took
	}
	var created samples
	for i := range 60 {
		created = append(created, send("POST", "/2015-03-31/functions", creation(fmt.Sprint("large-", i), 1<<20, uint64(i)), 201))
	}
	fmt.Printf("  %-44s p50 %s, p99 %s\n", "CreateFunction, zip of 1 MB", us(created.quantile(0.5)), us(created.quantile(0.99)))
	created = nil
	for i := range 200 {
		created = append(created, send("POST", "/2015-03-31/functions", creation(fmt.Sprint("small-", i), 1<<10, uint64(i)), 201))
	}
	fmt.Printf("  %-44s p50 %s, p99 %s\n", "CreateFunction, zip of 1 KB", us(created.quantile(0.5)), us(created.quantile(0.99)))

	for _, writers := range []int{1, 16, 64} {
		var wg sync.WaitGroup
		begin := time.Now()
		each := max(1, 640/writers)
		for w := range writers {
			wg.Go(func() {
				for i := range each {
					send("PUT", fmt.Sprintf("/2015-03-31/functions/small-%d/configuration", w), fmt.Appendf(nil, `{"Timeout":%d}`, 1+i%100), 200)
				}
			})
		}
		wg.Wait()
		fmt.Printf("  %-44s %.0f changes/s\n", fmt.Sprintf("UpdateFunctionConfiguration, %d at once", writers), float64(writers*each)/time.Since(begin).Seconds())
	}
	var accepted samples
	var mu sync.Mutex
	var wg sync.WaitGroup
	begin := time.Now()
	for range 16 {
		wg.Go(func() {
			for range 100 {
				req, resp := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
				req.Header.SetMethod("POST")
				req.SetRequestURI(url + "/2015-03-31/functions/small-0/invocations")
				req.Header.Set("X-Amz-Invocation-Type", "Event")
				req.SetBodyString(event)
				t := time.Now()
				check(fasthttp.Do(req, resp))
				mu.Lock()
				accepted = append(accepted, time.Since(t))
				mu.Unlock()
				if resp.StatusCode() != 202 {
					check(fmt.Errorf("event: %d %s", resp.StatusCode(), resp.Body()))
				}
			}
		})
	}
	wg.Wait()
	fmt.Printf("  %-44s %.0f/s, p50 %s (202 after the sync), 16 at once\n", "Invoke, type Event", float64(len(accepted))/time.Since(begin).Seconds(), us(accepted.quantile(0.5)))
	for left := 1; left > 0; time.Sleep(10 * time.Millisecond) {
		left = 0
		check(st.Events(func(*store.Event) { left++ }))
	}
	fmt.Printf("  %-44s %.0f/s\n", "executed and removed from the queue", float64(len(accepted))/time.Since(begin).Seconds())
	stop()

	benchStart(ctx, filepath.Join(dir, "many"))
}

// benchStart opens a store with 100,000 functions.
func benchStart(ctx context.Context, dir string) {
	const n = 100_000
	st, err := store.Open(dir, store.Options{NoSync: true})
	check(err)
	code := st.Pack([]byte("code"))
	for i := 0; i < n; i += 500 {
		check(st.Change(ctx, func(tx *store.Tx) error {
			tx.AddCode(code)
			for j := i; j < i+500; j++ {
				v := store.Version{
					Account: "000000000000", Region: "us-east-1", Name: fmt.Sprintf("function-%06d", j), CodeSHA256: code.SHA256, CodeSize: code.Size,
					Runtime: "python3.13", Handler: "app.handler", Role: "arn:aws:iam::000000000000:role/lambda", Environment: map[string]string{"STAGE": "prod", "TABLE": "orders"},
				}
				published := v
				published.Number = 1
				tx.PutFunction(&store.Function{Account: v.Account, Region: v.Region, Name: v.Name, Latest: &v, Versions: []*store.Version{&published}, LastVersion: 1})
			}
			return nil
		}))
	}
	check(st.Close())
	begin := time.Now()
	st, err = store.Open(dir, store.Options{})
	check(err)
	fmt.Printf("  %-44s %.2f s\n", "opening 100,000 functions, a version each", time.Since(begin).Seconds())
	check(st.Close())
}

// creation is a CreateFunction body with a zip of about size bytes that doesn't compress.
func creation(name string, size int, seed uint64) []byte {
	noise := make([]byte, size)
	r := rand.New(rand.NewPCG(seed, 1))
	for i := range noise {
		noise[i] = byte(r.Uint32())
	}
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for file, text := range map[string][]byte{"app.py": []byte("def handler(event, context): return event"), "noise": noise} {
		f, err := w.Create(file)
		check(err)
		_, err = f.Write(text)
		check(err)
	}
	check(w.Close())
	body, err := json.Marshal(map[string]any{
		"FunctionName": name, "Runtime": "python3.13", "Role": "arn:aws:iam::000000000000:role/r", "Handler": "app.handler",
		"Code": map[string]string{"ZipFile": base64.StdEncoding.EncodeToString(b.Bytes())},
	})
	check(err)
	return body
}

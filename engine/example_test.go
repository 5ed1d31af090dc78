package engine_test

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/thawrun/thaw/abi"
	"github.com/thawrun/thaw/engine"
	"github.com/thawrun/thaw/runtimes/python"
)

// pack makes a deployment package of one file.
func pack(name, text string) []byte {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	f, err := w.Create(name)
	if err == nil {
		_, err = f.Write([]byte(text))
	}
	if err = errors.Join(err, w.Close()); err != nil {
		log.Fatal(err)
	}
	return b.Bytes()
}

// An engine in a program of one's own: deploy a function, invoke it.
func Example() {
	ctx := context.Background()
	e, err := engine.New(ctx, engine.Config{Guests: []*abi.Guest{python.Guest()}, CacheDir: cacheDir})
	if err != nil {
		log.Fatal(err)
	}
	defer e.Close(ctx)

	code := pack("app.py", "def handler(event, context): return 'Hello ' + event['name']")
	if _, err := e.Deploy(ctx, engine.Function{Key: "hello", Runtime: "python3.13", Handler: "app.handler", Code: engine.Zip(code), Reserved: -1}); err != nil {
		log.Fatal(err)
	}
	var resp engine.Response // reuse it: its buffers are
	if err := e.Invoke(ctx, &engine.Request{Function: "hello", Event: []byte(`{"name": "Ada"}`)}, &resp); err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(resp.Payload), resp.FunctionError == engine.Succeeded, resp.Report.Cold)
	// Output: "Hello Ada" true true
}

// What a function does wrong is a response, not an error.
func ExampleEngine_Invoke_functionError() {
	ctx := context.Background()
	e, err := engine.New(ctx, engine.Config{Guests: []*abi.Guest{python.Guest()}, CacheDir: cacheDir})
	if err != nil {
		log.Fatal(err)
	}
	defer e.Close(ctx)

	code := pack("app.py", "def handler(event, context):\n    while True: pass")
	f := engine.Function{Key: "loop", Runtime: "python3.13", Handler: "app.handler", Code: engine.Zip(code), Timeout: 100 * time.Millisecond, Reserved: -1}
	if _, err := e.Deploy(ctx, f); err != nil {
		log.Fatal(err)
	}
	var resp engine.Response
	err = e.Invoke(ctx, &engine.Request{Function: "loop", RequestID: "1"}, &resp)
	fmt.Println(err, resp.FunctionError, string(resp.Payload))
	err = e.Invoke(ctx, &engine.Request{Function: "nobody"}, &resp)
	fmt.Println(errors.Is(err, engine.ErrNotFound))
	// Output:
	// <nil> Unhandled {"errorType":"Sandbox.Timedout","errorMessage":"RequestId: 1 Error: Task timed out after 0.10 seconds"}
	// true
}

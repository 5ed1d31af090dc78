// Package engine runs Lambda functions in WebAssembly sandboxes. It is Thaw's embeddable part: no HTTP, no storage, no
// global state; any number of engines live in one process.
//
//	e, err := engine.New(ctx, engine.Config{Guests: []*abi.Guest{python.Guest()}, CacheDir: dir})
//	rev, err := e.Deploy(ctx, engine.Function{Key: "hello", Runtime: "python3.13", Handler: "app.handler", Code: engine.Zip(zip)})
//	var resp engine.Response
//	err = e.Invoke(ctx, &engine.Request{Function: "hello", Event: []byte(`{}`)}, &resp)
//	e.Drain(ctx); e.Close(ctx)
//
// # The life of a function
//
// Deploy registers a function version under a key and returns at once; a first invocation, or Prewarm, fetches the code,
// indexes it and binds an instance. Deploying another revision under the same key retires the warm instances of the old one
// before the next invocation of the key is served. Remove retires them for good.
//
// # The life of an invocation
//
// Invoke admits the request (account and function concurrency), checks an instance out of the pool (a warm one, else a
// shell bound to a snapshot copy-on-write, else a new shell), writes the event into guest memory, runs metered until the
// answer, the deadline, the caller's cancellation or Close, and copies the answer into the caller's buffer. The instance
// goes back to the pool; a failed one is reset or thrown away behind the response.
//
// # Errors
//
// An error from Invoke means that the function was not run, or not by its own fault (ErrNotFound, ErrThrottled, ErrClosed,
// the context's error). Whatever the function does wrong, including exceeding its time or memory, is a Response whose
// FunctionError is set.
package engine

// Package api serves the AWS Lambda API over fasthttp: the REST operations of the Developer Guide of 2016, with the fields that
// today's clients send and wait for.
//
//	limits, err := api.LimitsPreset("guide")
//	server, err := api.New(api.Config{Engine: e, Store: st, Region: "us-east-1", Account: "000000000000", Limits: limits})
//	go server.Serve(listener)   // or server.ServeFastHTTP, server.ServeHTTP in a server of your own
//	server.Shutdown(ctx)        // before the engine and the store are closed
//
// A request takes this way: the limit of its body by operation (operations.go, before it is read) → other services'
// doors → authentication → route → permission (access.go, authorize.go) → name and qualifier (names.go) → decode and validate
// (inputs.go, validate.go) → the operation, in the file of its subject (functions.go, versions.go, aliases.go, permissions.go,
// mappings.go, layers.go, invoke.go, async.go and so on) → response (shapes.go), or an error of the catalogue (errors.go) → the
// audit log (trail.go). Package iam authenticates, authorises and is the door to IAM and STS.
//
// The package holds Lambda's semantics; functions are kept by package store and run by an Engine, asynchronous invocations are
// handed to it by package queue. What a request changes is stored durably first, in one change, and the engine follows before
// the answer (deploy.go); versions that were never invoked since the start are not deployed at all, unless they are to be kept
// warm.
//
// A program that has its own fasthttp.Server limits bodies itself: ServeFastHTTP sees requests that were read already.
package api

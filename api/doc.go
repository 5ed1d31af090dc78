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
// (inputs.go, validate.go) → the operation (functions.go, settings.go, invoke.go) → response (shapes.go), or an error of the
// catalogue (errors.go) → the audit log (trail.go). Package iam authenticates, authorises and is the door to IAM and STS.
//
// The package holds Lambda's semantics; functions are kept by package store and run by an Engine. What a request changes is
// stored durably first, and the engine follows before the answer (Server.deploy); functions that were never invoked since the
// start are not deployed at all.
//
// A program that has its own fasthttp.Server limits bodies itself: ServeFastHTTP sees requests that were read already.
package api

// Package api serves the AWS Lambda API over fasthttp: the REST operations of the Developer Guide of 2016, with the fields that
// today's clients send and wait for.
//
// A request takes this way: route (operations.go) → name and qualifier (names.go) → decode and validate (validate.go) → the
// operation (functions.go, tags.go, invoke.go …) → response, or an error of the catalogue (errors.go).
//
// The package holds Lambda's semantics; functions are kept by package store and run by an Engine.
package api

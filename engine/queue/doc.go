// Package queue runs asynchronous invocations: what was accepted is on disk (package store) until it succeeded, used up its
// attempts, or is too old. A restart, or a kill, goes on where things stood; an event whose execution was cut short is executed
// again, so that each is executed at least once (guide, Invoke).
//
// Two policies are at work, as the guide has them ("Retries on Errors", "Lambda Function Concurrent Executions"): an execution
// that failed is repeated after a pause as often as the function's configuration says, twice by default; one that was not
// admitted is no attempt, and is tried again with growing pauses for as long as the event may live, six hours by default.
//
// The package doesn't know how events are executed: Config.Run does it and says what became of them.
package queue

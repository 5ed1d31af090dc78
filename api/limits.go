package api

import "fmt"

// Limits are the numbers that a deployment may differ in. Sources: the guide's chapter "AWS Lambda Limits" (preset guide) and
// today's Lambda quotas (preset current).
type Limits struct {
	MemoryMin, MemoryMax, MemoryStep int   // MB
	TimeoutMax                       int   // s
	Concurrency                      int   // invocations at once per account
	SyncPayload                      int   // bytes of an event or result
	AsyncPayload                     int   // bytes of an event
	ZippedSize                       int   // bytes of a package in a request
	UnzippedSize                     int64 // bytes of a package unpacked
	CodeStorage                      int64 // bytes of all packages of an account and region
	EnvironmentSize                  int   // bytes of all names and values
	TmpMin, TmpMax                   int   // MB
}

// LimitsPreset returns the limits by name: "guide" or "current".
func LimitsPreset(name string) (Limits, error) {
	guide := Limits{
		MemoryMin: 128, MemoryMax: 1536, MemoryStep: 64, TimeoutMax: 300, Concurrency: 100, SyncPayload: 6 << 20, AsyncPayload: 128 << 10,
		ZippedSize: 50 << 20, UnzippedSize: 262144000, CodeStorage: 75 << 30, EnvironmentSize: 4 << 10, TmpMin: 512, TmpMax: 10240,
	}
	switch name {
	case "guide":
		return guide, nil
	case "current":
		l := guide
		l.MemoryMax, l.MemoryStep, l.TimeoutMax, l.Concurrency, l.AsyncPayload = 10240, 1, 900, 1000, 256<<10
		return l, nil
	}
	return Limits{}, fmt.Errorf("unknown limits %q: choose guide or current", name)
}

//go:build !linux

package cpu

import "time"

func threadTime() (thread int, t time.Duration, ok bool) { return 0, 0, false }

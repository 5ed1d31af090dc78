package service

import (
	"fmt"
	"math"
	"strings"
	"time"
	_ "time/tzdata" // machines without a database of time zones

	"github.com/thawrun/thaw/engine/crypto"
)

// zone says what a time zone is like at a time: offset in seconds east of Greenwich, abbreviation, the seconds since the epoch from
// and until which that holds, and 1 if it is daylight saving time.
func zone(name string, at int64) ([]byte, error) {
	unknown := &crypto.Error{Code: "ERR_INVALID_TIME_ZONE", Message: "unknown time zone"}
	if name == "" || name == "Local" || len(name) > 64 || strings.HasPrefix(name, "/") {
		return nil, unknown
	}
	l, err := time.LoadLocation(name)
	if err != nil {
		return nil, unknown
	}
	t := time.Unix(at, 0).In(l)
	abbreviation, offset := t.Zone()
	start, end := t.ZoneBounds()
	from, until := int64(math.MinInt64), int64(math.MaxInt64)
	if !start.IsZero() {
		from = start.Unix()
	}
	if !end.IsZero() {
		until = end.Unix()
	}
	dst := 0
	if t.IsDST() {
		dst = 1
	}
	return fmt.Appendf(nil, "%d %s %d %d %d", offset, abbreviation, from, until, dst), nil
}

package engine

import (
	"bytes"
	"fmt"
	"time"

	"github.com/thawrun/thaw/abi"
)

const (
	// tailSize is what LogType=Tail returns (guide, row LIM-18).
	tailSize = 4 << 10
	// maxRecord is CloudWatch Logs' limit of an event; longer records are split.
	maxRecord = 256 << 10
)

// functionLog collects what one instance writes: the last 4 KB of an invocation for the caller, and complete records for
// the engine's log sink. It belongs to the goroutine that runs the instance.
type functionLog struct {
	function *Function
	stream   string
	sink     func(LogRecord) // may be nil

	requestID string
	tail      tail
	line      []byte // an unfinished line of stdout or stderr
}

// begin starts the log of an invocation. What was written since the last one, while the function was being loaded, belongs
// to it.
func (l *functionLog) begin(requestID string) {
	l.requestID = requestID
	if l.sink == nil {
		return
	}
	l.record(fmt.Appendf(nil, "START RequestId: %s Version: %s", requestID, l.function.Version))
}

// end closes the log of an invocation with the guide's END and REPORT lines (rows MON-06, MON-07).
func (l *functionLog) end(r *Report) {
	l.flush()
	if l.sink == nil {
		return
	}
	l.record(fmt.Appendf(nil, "END RequestId: %s", l.requestID))
	l.record(appendReport(nil, l.requestID, r))
}

func appendReport(dst []byte, requestID string, r *Report) []byte {
	dst = fmt.Appendf(dst, "REPORT RequestId: %s\tDuration: %.2f ms\tBilled Duration: %d ms\tMemory Size: %d MB\tMax Memory Used: %d MB",
		requestID, milliseconds(r.Duration), r.Billed.Milliseconds(), r.MemoryMB, (r.MaxMemory+1<<20-1)>>20)
	if r.Cold && r.Init > 0 {
		dst = fmt.Appendf(dst, "\tInit Duration: %.2f ms", milliseconds(r.Init))
	}
	return append(dst, '\t')
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// Stdio takes the bytes of a write to stdout or stderr.
func (l *functionLog) Stdio(p []byte) {
	l.tail.write(p)
	if l.sink == nil {
		return
	}
	for len(p) > 0 {
		i := bytes.IndexByte(p, '\n')
		if i < 0 {
			l.line = append(l.line, p...)
			for len(l.line) >= maxRecord {
				l.record(l.line[:maxRecord])
				l.line = append(l.line[:0], l.line[maxRecord:]...)
			}
			return
		}
		if len(l.line) > 0 {
			l.line = append(l.line, p[:i]...)
			l.record(l.line)
			l.line = l.line[:0]
		} else {
			l.record(p[:i])
		}
		p = p[i+1:]
	}
}

// Record takes a record of the host function log.
func (l *functionLog) Record(_ abi.LogLevel, p []byte) {
	l.flush()
	l.tail.write(p)
	if n := len(p); n > 0 && p[n-1] == '\n' {
		p = p[:n-1]
	} else {
		l.tail.writeByte('\n')
	}
	if l.sink != nil {
		l.record(p)
	}
}

func (l *functionLog) flush() {
	if len(l.line) > 0 {
		l.record(l.line)
		l.line = l.line[:0]
	}
	if cap(l.line) > maxRecord {
		l.line = nil
	}
}

func (l *functionLog) record(p []byte) {
	for len(p) > maxRecord {
		l.emit(p[:maxRecord])
		p = p[maxRecord:]
	}
	l.emit(p)
}

func (l *functionLog) emit(p []byte) {
	l.sink(LogRecord{Function: l.function, Stream: l.stream, RequestID: l.requestID, Time: time.Now(), Message: p})
}

// appendTail appends the last 4 KB of the invocation's log, framed by START, END and REPORT.
func (l *functionLog) appendTail(dst []byte, r *Report) []byte {
	var all []byte
	all = fmt.Appendf(all, "START RequestId: %s Version: %s\n", l.requestID, l.function.Version)
	all = l.tail.append(all)
	if n := len(all); all[n-1] != '\n' {
		all = append(all, '\n')
	}
	all = fmt.Appendf(all, "END RequestId: %s\n", l.requestID)
	all = append(appendReport(all, l.requestID, r), '\n')
	return append(dst, all[max(0, len(all)-tailSize):]...)
}

// tail keeps the last tailSize bytes written to it. The buffer is made at the first write: most functions log nothing.
type tail struct {
	buf   []byte
	next  int // where the next byte goes
	whole bool
}

func (t *tail) write(p []byte) {
	if len(p) == 0 {
		return
	}
	if t.buf == nil {
		t.buf = make([]byte, tailSize)
	}
	if len(p) >= tailSize {
		copy(t.buf, p[len(p)-tailSize:])
		t.next, t.whole = 0, true
		return
	}
	n := copy(t.buf[t.next:], p)
	if t.next += n; t.next == tailSize {
		t.next, t.whole = copy(t.buf, p[n:]), true
	}
}

func (t *tail) writeByte(c byte) {
	b := [1]byte{c}
	t.write(b[:])
}

func (t *tail) append(dst []byte) []byte {
	if t.whole {
		dst = append(dst, t.buf[t.next:]...)
	}
	return append(dst, t.buf[:t.next]...)
}

func (t *tail) reset() { t.next, t.whole = 0, false }

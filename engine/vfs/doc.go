// Package vfs is the file system that a guest sees: read-only trees indexed from zip archives and shared by all instances,
// and for each instance a private /tmp in memory, a few devices and a table of descriptors.
//
// Nothing here touches the host's file system. Errors towards the guest are WASI error numbers (Errno); errors about an
// archive are Go errors that name the entry.
//
// A Tree may be used by many instances at once. An FS belongs to the goroutine that runs its instance.
//
// Paths are bytes, so that a caller can pass a part of the guest's memory: nothing of a path is kept, what must be is
// copied. Everything in /tmp is charged against its capacity, names and holes' bookkeeping included, because it is memory
// of the host that a hostile guest would otherwise get for nothing.
package vfs

// Errno is a WASI preview 1 error number.
type Errno uint32

// The error numbers in use (WASI preview 1, type errno).
const (
	OK           Errno = 0
	EAcces       Errno = 2
	EAddrinuse   Errno = 3
	EAddrnotav   Errno = 4
	EAfnosupport Errno = 5
	EAgain       Errno = 6
	EAlready     Errno = 7
	EBadf        Errno = 8
	ECanceled    Errno = 11
	EConnaborted Errno = 13
	EConnrefused Errno = 14
	EConnreset   Errno = 15
	EDestaddrreq Errno = 17
	EExist       Errno = 20
	EFault       Errno = 21
	EFbig        Errno = 22
	EHostunreach Errno = 23
	EInprogress  Errno = 26
	EIntr        Errno = 27
	EInval       Errno = 28
	EIO          Errno = 29
	EIsconn      Errno = 30
	EIsdir       Errno = 31
	ELoop        Errno = 32
	EMfile       Errno = 33
	EMlink       Errno = 34
	EMsgsize     Errno = 35
	ENametoolong Errno = 37
	ENetdown     Errno = 38
	ENetunreach  Errno = 40
	ENfile       Errno = 41
	ENobufs      Errno = 42
	ENoent       Errno = 44
	ENoprotoopt  Errno = 50
	ENospc       Errno = 51
	ENosys       Errno = 52
	ENotconn     Errno = 53
	ENotdir      Errno = 54
	ENotempty    Errno = 55
	ENotsock     Errno = 57
	ENotsup      Errno = 58
	EPerm        Errno = 63
	EPipe        Errno = 64
	EProto       Errno = 65
	EProtonosup  Errno = 66
	EProtoType   Errno = 67
	ERofs        Errno = 69
	ESpipe       Errno = 70
	ETimedout    Errno = 73
	EXdev        Errno = 75
	ENotcapable  Errno = 76
)

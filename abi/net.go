package abi

import (
	"encoding/binary"
	"fmt"
	"net/netip"
)

// The network, README section 5.4.

// Families of socket addresses.
const (
	FamilyINET4 = 1
	FamilyINET6 = 2
)

// Types of sockets, WASI's file types.
const (
	SocketDatagram = 5
	SocketStream   = 6
)

// Which address sock_name returns.
const (
	NameLocal = 0
	NamePeer  = 1
)

// Flags of sock_recv and sock_recvfrom.
const (
	RecvPeek     = 1
	RecvWaitAll  = 2
	RecvDontWait = 4
)

// SocketOption is an option of sock_get and sock_set.
type SocketOption uint32

// Options of sock_get and sock_set.
const (
	OptionError         SocketOption = 1
	OptionType          SocketOption = 2
	OptionNoDelay       SocketOption = 3
	OptionKeepAlive     SocketOption = 4
	OptionSendBuffer    SocketOption = 5
	OptionReceiveBuffer SocketOption = 6
	OptionReuseAddr     SocketOption = 7
	OptionBroadcast     SocketOption = 8
	OptionLinger        SocketOption = 9
	OptionKeepIdle      SocketOption = 10
	OptionKeepInterval  SocketOption = 11
	OptionKeepCount     SocketOption = 12
	OptionFamily        SocketOption = 13
	OptionV6Only        SocketOption = 14
	OptionReadable      SocketOption = 15
	OptionUnsent        SocketOption = 16
)

// Kinds of questions to dns_open: DNSAny, or the number of a type of resource record.
const (
	DNSAny   = 0
	DNSIPv4  = 1
	DNSNS    = 2
	DNSCNAME = 5
	DNSPTR   = 12
	DNSMX    = 15
	DNSTXT   = 16
	DNSIPv6  = 28
	DNSSRV   = 33
)

// Status of an answer to dns_open.
const (
	DNSOK          = 0
	DNSNoName      = 1
	DNSTemporary   = 2
	DNSMalformed   = 3
	DNSFailed      = 4
	DNSUnsupported = 5
)

// Fields of the record of tls_start and tls_open.
const (
	TLSServerName = iota
	TLSVerifyName
	TLSVerify
	TLSALPN
	TLSRoots
	TLSSystemRoots
	TLSCertificate
	TLSKey
	TLSMinVersion
	TLSMaxVersion
	TLSFields // how many there are
)

// Values of the field TLSVerify.
const (
	TLSVerifyRequire = "require"
	TLSVerifyReport  = "report"
	TLSVerifyNone    = "none"
)

// Fields of the record of tls_info.
const (
	TLSInfoState = iota
	TLSInfoVersion
	TLSInfoCipher
	TLSInfoCipherOpenSSL
	TLSInfoCipherBits
	TLSInfoALPN
	TLSInfoResumed
	TLSInfoVerifyCode
	TLSInfoVerifyText
	TLSInfoFailure
	TLSInfoFailureText
	TLSInfoAlert
	TLSInfoPeerCertificates
	TLSInfoChain
	TLSInfoCertificateRequested
	TLSInfoFields // how many there are
)

// Values of the field TLSInfoState.
const (
	TLSHandshaking = "handshake"
	TLSOpen        = "open"
	TLSFailed      = "failed"
	TLSClosed      = "closed"
)

// Values of the field TLSInfoFailure.
const (
	TLSFailureVerify   = "verify"
	TLSFailureAlert    = "alert"
	TLSFailureProtocol = "protocol"
	TLSFailureVersion  = "version"
	TLSFailureEOF      = "eof"
	TLSFailureIO       = "io"
)

// MaxAddress is the length of the longest socket address.
const MaxAddress = 24

const inet4Address = 8

// PutAddress writes a socket address to dst, which must have room for MaxAddress bytes, and returns its length.
func PutAddress(dst []byte, a netip.AddrPort) int {
	binary.LittleEndian.PutUint16(dst[2:], a.Port())
	if a.Addr().Is4() {
		binary.LittleEndian.PutUint16(dst, FamilyINET4)
		ip := a.Addr().As4()
		copy(dst[4:], ip[:])
		return inet4Address
	}
	binary.LittleEndian.PutUint16(dst, FamilyINET6)
	ip := a.Addr().As16()
	copy(dst[4:], ip[:])
	binary.LittleEndian.PutUint32(dst[20:], 0)
	return MaxAddress
}

// ParseAddress decodes a socket address. A scope id other than 0 becomes the zone, in decimal.
func ParseAddress(b []byte) (netip.AddrPort, error) {
	if len(b) >= inet4Address {
		port := binary.LittleEndian.Uint16(b[2:])
		switch family := binary.LittleEndian.Uint16(b); {
		case family == FamilyINET4 && len(b) == inet4Address:
			return netip.AddrPortFrom(netip.AddrFrom4([4]byte(b[4:8])), port), nil
		case family == FamilyINET6 && len(b) == MaxAddress:
			ip := netip.AddrFrom16([16]byte(b[4:20]))
			if scope := binary.LittleEndian.Uint32(b[20:]); scope != 0 {
				ip = ip.WithZone(fmt.Sprint(scope))
			}
			return netip.AddrPortFrom(ip, port), nil
		}
	}
	return netip.AddrPort{}, fmt.Errorf("address: %w: %d bytes", ErrFrame, len(b))
}

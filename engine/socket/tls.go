package socket

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"os"
	"reflect"
	"strconv"
	"strings"
	"syscall"

	"github.com/thawrun/thaw/abi"
	"github.com/thawrun/thaw/engine/vfs"
)

// errTLS is what reading ends with when the TLS layer failed; the session knows why.
var errTLS = errors.New("TLS failed")

// session is the TLS half of a stream or a Session. Its owner sees to it that only one goroutine is at it.
type session struct {
	cfg  *tlsConfig
	conn *tls.Conn // once the handshake runs

	finished  bool // the handshake, well or not
	err       error
	broken    bool // err is of the handshake
	state     tls.ConnectionState
	verified  *verification // nil = not yet, or not asked for
	requested bool          // the peer wanted a certificate
	notified  bool          // close_notify was read
}

// outcome is what a handshake found out, before it is published.
type outcome struct {
	conn      *tls.Conn
	err       error
	verified  *verification
	requested bool
}

// handshake runs a client's handshake over a connection.
func (c *tlsConfig) handshake(carrier net.Conn) outcome {
	var o outcome
	cfg := c.base.Clone()
	cfg.VerifyConnection = func(state tls.ConnectionState) error {
		if c.verify == abi.TLSVerifyNone {
			return nil
		}
		v := verify(state.PeerCertificates, c.roots, c.verifyName)
		o.verified = &v
		if v.code != 0 && c.verify == abi.TLSVerifyRequire {
			return o.verified
		}
		return nil
	}
	cfg.GetClientCertificate = func(info *tls.CertificateRequestInfo) (*tls.Certificate, error) {
		o.requested = true
		for i := range c.base.Certificates {
			if info.SupportsCertificate(&c.base.Certificates[i]) == nil {
				return &c.base.Certificates[i], nil
			}
		}
		return &tls.Certificate{}, nil
	}
	o.conn = tls.Client(carrier, cfg)
	o.err = o.conn.Handshake()
	return o
}

func (s *session) publish(o outcome) {
	s.finished, s.conn, s.verified, s.requested = true, o.conn, o.verified, o.requested
	s.state = o.conn.ConnectionState()
	if o.err != nil {
		s.err, s.broken = o.err, true
	}
}

// over says whether the handshake is.
func (s *session) over() bool { return s.finished }

// failed says whether the handshake failed.
func (s *session) failed() bool { return s.broken }

// errno is what reads and writes end in after a failed handshake.
func (s *session) errno() vfs.Errno {
	if s.failure() == abi.TLSFailureIO {
		return errno(s.err)
	}
	return vfs.EProto
}

// readError notes an error of reading and returns what is to be told: nil, io.EOF, errTLS or the connection's error.
func (s *session) readError(err error) error {
	switch {
	case err == nil:
		return nil
	case err == io.EOF:
		s.notified = true
		return io.EOF
	case errors.Is(err, io.ErrUnexpectedEOF):
		s.err = err
		return io.EOF
	}
	s.err = err
	if s.failure() == abi.TLSFailureIO {
		return err
	}
	return errTLS
}

// failure is the kind of what went wrong, "" if nothing did.
func (s *session) failure() string {
	var v *verification
	var op *net.OpError
	var number syscall.Errno
	switch err := s.err; {
	case err == nil:
		return ""
	case errors.As(err, &v):
		return abi.TLSFailureVerify
	case errors.As(err, &op) && op.Op == "remote error":
		return abi.TLSFailureAlert
	case errors.As(err, &op) && op.Op == "local error":
		return abi.TLSFailureProtocol
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return abi.TLSFailureEOF
	case errors.As(err, &number), errors.Is(err, net.ErrClosed), errors.Is(err, os.ErrDeadlineExceeded):
		return abi.TLSFailureIO
	case strings.Contains(err.Error(), "unsupported versions"), strings.Contains(err.Error(), "unsupported protocol version"):
		return abi.TLSFailureVersion
	}
	return abi.TLSFailureProtocol
}

// alert is the number of the alert that the peer sent.
func (s *session) alert() abi.Field {
	var op *net.OpError
	if errors.As(s.err, &op) && op.Op == "remote error" {
		// crypto/tls keeps the type to itself; it is a uint8 whatever its name.
		if v := reflect.ValueOf(op.Err); v.Kind() == reflect.Uint8 {
			return abi.String(strconv.FormatUint(v.Uint(), 10))
		}
	}
	return abi.Field{}
}

// info is the record of tls_info.
func (s *session) info() []byte {
	var f [abi.TLSInfoFields]abi.Field
	switch {
	case !s.finished:
		f[abi.TLSInfoState] = abi.String(abi.TLSHandshaking)
	case s.broken:
		f[abi.TLSInfoState] = abi.String(abi.TLSFailed)
	case s.notified:
		f[abi.TLSInfoState] = abi.String(abi.TLSClosed)
	default:
		f[abi.TLSInfoState] = abi.String(abi.TLSOpen)
	}
	if s.finished && !s.broken {
		suite := tls.CipherSuiteName(s.state.CipherSuite)
		f[abi.TLSInfoVersion] = abi.String(versionName(s.state.Version))
		f[abi.TLSInfoCipher] = abi.String(suite)
		f[abi.TLSInfoCipherOpenSSL] = abi.String(openSSLName(suite))
		f[abi.TLSInfoCipherBits] = abi.String(strconv.Itoa(keyBits(suite)))
		f[abi.TLSInfoALPN] = abi.Optional(s.state.NegotiatedProtocol)
		f[abi.TLSInfoResumed] = abi.String(strconv.Itoa(int(number(s.state.DidResume))))
		f[abi.TLSInfoCertificateRequested] = abi.String(strconv.Itoa(int(number(s.requested))))
	}
	if v := s.verified; v != nil {
		f[abi.TLSInfoVerifyCode] = abi.String(strconv.Itoa(v.code))
		f[abi.TLSInfoVerifyText] = abi.String(v.text)
		if v.chain != nil {
			f[abi.TLSInfoChain] = ders(v.chain)
		}
	}
	if s.err != nil {
		f[abi.TLSInfoFailure] = abi.String(s.failure())
		f[abi.TLSInfoFailureText] = abi.String(s.err.Error())
		f[abi.TLSInfoAlert] = s.alert()
	}
	if len(s.state.PeerCertificates) > 0 {
		f[abi.TLSInfoPeerCertificates] = ders(s.state.PeerCertificates)
	}
	return abi.AppendRecord(nil, f[:]...)
}

func ders(certs []*x509.Certificate) abi.Field {
	fields := make([]abi.Field, len(certs))
	for i, c := range certs {
		fields[i] = abi.String(string(c.Raw))
	}
	return abi.String(string(abi.AppendRecord(nil, fields...)))
}

// openSSLName is OpenSSL's name of a cipher suite: ECDHE-RSA-AES128-GCM-SHA256 for TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256.
func openSSLName(iana string) string {
	exchange, cipher, ok := strings.Cut(strings.TrimPrefix(iana, "TLS_"), "_WITH_")
	if !ok {
		return iana // TLS 1.3: the same
	}
	name := strings.NewReplacer("AES_128_CBC", "AES128", "AES_256_CBC", "AES256", "AES_128", "AES128", "AES_256", "AES256",
		"3DES_EDE_CBC", "DES-CBC3", "RC4_128", "RC4", "CHACHA20_POLY1305_SHA256", "CHACHA20-POLY1305").Replace(cipher)
	if exchange != "RSA" {
		name = exchange + "-" + name
	}
	return strings.ReplaceAll(name, "_", "-")
}

func keyBits(iana string) int {
	switch {
	case strings.Contains(iana, "AES_256"), strings.Contains(iana, "CHACHA20"):
		return 256
	case strings.Contains(iana, "3DES"):
		return 112
	}
	return 128
}

// prefixed is a connection of which some bytes have been read already.
type prefixed struct {
	net.Conn
	first []byte
}

func (p *prefixed) Read(b []byte) (int, error) {
	if len(p.first) > 0 {
		n := copy(b, p.first)
		p.first = p.first[n:]
		return n, nil
	}
	return p.Conn.Read(b)
}

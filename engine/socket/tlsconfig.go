package socket

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"net/netip"
	"sync"

	"github.com/thawrun/thaw/abi"
	"github.com/thawrun/thaw/engine/vfs"
)

const (
	// maxConfigs and maxPools bound what is kept of parsed TLS records and certificate files.
	maxConfigs = 16
	maxPools   = 64
	// resumable is how many sessions of a configuration can be resumed.
	resumable = 16
	// maxRecord is the longest TLS record: bundles of root certificates have a quarter.
	maxRecord = 1 << 20
)

// tlsConfig is a decoded record of tls_start or tls_open. It is shared by the sessions of one instance.
type tlsConfig struct {
	base       *tls.Config // to be cloned
	verify     string      // abi.TLSVerifyRequire, …
	verifyName string      // "" = any
	roots      *pool
}

// Configure decodes a record. EInval: it is malformed.
func (s *Set) Configure(record []byte) (*tlsConfig, vfs.Errno) {
	if len(record) > maxRecord {
		return nil, vfs.EInval
	}
	key := sha256.Sum256(record)
	s.spare.Lock()
	c := s.configs[key]
	s.spare.Unlock()
	if c != nil {
		return c, vfs.OK
	}
	c, ok := s.stack.parse(record)
	if !ok {
		return nil, vfs.EInval
	}
	s.spare.Lock()
	if s.configs == nil || len(s.configs) >= maxConfigs {
		s.configs = map[[sha256.Size]byte]*tlsConfig{}
	}
	s.configs[key] = c
	s.spare.Unlock()
	return c, vfs.OK
}

func (s *Stack) parse(record []byte) (*tlsConfig, bool) {
	fields, err := abi.ParseRecord(record)
	if err != nil || len(fields) < abi.TLSFields {
		return nil, false
	}
	c := &tlsConfig{verify: fields[abi.TLSVerify].Value, verifyName: fields[abi.TLSVerifyName].Value}
	switch c.verify {
	case abi.TLSVerifyRequire, abi.TLSVerifyReport, abi.TLSVerifyNone:
	default:
		return nil, false
	}
	c.base = &tls.Config{
		InsecureSkipVerify: true, // VerifyConnection does it, so that every mode and error has a name
		MinVersion:         tls.VersionTLS12, ClientSessionCache: tls.NewLRUClientSessionCache(resumable),
	}
	if name := fields[abi.TLSServerName].Value; !isAddress(name) {
		c.base.ServerName = name
	}
	ok := true
	if f := fields[abi.TLSMinVersion]; f.Present {
		c.base.MinVersion, ok = version(f.Value)
	}
	if f := fields[abi.TLSMaxVersion]; f.Present && ok {
		c.base.MaxVersion, ok = version(f.Value)
	}
	if !ok {
		return nil, false
	}
	for wire := fields[abi.TLSALPN].Value; wire != ""; {
		n := int(wire[0])
		if n == 0 || n >= len(wire) {
			return nil, false
		}
		c.base.NextProtos = append(c.base.NextProtos, wire[1:1+n])
		wire = wire[1+n:]
	}
	if f := fields[abi.TLSCertificate]; f.Present {
		pair, err := tls.X509KeyPair([]byte(f.Value), []byte(fields[abi.TLSKey].Value))
		if err != nil {
			return nil, false
		}
		c.base.Certificates = []tls.Certificate{pair}
	}
	if c.verify != abi.TLSVerifyNone {
		c.roots, err = s.roots.get(fields[abi.TLSSystemRoots].Value == "1", []byte(fields[abi.TLSRoots].Value))
	}
	return c, err == nil
}

func isAddress(name string) bool {
	_, err := netip.ParseAddr(name)
	return err == nil
}

// version is Go's number for a version's name.
func version(name string) (uint16, bool) {
	switch name {
	case "TLSv1":
		return tls.VersionTLS10, true
	case "TLSv1.1":
		return tls.VersionTLS11, true
	case "TLSv1.2":
		return tls.VersionTLS12, true
	case "TLSv1.3":
		return tls.VersionTLS13, true
	}
	return 0, false
}

func versionName(v uint16) string {
	switch v {
	case tls.VersionTLS10:
		return "TLSv1"
	case tls.VersionTLS11:
		return "TLSv1.1"
	case tls.VersionTLS12:
		return "TLSv1.2"
	case tls.VersionTLS13:
		return "TLSv1.3"
	}
	return ""
}

// pool is a set of trusted certificates; a nil certs stands for the system's.
type pool struct{ certs *x509.CertPool }

// rootCache keeps certificate pools by their contents: a bundle takes milliseconds to parse, and programs hand over the same
// one for every connection.
type rootCache struct {
	extra []byte // PEM, trusted with the system's
	mu    sync.Mutex
	pools map[rootKey]*pool
}

type rootKey struct {
	system bool
	pem    [sha256.Size]byte
}

func (r *rootCache) get(system bool, pem []byte) (*pool, error) {
	key := rootKey{system, sha256.Sum256(pem)}
	r.mu.Lock()
	p := r.pools[key]
	r.mu.Unlock()
	if p != nil {
		return p, nil
	}
	p = &pool{}
	switch {
	case !system:
		p.certs = x509.NewCertPool()
	case len(pem) > 0 || len(r.extra) > 0:
		certs, err := x509.SystemCertPool()
		if err != nil {
			certs = x509.NewCertPool()
		}
		certs.AppendCertsFromPEM(r.extra)
		p.certs = certs
	}
	if p.certs != nil {
		p.certs.AppendCertsFromPEM(pem) // what is no certificate is passed over, as OpenSSL does
	}
	r.mu.Lock()
	if len(r.pools) >= maxPools {
		clear(r.pools)
	}
	r.pools[key] = p
	r.mu.Unlock()
	return p, nil
}

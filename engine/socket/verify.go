package socket

import (
	"bytes"
	"crypto/x509"
	"errors"
	"net/netip"
	"time"
)

// verification is the outcome of looking at a peer's certificates, in OpenSSL's numbers and words, by which the libraries of
// Python and Node know it.
type verification struct {
	code  int
	text  string
	chain []*x509.Certificate // verified, leaf first; nil if it failed
}

func (v *verification) Error() string { return "certificate verify failed: " + v.text }

// OpenSSL's numbers (X509_V_ERR_…, x509_vfy.h) and their texts.
func verdict(code int) verification {
	texts := map[int]string{
		0:  "ok",
		1:  "unspecified certificate verification error",
		9:  "certificate is not yet valid",
		10: "certificate has expired",
		18: "self-signed certificate",
		19: "self-signed certificate in certificate chain",
		20: "unable to get local issuer certificate",
		24: "invalid CA certificate",
		25: "path length constraint exceeded",
		26: "unsuitable certificate purpose",
		47: "permitted subtree violation",
		62: "hostname mismatch",
		64: "IP address mismatch",
		66: "EE certificate key too weak",
	}
	return verification{code: code, text: texts[code]}
}

// verify checks certificates as they were sent. name may be empty: then they may be anybody's.
func verify(certs []*x509.Certificate, roots *pool, name string) verification {
	if len(certs) == 0 {
		return verdict(1)
	}
	opts := x509.VerifyOptions{Roots: roots.certs, Intermediates: x509.NewCertPool(), CurrentTime: time.Now()}
	for _, c := range certs[1:] {
		opts.Intermediates.AddCert(c)
	}
	chains, err := certs[0].Verify(opts)
	if err != nil {
		return verdict(verifyCode(err, certs))
	}
	if name != "" && certs[0].VerifyHostname(name) != nil {
		if _, err := netip.ParseAddr(name); err == nil {
			return verdict(64)
		}
		return verdict(62)
	}
	v := verdict(0)
	v.chain = chains[0]
	return v
}

func verifyCode(err error, certs []*x509.Certificate) int {
	var invalid x509.CertificateInvalidError
	var unknown x509.UnknownAuthorityError
	switch {
	case errors.As(err, &invalid):
		switch invalid.Reason {
		case x509.Expired:
			if c := invalid.Cert; c != nil && time.Now().Before(c.NotBefore) {
				return 9
			}
			return 10
		case x509.NotAuthorizedToSign:
			return 24
		case x509.TooManyIntermediates:
			return 25
		case x509.IncompatibleUsage:
			return 26
		case x509.CANotAuthorizedForThisName, x509.TooManyConstraints, x509.UnconstrainedName:
			return 47
		}
		return 1
	case errors.As(err, &unknown):
		for i, c := range certs {
			if bytes.Equal(c.RawIssuer, c.RawSubject) {
				if i == 0 {
					return 18
				}
				return 19
			}
		}
		return 20
	}
	var root x509.SystemRootsError
	if errors.As(err, &root) {
		return 20
	}
	return 1
}

package service

import (
	"encoding/binary"
	"errors"
	"strconv"

	"github.com/thawrun/thaw/abi"
	"github.com/thawrun/thaw/engine/compress"
	"github.com/thawrun/thaw/engine/crypto"
)

// maxFields is the most fields that an operation's record has.
const maxFields = 8

// field is one argument. It lies in the guest's memory.
type field struct {
	b       []byte
	present bool
}

// parse reads a record; what is left of the fields is absent.
func (t *Table) parse(b []byte) error {
	t.fields = [maxFields]field{}
	if len(b) < 4 {
		return badArgument()
	}
	n := binary.LittleEndian.Uint32(b)
	b = b[4:]
	for i := range min(n, maxFields) {
		if len(b) < 4 {
			return badArgument()
		}
		l := binary.LittleEndian.Uint32(b)
		b = b[4:]
		if l == abi.Absent {
			continue
		}
		if uint64(l) > uint64(len(b)) {
			return badArgument()
		}
		t.fields[i] = field{b[:l:l], true}
		b = b[l:]
	}
	return nil
}

func (t *Table) text(i int) string   { return string(t.fields[i].b) }
func (t *Table) bytes(i int) []byte  { return t.fields[i].b }
func (t *Table) present(i int) bool  { return t.fields[i].present }
func (t *Table) number(i int) int    { return t.numberOr(i, 0) }
func (t *Table) charge(units uint64) { t.Charge(units) }

func (t *Table) numberOr(i, absent int) int {
	if !t.fields[i].present {
		return absent
	}
	n, err := strconv.ParseInt(string(t.fields[i].b), 10, 64)
	if err != nil {
		return -1 << 31 // below every range
	}
	return int(n)
}

// answer is what an operation came to: bytes, or a value where that is set.
type answer struct {
	b       []byte
	value   uint32
	isValue bool
}

func value(v uint32) (answer, error)            { return answer{value: v, isValue: true}, nil }
func content(b []byte, e error) (answer, error) { return answer{b: b}, e }

// Call performs one operation and returns the upper and lower half of the result. The argument and out lie in the guest's memory.
func (t *Table) Call(op abi.Service, handle uint32, argument, out []byte) (kind, n uint32) {
	t.result = nil
	// What every call costs beside the work that it accounts.
	t.charge(300 + uint64(len(argument))/8)
	a, err := t.run(op, handle, argument)
	kind = abi.ServiceBytes
	switch {
	case err != nil:
		kind, a.b = abi.ServiceError, failure(err)
	case a.isValue:
		return abi.ServiceValue, a.value
	}
	if len(a.b) <= len(out) {
		copy(out, a.b)
	} else {
		t.result = a.b
	}
	return kind, uint32(len(a.b))
}

// Result copies what did not fit to out and returns its length, or -1.
func (t *Table) Result(out []byte) int32 {
	if t.result == nil || len(t.result) > len(out) {
		return -1
	}
	n := copy(out, t.result)
	t.result = nil
	return int32(n)
}

// Stream is one step of a stream.
func (t *Table) Stream(handle uint32, flush uint32, in, out []byte) (status int32, consumed, produced int) {
	t.result = nil
	t.charge(300)
	o, ok := t.objects[handle]
	if !ok || o.stream == nil || flush > abi.StreamFinish {
		t.result = failure(badHandle())
		return abi.StreamFailed, 0, 0
	}
	consumed, produced, end, err := o.stream.Step(compress.Flush(flush), in, out, t.Charge)
	t.settle(handle, o, o.stream.Held())
	switch {
	case err != nil:
		t.result = failure(err)
		return abi.StreamFailed, consumed, produced
	case end:
		return abi.StreamEnd, consumed, produced
	}
	return abi.StreamOK, consumed, produced
}

// failure is the record of an error.
func failure(err error) []byte {
	code, message := "ERR_CRYPTO_OPERATION_FAILED", err.Error()
	var c *crypto.Error
	var z *compress.Error
	switch {
	case errors.As(err, &c):
		code, message = c.Code, c.Message
	case errors.As(err, &z):
		code, message = z.Code, z.Message
	}
	message = message[:min(len(message), abi.MaxServiceError-12-len(code))]
	return abi.AppendRecord(nil, abi.String(code), abi.String(message))
}

// raw says whether an operation's argument is bytes and not a record.
func raw(op abi.Service) bool {
	switch op {
	case abi.ServiceClose, abi.ServiceUpdate, abi.ServiceFinal, abi.ServiceSum, abi.ServiceCopy, abi.ServiceCipherUpdate, abi.ServiceCipherAAD,
		abi.ServiceCipherSetTag, abi.ServiceCipherFinal, abi.ServiceCipherGetTag, abi.ServiceKeyInfo, abi.ServiceKeyPublic, abi.ServiceUnbrotliNew:
		return true
	}
	return false
}

func (t *Table) run(op abi.Service, handle uint32, argument []byte) (answer, error) {
	if !raw(op) {
		if err := t.parse(argument); err != nil {
			return answer{}, err
		}
	}
	switch {
	case op == abi.ServiceClose:
		t.close(handle)
		return value(0)
	case op < abi.ServiceCipherNew:
		return t.digests(op, handle, argument)
	case op < abi.ServiceKeyImport:
		return t.ciphers(op, handle, argument)
	case op < abi.ServiceDeflateNew:
		return t.keys(op, handle)
	}
	return t.streams(op, handle)
}

func unknown() (answer, error) {
	return answer{}, &crypto.Error{Code: "ERR_SERVICE_UNKNOWN", Message: "unknown operation"}
}

// made gives a new object its handle.
func (t *Table) made(o object, err error) (answer, error) {
	if err != nil {
		return answer{}, err
	}
	h, err := t.add(o)
	if err != nil {
		return answer{}, err
	}
	return value(h)
}

func (t *Table) digests(op abi.Service, handle uint32, argument []byte) (answer, error) {
	switch op {
	case abi.ServiceHashNew:
		h, err := crypto.NewHash(t.text(0), t.numberOr(1, -1))
		return t.made(object{hash: h}, err)
	case abi.ServiceHMACNew:
		h, err := crypto.NewHMAC(t.text(0), t.bytes(1), t.Charge)
		return t.made(object{hash: h}, err)
	case abi.ServiceDigest:
		return content(crypto.Digest(t.text(0), t.bytes(1), t.numberOr(2, -1), t.Charge))
	case abi.ServiceHMAC:
		return content(crypto.HMAC(t.text(0), t.bytes(1), t.bytes(2), t.Charge))
	case abi.ServicePBKDF2:
		return content(crypto.PBKDF2(t.text(0), t.bytes(1), t.bytes(2), t.number(3), t.number(4), t.Charge))
	case abi.ServiceScrypt:
		budget := int64(abi.MaxServiceMemory - t.held)
		return content(crypto.Scrypt(t.bytes(0), t.bytes(1), t.number(2), t.number(3), t.number(4), t.number(5), int64(t.number(6)), budget, t.Charge))
	case abi.ServiceHKDF:
		return content(crypto.HKDF(t.text(0), t.bytes(1), t.bytes(2), t.bytes(3), t.number(4), t.Charge))
	}
	h := t.objects[handle].hash
	if h == nil {
		return answer{}, badHandle()
	}
	switch op {
	case abi.ServiceUpdate:
		h.Update(argument, t.Charge)
		return value(0)
	case abi.ServiceFinal:
		t.close(handle)
		return content(h.Sum(t.Charge), nil)
	case abi.ServiceSum:
		return content(h.Sum(t.Charge), nil)
	case abi.ServiceCopy:
		c, err := h.Copy()
		return t.made(object{hash: c}, err)
	}
	return unknown()
}

func (t *Table) ciphers(op abi.Service, handle uint32, argument []byte) (answer, error) {
	if op == abi.ServiceCipherNew {
		c, err := crypto.NewCipher(t.text(0), t.bytes(1), t.bytes(2), t.number(3) == 1, t.numberOr(4, -1))
		return t.made(object{cipher: c}, err)
	}
	o := t.objects[handle]
	c := o.cipher
	if c == nil {
		return answer{}, badHandle()
	}
	switch op {
	case abi.ServiceCipherUpdate, abi.ServiceCipherAAD:
		if t.held+2*len(argument) > abi.MaxServiceMemory {
			return answer{}, limit()
		}
		var b []byte
		var err error
		if op == abi.ServiceCipherUpdate {
			b, err = c.Update(argument, t.Charge)
		} else {
			err = c.AAD(argument)
		}
		t.settle(handle, o, c.Held())
		if op == abi.ServiceCipherAAD && err == nil {
			return value(0)
		}
		return content(b, err)
	case abi.ServiceCipherPadding:
		c.SetPadding(t.number(0) != 0)
		return value(0)
	case abi.ServiceCipherSetTag:
		if err := c.SetTag(argument); err != nil {
			return answer{}, err
		}
		return value(0)
	case abi.ServiceCipherFinal:
		b, err := c.Final(t.Charge)
		t.settle(handle, o, c.Held())
		return content(b, err)
	case abi.ServiceCipherGetTag:
		return content(c.Tag())
	}
	return unknown()
}

func (t *Table) keys(op abi.Service, handle uint32) (answer, error) {
	switch op {
	case abi.ServiceKeyImport:
		k, err := crypto.Import(t.text(0), t.text(1), t.text(2), t.bytes(3), t.present(3), t.bytes(4), t.Charge)
		return t.made(object{key: k}, err)
	case abi.ServiceKeyGenerate:
		kind := t.text(0)
		k, err := crypto.Generate(kind, t.number(1), t.numberOr(2, 65537), t.text(1), t.Charge)
		return t.made(object{key: k}, err)
	}
	k := t.objects[handle].key
	if k == nil {
		return answer{}, badHandle()
	}
	signing := func() crypto.Signing {
		return crypto.Signing{Hash: t.text(0), Padding: t.text(1), SaltLength: t.numberOr(2, crypto.SaltMost), P1363: t.text(3) == "ieee-p1363", Digested: t.number(5) == 1}
	}
	switch op {
	case abi.ServiceKeyExport:
		return content(crypto.Export(k, t.text(0), t.text(1), t.text(2), t.text(3), t.bytes(4), t.Charge))
	case abi.ServiceKeyInfo:
		return content(k.Info().JSON(), nil)
	case abi.ServiceKeyPublic:
		return t.made(object{key: k.Public()}, nil)
	case abi.ServiceKeyEqual, abi.ServiceAgree:
		other := t.objects[uint32(t.number(0))].key
		switch {
		case other == nil:
			return answer{}, badHandle()
		case op == abi.ServiceAgree:
			return content(crypto.Agree(k, other, t.Charge))
		case k.Equal(other):
			return value(1)
		}
		return value(0)
	case abi.ServiceSign:
		return content(crypto.Sign(k, signing(), t.bytes(4), t.Charge))
	case abi.ServiceVerify:
		ok, err := crypto.Verify(k, signing(), t.bytes(4), t.bytes(6), t.Charge)
		if err != nil || !ok {
			return answer{isValue: true}, err
		}
		return value(1)
	case abi.ServiceEncrypt, abi.ServiceDecrypt:
		e := crypto.Encryption{Padding: t.text(0), Hash: t.text(1), Label: t.bytes(2)}
		if op == abi.ServiceEncrypt {
			return content(crypto.Encrypt(k, e, t.bytes(3), t.Charge))
		}
		return content(crypto.Decrypt(k, e, t.bytes(3), t.Charge))
	}
	return unknown()
}

func (t *Table) streams(op abi.Service, handle uint32) (answer, error) {
	var s compress.Stream
	var err error
	switch op {
	case abi.ServiceDeflateNew:
		s, err = compress.NewDeflater(compress.Format(t.text(0)), t.numberOr(1, -1), t.bytes(2))
	case abi.ServiceInflateNew:
		s, err = compress.NewInflater(compress.Format(t.text(0)), t.bytes(1))
	case abi.ServiceBrotliNew:
		s, err = compress.NewBrotli(t.number(0), t.number(1))
	case abi.ServiceUnbrotliNew:
		s = compress.NewUnbrotli()
	case abi.ServiceStreamLevel:
		d, ok := t.objects[handle].stream.(*compress.Deflater)
		if !ok {
			return answer{}, badHandle()
		}
		if err := d.SetLevel(t.number(0), t.Charge); err != nil {
			return answer{}, err
		}
		return value(0)
	case abi.ServiceZone:
		t.charge(100_000) // the zone is read anew
		return content(zone(t.text(0), int64(t.number(1))))
	default:
		return unknown()
	}
	if err != nil {
		return answer{}, err
	}
	return t.made(object{stream: s}, nil)
}

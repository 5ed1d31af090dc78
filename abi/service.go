package abi

// Service is an operation of the host function service, README section 5.5.
type Service uint32

// The operations of the host function service.
const (
	ServiceClose Service = 1

	ServiceHashNew Service = 16
	ServiceHMACNew Service = 17
	ServiceUpdate  Service = 18
	ServiceFinal   Service = 19
	ServiceSum     Service = 20
	ServiceCopy    Service = 21
	ServiceDigest  Service = 22
	ServiceHMAC    Service = 23

	ServicePBKDF2 Service = 32
	ServiceScrypt Service = 33
	ServiceHKDF   Service = 34

	ServiceCipherNew     Service = 48
	ServiceCipherUpdate  Service = 49
	ServiceCipherAAD     Service = 50
	ServiceCipherPadding Service = 51
	ServiceCipherSetTag  Service = 52
	ServiceCipherFinal   Service = 53
	ServiceCipherGetTag  Service = 54

	ServiceKeyImport   Service = 64
	ServiceKeyExport   Service = 65
	ServiceKeyInfo     Service = 66
	ServiceKeyGenerate Service = 67
	ServiceKeyPublic   Service = 68
	ServiceKeyEqual    Service = 69

	ServiceSign    Service = 80
	ServiceVerify  Service = 81
	ServiceEncrypt Service = 82
	ServiceDecrypt Service = 83
	ServiceAgree   Service = 84

	ServiceDeflateNew  Service = 96
	ServiceInflateNew  Service = 97
	ServiceBrotliNew   Service = 98
	ServiceUnbrotliNew Service = 99
	ServiceStreamLevel Service = 100

	ServiceZone Service = 112
)

// What the upper half of the result of the host function service says of the lower.
const (
	ServiceBytes = 0 // length of the result
	ServiceError = 1 // length of a record: code, message
	ServiceValue = 2 // a handle or a number
)

// How far a step of service_stream takes what was handed over.
const (
	StreamNoFlush = 0
	StreamFlush   = 1
	StreamFinish  = 2
)

// What service_stream answers.
const (
	StreamOK     = 0
	StreamEnd    = 1
	StreamFailed = -1
)

// Limits of the services of one instance.
const (
	MaxServiceHandles = 4096
	MaxServiceMemory  = 64 << 20 // bytes held by handles
	MaxServiceError   = 512      // bytes of the record of a failure
)

// Package sigv4 verifies AWS Signature Version 4 on requests of fasthttp: in the Authorization header or in the query of a
// presigned link, with temporary credentials, and with bodies in signed chunks (aws-chunked).
//
//	v := &sigv4.Verifier{Lookup: keys.find}
//	who, err := v.Verify(&ctx.Request, ctx.IsTLS(), "lambda", "us-east-1")
//
// What is verified is what was sent: the path is taken as it stands in the request line and encoded once more, as all services
// but S3 do; it is not normalised, because the router does not normalise it either. The body's hash is always computed, a
// declared one must be the same. Headers of the family X-Amz-* change what a request means, so they must be signed.
//
// The signing key of a secret is derived once per day, region and service and kept with the secret (Key), so that a secret
// that is replaced takes its derived keys along.
package sigv4

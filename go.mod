module github.com/thawrun/thaw

go 1.26.0

require (
	github.com/andybalholm/brotli v1.3.0 // engine/compress: Brotli
	github.com/aws/aws-sdk-go-v2 v1.48.0 // cmd: signs the requests of thaw up; tests: the signer that SigV4 is verified against
	github.com/dgraph-io/badger/v4 v4.9.6 // engine/store: the embedded database
	github.com/goccy/go-yaml v1.19.2 // cmd: configuration file
	github.com/google/go-cmp v0.7.0 // tests: readable differences
	github.com/google/uuid v1.6.0 // engine, api: request and revision ids
	github.com/klauspost/compress v1.20.4 // engine/store, engine/vfs, engine/compress, runtimes: zstd, deflate
	github.com/knadh/koanf/v2 v2.4.1 // cmd: layers of configuration
	github.com/spf13/cobra v1.10.2 // cmd: commands, help, completion
	github.com/spf13/pflag v1.0.9 // cmd: flags, as cobra has them
	github.com/tetratelabs/wazero v1.12.0 // engine/sandbox, engine/wasi: the WebAssembly runtime
	github.com/valyala/fasthttp v1.74.0 // api, cmd, bench: HTTP
	go.uber.org/goleak v1.3.0 // tests: goroutine leaks
	golang.org/x/crypto v0.59.0 // engine/crypto: blake2, chacha20, ripemd160, salsa20
	golang.org/x/sys v0.50.0 // engine/sandbox: memory files, page scans
	pgregory.net/rapid v1.3.0 // tests: properties
)

require (
	github.com/aws/smithy-go v1.28.9 // indirect
	github.com/cespare/xxhash/v2 v2.3.0 // indirect
	github.com/dgraph-io/ristretto/v2 v2.2.0 // indirect
	github.com/dustin/go-humanize v1.0.1 // indirect
	github.com/go-logr/logr v1.4.3 // indirect
	github.com/go-logr/stdr v1.2.2 // indirect
	github.com/go-viper/mapstructure/v2 v2.4.0 // indirect
	github.com/google/flatbuffers v25.2.10+incompatible // indirect
	github.com/inconshreveable/mousetrap v1.1.0 // indirect
	github.com/knadh/koanf/maps v0.1.2 // indirect
	github.com/mitchellh/copystructure v1.2.0 // indirect
	github.com/mitchellh/reflectwalk v1.0.2 // indirect
	github.com/molecule-man/go-brrr v1.0.1 // indirect
	github.com/valyala/bytebufferpool v1.0.0 // indirect
	go.opentelemetry.io/auto/sdk v1.2.1 // indirect
	go.opentelemetry.io/otel v1.41.0 // indirect
	go.opentelemetry.io/otel/metric v1.41.0 // indirect
	go.opentelemetry.io/otel/trace v1.41.0 // indirect
	google.golang.org/protobuf v1.36.7 // indirect
)

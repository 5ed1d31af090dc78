// Package store keeps functions and their code in an embedded Badger. Badger is the truth; what is read often is served from
// a view in memory that is rebuilt from it at start.
//
// Every change is one Badger transaction, synced before it is acknowledged: after a crash each change is there wholly or not
// at all.
//
// # Schema, version 1 (schema.go brings older folders up to date)
//
//	key                                         value
//	m/schema                                    the schema's version, decimal
//	m/revision                                  the last revision given out, big-endian u64
//	s/<name>                                    a secret of this store, 32 random bytes
//	f/<account>/<region>/<name>                 a function: 0x01, then JSON of Function
//	b/<SHA-256, 32 bytes>/<number, u32>         a part of a code package, zstd; parts of 1 MiB before compression
//
// Numbers in keys are big-endian, so that keys sort. Account, region and name never contain a slash. A record's Revision only
// grows, in the whole store, so that changes can be replicated in order. A code package lives as long as a function refers
// to it; the counts follow from the functions and are not stored.
package store

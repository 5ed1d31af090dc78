// Package store keeps functions and their code in an embedded Badger. Badger is the truth; what is read often is served from
// a view in memory that is rebuilt from it at start.
//
// Every change is one Badger transaction, synced before it is acknowledged: after a crash each change is there wholly or not
// at all. Changes that are made at the same time share a transaction and a sync (commit.go).
//
// # Schema, version 2 (schema.go brings older folders up to date)
//
//	key                                         value
//	m/schema                                    the schema's version, decimal
//	m/revision                                  the last revision given out, big-endian u64
//	s/<name>                                    a secret of this store, 32 random bytes
//	f/<account>/<region>/<name>                 a function: $LATEST and what holds for all versions (functionRecord)
//	v/<account>/<region>/<name>/<number, u64>   a published version (Version)
//	c/<account>/<region>/<name>/<qualifier>     alias, policy and settings of one ARN form (Qualified); empty = unqualified
//	n/<account>/<region>/<name>                 the last version number of a function that was deleted, u64
//	l/<account>/<region>/<name>                 a layer with its versions (Layer)
//	r/<bucket>/<key>                            a document of another room, such as an event source mapping
//	q/<number, u64>                             an event that was accepted and isn't done with (Event)
//	p/<number, u64>                             its payload, as it is
//	b/<SHA-256, 32 bytes>/<number, u32>         a part of a code package, zstd; parts of 1 MiB before compression, of packages
//	                                            beyond 64 MiB of 4 MiB
//
// Values are 0x01 and JSON where nothing else is said. Numbers in keys are big-endian, so that keys sort. Account, region, name and qualifier never
// contain a slash. A function's Revision only grows, in the whole store, so that changes can be replicated in order.
//
// # Code
//
// Equal packages are stored once. A package is stored in the transaction that makes the first reference to it (a function's
// version, or a layer's; functions refer to the content of the layer versions that they use) and removed in the one that takes
// the last away. The counts follow from the records, are kept in memory and not stored, so that they can't be wrong after a
// crash, and no package is ever without a reference or a reference without its package. The space of what was removed comes
// back when Badger rewrites its value log (collect).
//
// # Backup
//
// Backup reads all of this in one read transaction: one moment, while changes go on. Restore makes a folder of it (backup.go).
package store

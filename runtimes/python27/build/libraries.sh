# Builds the C libraries that CPython 2.7's modules need, for wasm32-wasi; to be sourced. Fills $prefix/{include,lib}.
build_libraries() {
	local deps=$work/deps
	[ -e "$deps/done" ] && return
	rm -rf "$deps" "$prefix"
	mkdir -p "$deps"/{zlib,bzip2,sqlite} "$prefix"/{include,lib}

	tar xf "$(source_zlib)" -C "$deps/zlib" --strip-components=1
	(cd "$deps/zlib" && CHOST=wasm32 CFLAGS="$cflags" ./configure --static --prefix="$prefix" >/dev/null && make -s -j"$jobs" libz.a &&
		cp libz.a "$prefix/lib/" && cp zlib.h zconf.h "$prefix/include/")

	tar xf "$(source_bzip2)" -C "$deps/bzip2" --strip-components=1
	(cd "$deps/bzip2" && for f in blocksort huffman crctable randtable compress decompress bzlib; do
		$CC $cflags -c $f.c -o $f.o || exit 1
	done && $AR rcsD libbz2.a ./*.o && cp libbz2.a "$prefix/lib/" && cp bzlib.h "$prefix/include/")

	tar xf "$(source_sqlite)" -C "$deps/sqlite" --strip-components=1
	(cd "$deps/sqlite" && mkdir -p amalgamation && cd amalgamation && CC=cc ../configure -q --disable-readline --disable-tcl >/dev/null &&
		make -s sqlite3.c >/dev/null && $CC $cflags -DSQLITE_OS_OTHER=0 -DSQLITE_OS_UNIX=1 -DSQLITE_THREADSAFE=0 -DSQLITE_OMIT_LOAD_EXTENSION=1 \
		-DSQLITE_OMIT_WAL=1 -DSQLITE_DEFAULT_UNIX_VFS='"unix-none"' -DSQLITE_MAX_MMAP_SIZE=0 -DSQLITE_ENABLE_FTS3=1 -DSQLITE_ENABLE_RTREE=1 \
		-DSQLITE_ENABLE_COLUMN_METADATA=1 -DHAVE_FCHMOD=0 -D_WASI_EMULATED_MMAN -D_WASI_EMULATED_GETPID \
		-DSQLITE_NOHAVE_SYSTEM=1 -include "$here/sqlite_wasi.h" -c sqlite3.c -o sqlite3.o && $AR rcsD libsqlite3.a sqlite3.o &&
		cp libsqlite3.a "$prefix/lib/" && cp sqlite3.h "$prefix/include/")
	touch "$deps/done"
}

#!/usr/bin/env bash
# Builds the Python guest: ../python313.wasm.zst, ../python313.zip.zst, ../python313-aws.zip.zst (boto3) and their lock file
# ../python313.lock.json.
#
# Needs Debian 12 and root (it installs what is missing). Everything happens below THAW_BUILD_DIR (default
# ~/.cache/thaw-build); finished stages are kept there, and removing the folder starts over. The outputs depend only on the
# pinned inputs and the files of this folder, ../guest and ../../toolchain.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../../toolchain/fetch.sh"
. "$here/sources.sh"
. "$here/libraries.sh"
export LC_ALL=C TZ=UTC SOURCE_DATE_EPOCH=315532800 PYTHONHASHSEED=0 PYTHONDONTWRITEBYTECODE=1

for p in tcl zstd binaryen python3 python3-pip unzip pkg-config; do
	dpkg-query -W -f '${Status}' "$p" 2>/dev/null | grep -q 'install ok installed' || missing+=" $p"
done
if [ -n "${missing:-}" ]; then
	apt-get -q update >&2
	DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends $missing >&2
fi
sysroot=$("$here/../../toolchain/setup.sh")

work=$THAW_BUILD_DIR/python313
prefix=$work/prefix
jobs=$(nproc)
export CC=clang-19 AR=llvm-ar-19 RANLIB=llvm-ranlib-19
target="--target=wasm32-wasi --sysroot=$sysroot"
# -g0 and the prefix map keep this machine's paths out; the features are those of abi/README.md section 1.
cflags_only="-O3 -g0 -mbulk-memory -mnontrapping-fptoint -msign-ext -mmutable-globals -ffile-prefix-map=$work=/build -Wno-unused-command-line-argument"
cflags="$target $cflags_only"

stage() { echo "== $*" >&2; }

stage "libraries"
build_libraries

stage "native Python (compiles the standard library and helps the cross build)"
if [ ! -e "$work/native/done" ]; then
	rm -rf "$work/src" "$work/native"
	mkdir -p "$work/src" "$work/native"
	tar xf "$(source_python313)" -C "$work/src" --strip-components=1
	(cd "$work/native" && env -u AR -u RANLIB CC=cc CFLAGS=-O1 ../src/configure -q --disable-test-modules --without-ensurepip >configure.log 2>&1 &&
		env -u AR -u RANLIB make -s -j"$jobs" >make.log 2>&1 && touch done) || fail "see $work/native/*.log"
fi

stage "CPython for wasm32-wasi"
if [ ! -e "$work/wasm/done" ]; then
	rm -rf "$work/wasm"
	mkdir -p "$work/wasm"
	(
		cd "$work/wasm"
		cat "$work/src/Tools/wasm/config.site-wasm32-wasi" >config.site
		echo ac_cv_func_clock_nanosleep=no >>config.site # wasi-libc declares it, without the clock that CPython wants
		CONFIG_SITE=$work/wasm/config.site CC="$CC $target" CPP="$CC -E $target" CFLAGS="$cflags_only -I$prefix/include" LDFLAGS="-L$prefix/lib" \
			PKG_CONFIG=false ZLIB_CFLAGS="-I$prefix/include" ZLIB_LIBS=-lz BZIP2_CFLAGS="-I$prefix/include" BZIP2_LIBS=-lbz2 \
			LIBLZMA_CFLAGS="-I$prefix/include" LIBLZMA_LIBS=-llzma LIBSQLITE3_CFLAGS="-I$prefix/include" \
			LIBSQLITE3_LIBS="-lsqlite3 -lwasi-emulated-mman" \
			../src/configure -q --host=wasm32-wasi --build="$(cc -dumpmachine)" --with-build-python="$work/native/python" \
			--with-pymalloc --disable-test-modules --without-ensurepip --without-doc-strings --disable-shared --disable-ipv6 >configure.log 2>&1
		make -s -j"$jobs" libpython3.13.a >make.log 2>&1
		touch done
	) || fail "see $work/wasm/*.log"
fi

stage "linking the guest"
guest=$here/../guest
(
	cd "$work/wasm"
	emulated="-D_WASI_EMULATED_SIGNAL -D_WASI_EMULATED_GETPID -D_WASI_EMULATED_PROCESS_CLOCKS"
	mkdir -p yyjson
	tar xf "$(source_yyjson)" -C yyjson --strip-components=1
	own=($emulated -ffile-prefix-map="$guest"=/build/guest -I"$work/src/Include" -I"$work/src/Include/internal" -I. -Iyyjson/src)
	for f in thaw snapshot service support files float; do $CC $cflags "${own[@]}" -c "$guest/$f.c" -o "own_$f.o"; done
	# CPython's own module socket, once more, over the C library functions of guest/net.
	net=(-ffile-prefix-map="$guest"=/build/guest $emulated "-I$guest/net/include")
	for f in inet netdb socket; do $CC $cflags "${net[@]}" -c "$guest/net/$f.c" -o "net_$f.o"; done
	$CC $cflags "${net[@]}" -I"$work/src/Include" -I. -c "$guest/net/tls.c" -o net_tls.o
	$CC $cflags "${net[@]}" -include "$guest/net/config.h" -I"$work/src/Include" -I"$work/src/Include/internal" -I. \
		-DPy_BUILD_CORE_BUILTIN -c "$work/src/Modules/socketmodule.c" -o net_socketmodule.o
	# clang would run any wasm-opt that it finds on PATH, /bin included: keep it out and run it ourselves.
	mkdir -p bin
	ln -sf "$(command -v wasm-ld-19)" bin/wasm-ld-19
	PATH=$PWD/bin /usr/lib/llvm-19/bin/clang $cflags -mexec-model=reactor -Wl,--stack-first -Wl,-z,stack-size=2097152 -Wl,--strip-debug \
		-Wl,--wrap=stat,--wrap=lstat,--wrap=fstat,--wrap=fstatat,--wrap=_Py_dg_dtoa,--wrap=_Py_dg_freedtoa,--wrap=_Py_dg_strtod \
		-o linked.wasm own_*.o net_*.o libpython3.13.a Modules/_hacl/*.a Modules/_decimal/libmpdec/*.a Modules/expat/*.a -L"$prefix/lib" \
		-lz -lbz2 -llzma -lsqlite3 -lwasi-emulated-signal -lwasi-emulated-getpid -lwasi-emulated-process-clocks -lwasi-emulated-mman -ldl -lm
	wasm-opt -O3 --low-memory-unused --enable-bulk-memory --enable-sign-ext --enable-nontrapping-float-to-int --enable-mutable-globals \
		-g linked.wasm -o thaw.wasm
)

stage "standard library image"
rm -rf "$work/tzdata"
unzip -q "$(tzdata)" -d "$work/tzdata"
"$work/native/python" "$here/image.py" "$work/python313.zip" "$work/src/Lib" "$guest" "$work/tzdata/tzdata/zoneinfo" "CPython=$work/src/LICENSE" "zlib=$work/deps/zlib/LICENSE" \
	"bzip2=$work/deps/bzip2/LICENSE" "xz=$work/deps/xz/COPYING.0BSD" "libmpdec=$work/src/Modules/_decimal/libmpdec/mpdecimal.h" \
	"expat=$work/src/Modules/expat/COPYING" "yyjson=$work/wasm/yyjson/LICENSE" "wasi-libc=$sysroot/share/doc/wasi-libc/copyright" \
	"tzdata=$(ls "$work"/tzdata/tzdata-*.dist-info/licenses/LICENSE)"

stage "boto3"
site=$work/aws
rm -rf "$site"
for wheel in boto3 botocore s3transfer jmespath dateutil six urllib3; do
	unzip -q "$("wheel_$wheel")" -d "$site"
done
"$work/native/python" "$here/aws.py" "$work/python313-aws.zip" "$site" "boto3=$(ls "$site"/boto3-*.dist-info/LICENSE)" \
	"botocore=$(ls "$site"/botocore-*.dist-info/LICENSE.txt)" "s3transfer=$(ls "$site"/s3transfer-*.dist-info/LICENSE.txt)" \
	"jmespath=$(ls "$site"/jmespath-*.dist-info/LICENSE)" "dateutil=$(ls "$site"/python_dateutil-*.dist-info/LICENSE)" \
	"six=$(ls "$site"/six-*.dist-info/LICENSE)" "urllib3=$(ls "$site"/urllib3-*.dist-info/licenses/LICENSE.txt)"

stage "compressing"
zstd -q -19 -f "$work/wasm/thaw.wasm" -o "$here/../python313.wasm.zst"
zstd -q -19 -f "$work/python313.zip" -o "$here/../python313.zip.zst"
zstd -q -19 -f "$work/python313-aws.zip" -o "$here/../python313-aws.zip.zst"
python3 "$here/../../toolchain/lock.py" "$here/../python313.lock.json" --root "$here/../.." \
	--inputs python/build python/guest toolchain --sources "$here/sources.sh" "$here/../../toolchain/setup.sh" \
	--outputs "python/python313.wasm.zst=$work/wasm/thaw.wasm" "python/python313.zip.zst=$work/python313.zip" \
	"python/python313-aws.zip.zst=$work/python313-aws.zip" \
	--tools "clang-19 --version" "wasm-ld-19 --version" "wasm-opt --version" "zstd --version"

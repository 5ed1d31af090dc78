#!/usr/bin/env bash
# Builds the Python 2.7 guest: ../python27.wasm.zst, ../python27.zip.zst and their lock file ../python27.lock.json.
#
# Needs Debian 12 and root (it installs what is missing). Everything happens below THAW_BUILD_DIR (default
# ~/.cache/thaw-build); finished stages are kept there, and removing the folder starts over. The outputs depend only on the
# pinned inputs, those files of ../../python/guest/net that net.sha256 names, and the files of this folder, ../guest and ../../toolchain.
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
guest=$here/../guest

work=$THAW_BUILD_DIR/python27
prefix=$work/prefix
jobs=$(nproc)
export CC=clang-19 AR=llvm-ar-19 RANLIB=llvm-ranlib-19
target="--target=wasm32-wasi --sysroot=$sysroot"
emulated="-D_WASI_EMULATED_SIGNAL -D_WASI_EMULATED_GETPID -D_WASI_EMULATED_PROCESS_CLOCKS"
# -g0 and the prefix map keep this machine's paths out; the features are those of abi/README.md section 1. A source of 1995
# to 2010 takes much for granted that clang 19 warns of or refuses.
flags="-g0 -mbulk-memory -mnontrapping-fptoint -msign-ext -mmutable-globals -ffile-prefix-map=$work=/build -ffile-prefix-map=$guest=/build/guest
	-fno-strict-aliasing -fwrapv -Wno-unused-command-line-argument -Wno-int-conversion -Wno-incompatible-function-pointer-types -Wno-deprecated-non-prototype"
flags=$(echo $flags)
cflags="$target $flags -O3"
parameters=10 # the most that a function has which is called through a pointer

stage() { echo "== $*" >&2; }

# The changes to CPython's source.
prepare_source() (
	cd "$work/src"
	sed -i '1i #define MODULE_NAME "sqlite3"' Modules/_sqlite/*.c            # setup.py would pass it, makesetup can't
	sed -i 's/^pwd pwdmodule.c/#&/' Modules/Setup.dist                       # there is no user database: pwd.py
	sed -i 's/^static volatile int pendingcalls_to_do/volatile int pendingcalls_to_do/' Python/ceval.c # thaw.c lets the host set it
	grep -q '^volatile int pendingcalls_to_do = 0;' Python/ceval.c
)

stage "libraries"
build_libraries

stage "native Python (compiles the standard library)"
if [ ! -e "$work/native/done" ]; then
	rm -rf "$work/src" "$work/native"
	mkdir -p "$work/src" "$work/native"
	tar xf "$(source_python27)" -C "$work/src" --strip-components=1
	prepare_source
	(cd "$work/native" && env -u AR -u RANLIB CC=cc OPT="-O1 -fwrapv -fno-strict-aliasing -w" ../src/configure -q --without-ensurepip >configure.log 2>&1 &&
		env -u AR -u RANLIB make -s -j"$jobs" python >make.log 2>&1 && touch done) || fail "see $work/native/*.log"
fi

stage "CPython for wasm32-wasi"
cp "$guest/dynload_thaw.c" "$work/src/Python/"
if [ ! -e "$work/wasm/configured" ]; then
	rm -rf "$work/wasm"
	mkdir -p "$work/wasm"
	(
		cd "$work/wasm" && "$here/config.sh" >config.site || exit 1
		# The target passes for Linux, which neither CPython's configure of 2014 nor a function of that time minds: sys.platform is
		# "linux2", as in Lambda. What WASI lacks is known from its headers, and from config.sh.
		CONFIG_SITE=$work/wasm/config.site CC="$CC $target" CPP="$CC -E $target" CXX=false READELF=llvm-readelf-19 OPT="-DNDEBUG -O3 $flags" \
			PYTHON_FOR_BUILD="$work/native/python -E" CFLAGS="$emulated -I$guest/include -I$prefix/include" DYNLOADFILE=dynload_thaw.o \
			LIBS="-lwasi-emulated-signal -lwasi-emulated-getpid -lwasi-emulated-process-clocks" \
			../src/configure -q --host=i686-pc-linux-gnu --build="$(cc -dumpmachine)" --disable-ipv6 --without-threads --with-pymalloc --enable-unicode=ucs4 \
			--without-ensurepip --disable-shared --prefix=/var/lang >configure.log 2>&1 &&
			touch configured
	) || fail "see $work/wasm/configure.log"
fi
(
	cd "$work/wasm" && cp "$here/Setup.local" Modules/Setup.local && make -s Makefile >make.log 2>&1 &&
		make -s -j"$jobs" OPT="-DNDEBUG -O3 $flags -include $guest/posix.h" libpython2.7.a >>make.log 2>&1
) || fail "see $work/wasm/make.log"

stage "linking the guest"
(
	cd "$work/wasm"
	includes="-I. -I$work/src/Include -I$guest/include"
	$CC $cflags $emulated $includes -c "$guest/thaw.c" -o thaw.o
	$CC $cflags $emulated $includes -c "$guest/posix.c" -o posix.o
	# CPython's module _socket over the C library functions of the other Python guest.
	net=$here/../../python/guest/net
	(cd "$net" && sha256sum --check --quiet --strict "$here/net.sha256") || fail "python/guest/net has changed: see whether it suits Python 2.7 too, then update net.sha256"
	netflags="$emulated -ffile-prefix-map=$net=/build/net -I$net/include -I$net"
	for f in inet netdb socket; do $CC $cflags $netflags -c "$net/$f.c" -o "net_$f.o"; done
	$CC $cflags $netflags $includes -c "$guest/net.c" -o net_module.o
	$CC $cflags $netflags $includes -include "$net/config.h" -include "$guest/posix.h" -c "$work/src/Modules/socketmodule.c" -o net_socketmodule.o
	# With -O2 the parser refuses every source: pgen's tables are written to in ways that clang does not expect.
	$CC $target $flags -O0 $includes -DPy_BUILD_CORE -c "$work/src/Python/graminit.c" -o graminit.o
	# clang would run any wasm-opt that it finds on PATH: keep it out and run it ourselves.
	PATH=/usr/lib/llvm-19/bin:/bin $CC $cflags -mexec-model=reactor -Wl,--stack-first -Wl,-z,stack-size=4194304 -Wl,--strip-debug -Wl,--fatal-warnings \
		-o linked.wasm thaw.o posix.o graminit.o net_*.o libpython2.7.a -L"$prefix/lib" \
		-lz -lbz2 -lsqlite3 -lwasi-emulated-signal -lwasi-emulated-getpid -lwasi-emulated-process-clocks -lwasi-emulated-mman -lm
	# CPython of that time calls functions through pointers of other types everywhere; --fpcast-emu gives all of them one type.
	features="--enable-bulk-memory --enable-sign-ext --enable-nontrapping-float-to-int --enable-mutable-globals"
	wasm-opt $features --fpcast-emu --pass-arg=max-func-params@"$parameters" -g linked.wasm -o cast.wasm
	wasm-opt $features -O3 --low-memory-unused -g cast.wasm -o thaw.wasm
)

stage "image of the standard library and boto3"
rm -rf "$work/library" "$work/site" "$work/runtime" "$work/python27.zip"
for wheel in boto3 botocore s3transfer jmespath dateutil six urllib3 futures; do
	unzip -q -o "$("wheel_$wheel")" -d "$work/site"
done
"$work/native/python" -S -E "$here/compile.py" "$work/library" /var/runtime/lib/python2.7 "$work/src/Lib" "$guest"
"$work/native/python" -S -E "$here/compile.py" "$work/runtime" /var/runtime "$work/site"
python3 "$here/image.py" "$work/python27.zip" "lib/python2.7=$work/library" ".=$work/runtime" "licences/CPython=$work/src/LICENSE" \
	"licences/boto3=$(ls "$work"/site/boto3-*.dist-info/LICENSE)" "licences/botocore=$(ls "$work"/site/botocore-*.dist-info/LICENSE.txt)" \
	"licences/s3transfer=$(ls "$work"/site/s3transfer-*.dist-info/LICENSE.txt)" "licences/jmespath=$(ls "$work"/site/jmespath-*.dist-info/LICENSE*)" \
	"licences/dateutil=$(ls "$work"/site/python_dateutil-*.dist-info/LICENSE)" "licences/six=$(ls "$work"/site/six-*.dist-info/LICENSE)" \
	"licences/urllib3=$(ls "$work"/site/urllib3-*.dist-info/LICENSE.txt)" "licences/futures=$(ls "$work"/site/futures-*.dist-info/LICENSE)" \
	"licences/zlib=$work/deps/zlib/LICENSE" "licences/bzip2=$work/deps/bzip2/LICENSE" "licences/expat=$work/src/Modules/expat/COPYING" \
	"licences/wasi-libc=$sysroot/share/doc/wasi-libc/copyright"

stage "compressing"
zstd -q -19 -f "$work/wasm/thaw.wasm" -o "$here/../python27.wasm.zst"
zstd -q -19 -f "$work/python27.zip" -o "$here/../python27.zip.zst"
python3 "$here/../../toolchain/lock.py" "$here/../python27.lock.json" --root "$here/../.." \
	--inputs python27/build python27/guest toolchain --sources "$here/sources.sh" "$here/../../toolchain/setup.sh" \
	--outputs "python27/python27.wasm.zst=$work/wasm/thaw.wasm" "python27/python27.zip.zst=$work/python27.zip" \
	--tools "clang-19 --version" "wasm-ld-19 --version" "wasm-opt --version" "zstd --version"

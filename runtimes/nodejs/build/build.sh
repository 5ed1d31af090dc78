#!/usr/bin/env bash
# Builds the Node.js guest: ../nodejs20.wasm.zst, ../nodejs20.zip.zst, ../nodejs20-aws.zip.zst and their lock file
# ../nodejs20.lock.json.
#
# Needs Debian 12 and root (it installs what is missing). Everything happens below THAW_BUILD_DIR (default
# ~/.cache/thaw-build). The outputs depend only on the pinned inputs and the files of this folder, ../guest and ../../toolchain.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../../toolchain/fetch.sh"
. "$here/sources.sh"
export LC_ALL=C TZ=UTC SOURCE_DATE_EPOCH=315532800

missing=
for p in zstd binaryen python3 gcc libc6-dev; do
	dpkg-query -W -f '${Status}' "$p" 2>/dev/null | grep -q 'install ok installed' || missing+=" $p"
done
if [ -n "$missing" ]; then
	apt-get -q update >&2
	DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends $missing >&2
fi
sysroot=$("$here/../../toolchain/setup.sh")

work=$THAW_BUILD_DIR/nodejs20
guest=$here/../guest
stage() { echo "== $*" >&2; }

stage "sources"
qjs_deb=$(package_quickjs)
node_tar=$(source_node)
llhttp_tar=$(source_llhttp)
undici_tar=$(package_undici)
if [ ! -e "$work/src/done" ]; then
	rm -rf "$work/src"
	mkdir -p "$work/src/node"
	dpkg -x "$qjs_deb" "$work/src/qjs"
	tar xf "$node_tar" -C "$work/src/node" --strip-components=1 --wildcards '*/lib/*' '*/LICENSE'
	touch "$work/src/done"
fi
if [ ! -e "$work/llhttp/done" ]; then
	rm -rf "$work/llhttp"
	mkdir -p "$work/llhttp"
	tar xf "$llhttp_tar" -C "$work/llhttp" --strip-components=3 --wildcards '*/vendor/llhttp/build/*' '*/vendor/llhttp/src/native/*' '*/vendor/llhttp/LICENSE-MIT'
	touch "$work/llhttp/done"
fi
if [ ! -e "$work/undici/done" ]; then
	rm -rf "$work/undici"
	mkdir -p "$work/undici"
	tar xf "$undici_tar" -C "$work/undici" --strip-components=1
	touch "$work/undici/done"
fi
# The engine is compiled as it is, but for the wording of some errors and two hooks of promises.
qjs=$work/quickjs
rm -rf "$qjs"
cp -r "$work/src/qjs/usr/src/quickjs-ng" "$qjs"
sed -i -f "$here/messages.sed" "$qjs/quickjs.c"
sed -i -f "$here/hooks.sed" "$qjs/quickjs.c"
[ "$(grep -cE 'THAW_(REACTION|THENABLE)\(ctx, (handler|args)\);' "$qjs/quickjs.c")" = 2 ]
stack=2097152 # bytes of C stack, below everything else, so that its overflow traps

stage "guest"
flags=(--target=wasm32-wasi --sysroot="$sysroot" -isystem "$sysroot/include/wasm32-wasi" -O2 -g0 -std=gnu11
	-mbulk-memory -mnontrapping-fptoint -msign-ext -mmutable-globals
	-fwrapv -funsigned-char -fno-strict-aliasing -fvisibility=hidden -ffunction-sections -fdata-sections
	-ffile-prefix-map="$work"=/build -ffile-prefix-map="$guest"=/build/guest
	-DNDEBUG -D_GNU_SOURCE -DTHAW_STACK=$stack -I"$work/engine" -I"$qjs" -I"$work/llhttp/build" -I"$work/llhttp/src/native")
mkdir -p "$work/obj" "$work/engine"
# thaw.c brings its own definitions of these two (guest/heap.c).
sed -e '/^#define JS_REF_COUNT(p)/d' -e '/^#define JS_GC_MARK(p)/d' "$qjs/quickjs.c" >"$work/engine/quickjs.c"
[ "$(diff "$qjs/quickjs.c" "$work/engine/quickjs.c" | grep -c '^<')" = 2 ]
for f in libregexp libunicode dtoa; do clang-19 "${flags[@]}" -w -c "$qjs/$f.c" -o "$work/obj/$f.o"; done
for f in build/c/llhttp src/native/api src/native/http; do clang-19 "${flags[@]}" -w -c "$work/llhttp/$f.c" -o "$work/obj/llhttp_$(basename "$f").o"; done
clang-19 "${flags[@]}" -w -Werror=implicit-function-declaration -Werror=int-conversion -c "$guest/thaw.c" -o "$work/obj/thaw.o"
# clang would run any wasm-opt that it finds on PATH, /bin included: keep it out and run it ourselves.
mkdir -p "$work/bin"
ln -sf "$(command -v wasm-ld-19)" "$work/bin/wasm-ld-19"
PATH=$work/bin /usr/lib/llvm-19/bin/clang "${flags[@]}" -mexec-model=reactor -Wl,--stack-first -Wl,-z,stack-size=$stack -Wl,--gc-sections \
	-Wl,--strip-debug -o "$work/linked.wasm" "$work"/obj/{thaw,libregexp,libunicode,dtoa,llhttp_llhttp,llhttp_api,llhttp_http}.o -lm
wasm-opt -O3 --low-memory-unused --enable-bulk-memory --enable-sign-ext --enable-nontrapping-float-to-int --enable-mutable-globals \
	"$work/linked.wasm" -o "$work/thaw.wasm"

stage "library"
gcc -O1 -w -D_GNU_SOURCE -DNDEBUG -I"$qjs" -o "$work/pack" "$here/pack.c" "$qjs"/{quickjs,libregexp,libunicode,dtoa}.c -lm -lpthread
rm -rf "$work/library"
mkdir -p "$work/library"
{
	arguments="exports, require, module, process, internalBinding, primordials"
	# What has no use here: test runner, interactive prompt, inspector, the bundled npm packages, and Node's own start and loaders.
	(cd "$work/src/node/lib" && find . -name '*.js' | sed 's#^\./##; s#\.js$##' | sort |
		grep -vE '^(test|sea|repl|wasi|inspector|cluster|trace_events|module|internal/(deps/(undici|acorn|npm|minimatch)|test_runner|main|repl|policy|cluster|debugger|inspector|quic|bootstrap|v8_prof|wasm|legacy))') |
		while read -r id; do
			case $id in
			internal/per_context/*) printf '%s\texports, primordials, privateSymbols, perIsolateSymbols\t%s\n' "$id" "$work/src/node/lib/$id.js" ;;
			*) printf '%s\t%s\t%s\n' "$id" "$arguments" "$work/src/node/lib/$id.js" ;;
			esac
		done
	rm -rf "$work/undici-lib"
	python3 "$here/undici.py" "$work/undici" "$work/undici-lib" "$arguments"
	for f in "$guest"/node/*.js; do
		id=$(basename "$f" .js)
		[ "$id" = bootstrap ] && printf 'thaw/%s\thost\t%s\n' "$id" "$f" || printf 'thaw/%s\t%s, host\t%s\n' "$id" "$arguments" "$f"
	done
} >"$work/library.list"
"$work/pack" "$work/library" <"$work/library.list"
python3 "$here/image.py" "$work/nodejs20.zip" node "$work/library" "QuickJS-NG=$work/src/qjs/usr/share/doc/qjs-src/copyright" "Node.js=$work/src/node/LICENSE" "llhttp=$work/llhttp/LICENSE-MIT" "undici=$work/undici/LICENSE"

stage "AWS SDKs"
rm -rf "$work/aws"
mkdir -p "$work/aws"
python3 "$here/aws.py" "$(npm_packages "$here/sdk")" "$work/aws" "$work/aws.list"
"$work/pack" "$work/aws" <"$work/aws.list"
python3 "$here/image.py" "$work/nodejs20-aws.zip" node_modules "$work/aws"

stage "compressing"
zstd -q -19 -f "$work/thaw.wasm" -o "$here/../nodejs20.wasm.zst"
zstd -q -19 -f "$work/nodejs20.zip" -o "$here/../nodejs20.zip.zst"
zstd -q -19 --long=27 -f "$work/nodejs20-aws.zip" -o "$here/../nodejs20-aws.zip.zst"
chmod 644 "$here/../nodejs20.wasm.zst" "$here/../nodejs20.zip.zst" "$here/../nodejs20-aws.zip.zst" # zstd hands on the mode of what it compresses
python3 "$here/../../toolchain/lock.py" "$here/../nodejs20.lock.json" --root "$here/../.." \
	--inputs nodejs/build nodejs/guest toolchain --sources "$here/sources.sh" "$here/../../toolchain/setup.sh" \
	--outputs "nodejs/nodejs20.wasm.zst=$work/thaw.wasm" "nodejs/nodejs20.zip.zst=$work/nodejs20.zip" "nodejs/nodejs20-aws.zip.zst=$work/nodejs20-aws.zip" \
	--tools "clang-19 --version" "wasm-ld-19 --version" "wasm-opt --version" "zstd --version"

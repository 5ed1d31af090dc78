#!/usr/bin/env bash
# Prepares the wasm32-wasi toolchain: see README.md. Prints the path of the sysroot.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/fetch.sh"

needed=(clang-19 lld-19 llvm-19 libclang-rt-19-dev-wasm32 make gcc xz-utils dpkg-dev ca-certificates pkg-config)
missing=()
for p in "${needed[@]}"; do
	dpkg-query -W -f '${Status}' "$p" 2>/dev/null | grep -q 'install ok installed' || missing+=("$p")
done
if [ ${#missing[@]} -gt 0 ]; then
	apt-get -q update >&2
	DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends "${missing[@]}" >&2
fi

sysroot=$THAW_BUILD_DIR/sysroot
deb=$(fetch_deb wasi-libc trixie wasi-libc_0.0~git20241209.574b88d-2_all.deb b7716260051d289248b7667f81fa2792c125d888ff51da3fa09c6272cc0bd11d) # MIT, Apache-2.0 with LLVM exception
if [ ! -e "$sysroot/.from-$(basename "$deb")" ]; then
	rm -rf "$sysroot"
	mkdir -p "$sysroot"
	dpkg -x "$deb" "$sysroot"
	touch "$sysroot/.from-$(basename "$deb")"
fi
echo "$sysroot/usr"

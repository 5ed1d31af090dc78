#!/usr/bin/env bash
# Fetches the source package that the Node.js guest is built from and prints the folder of its tests.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../../runtimes/toolchain/fetch.sh"
. "$here/../../runtimes/nodejs/build/sources.sh"
suite=$THAW_BUILD_DIR/nodejs20-suite
tar=$(source_node)
if [ ! -e "$suite/done" ]; then
	rm -rf "$suite"
	mkdir -p "$suite"
	tar xf "$tar" -C "$suite" --strip-components=1 --wildcards '*/test/common*' '*/test/parallel*' '*/test/fixtures*'
	touch "$suite/done"
fi
echo "$suite/test"

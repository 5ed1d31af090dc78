#!/usr/bin/env bash
# Fetches the source package that the Python guest is built from and prints the folder of its tests.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../../runtimes/toolchain/fetch.sh"
. "$here/../../runtimes/python/build/sources.sh"
suite=$THAW_BUILD_DIR/python313-suite
tar=$(source_python313)
if [ ! -e "$suite/done" ]; then
	rm -rf "$suite"
	mkdir -p "$suite"
	tar xf "$tar" -C "$suite" --strip-components=1 --wildcards '*/Lib/test/*'
	touch "$suite/done"
fi
echo "$suite/Lib/test"

# Pinned inputs of the Node.js guest; to be sourced after runtimes/toolchain/fetch.sh. A licence stands beside each.
package_quickjs() { fetch_deb qjs-src sid qjs-src_0.17.0-1_all.deb 04631979bdadaccffd76c1cb0aff5d07389aa889a90b6a902eba858a3a3b3988; } # MIT
source_node() { fetch_source nodejs trixie nodejs_20.19.2+dfsg.orig.tar.xz 5e5559381ad031d245a8efa403458abbb73755f74c3e6380f185a4dd342b7949; } # MIT (lib/; each file's own terms stand in it)
source_llhttp() { fetch_sdist aiohttp 3.11.18 aiohttp-3.11.18.tar.gz ae856e1138612b7e412db63b7708735cff4d38d0399f6a5435d3dac2669f558a; } # of it, vendor/llhttp: MIT
package_undici() { fetch_npm undici 6.21.2 undici-6.21.2.tgz 6c3c10bb412ddaf8bf1967887f56bf52b699e2755b20bb50ededa85eeb937c96; } # MIT

# fetch_sdist PACKAGE VERSION FILE SHA256 -> path on stdout: the source of a Python package.
fetch_sdist() {
	local package=$1 version=$2 file=$downloads/$3 sha=$4
	if ! verified "$file" "$sha"; then
		python3 -m pip download -q --disable-pip-version-check --no-deps --no-binary :all: -d "$downloads" "$package==$version" >&2
		verified "$file" "$sha" || fail "$package: $3 is not the pinned file"
	fi
	echo "$file"
}

# fetch_npm PACKAGE VERSION FILE SHA256 -> path on stdout
fetch_npm() {
	local package=$1 version=$2 file=$downloads/$3 sha=$4
	if ! verified "$file" "$sha"; then
		(cd "$downloads" && npm pack --silent "$package@$version" >&2)
		verified "$file" "$sha" || fail "$package: $3 is not the pinned file"
	fi
	echo "$file"
}

# npm_packages FOLDER -> a node_modules folder with the packages that FOLDER/package-lock.json pins by their hashes. Needs npm;
# nothing of the packages is run.
npm_packages() {
	local sum target
	sum=$(sha256sum "$1/package-lock.json" | cut -c1-16)
	target=$THAW_BUILD_DIR/npm-$sum
	if [ ! -e "$target/done" ]; then
		command -v npm >/dev/null || fail "npm is needed to fetch the AWS SDKs"
		rm -rf "$target"
		mkdir -p "$target"
		cp "$1/package.json" "$1/package-lock.json" "$target"
		(cd "$target" && npm ci --ignore-scripts --no-audit --no-fund >&2)
		touch "$target/done"
	fi
	echo "$target/node_modules"
}

# Pinned inputs of the Python 2.7 guest; to be sourced after runtimes/toolchain/fetch.sh.
# The sources are pristine upstream tarballs out of Debian source packages. A licence stands beside each.
source_python27() { fetch_source python2.7 bullseye python2.7_2.7.18.orig.tar.gz da3080e3b488f648a3d7a4560ddee895284c3380b11d6de75edb986526b9a814; } # PSF-2.0
source_zlib() { fetch_source zlib trixie zlib_1.3.dfsg+really1.3.1.orig.tar.gz 60dd315c07f616887caa029408308a018ace66e3d142726a97db164b3b8f69fb; } # Zlib
source_bzip2() { fetch_source bzip2 trixie bzip2_1.0.8.orig.tar.gz ab5a03176ee106d3f0fa90e381da478ddae405918153cca248e682cd0c4a2269; } # bzip2-1.0.6
source_sqlite() { fetch_source sqlite3 trixie sqlite3_3.46.1.orig.tar.xz d0cdd2ece271b29e7ce18095745d892517ee26d0f270065b3a25c2e9eb11639c; } # public domain

# The last wheels for Python 2.7 differ from those that this machine's Python would take.
fetch_wheel() {
	local package=$1 version=$2 file=$downloads/$3 sha=$4
	if ! verified "$file" "$sha"; then
		python3 -m pip download -q --disable-pip-version-check --no-deps --only-binary :all: --python-version 27 --implementation py -d "$downloads" "$package==$version" >&2
		verified "$file" "$sha" || fail "$package: $3 is not the pinned file"
	fi
	echo "$file"
}

# boto3 of the last version for Python 2.7, and what it needs.
wheel_boto3() { fetch_wheel boto3 1.17.112 boto3-1.17.112-py2.py3-none-any.whl 8716465313c50ad9e5c2ac1767642ca0ddf7d1729c3d5c884d82880c1a15a310; } # Apache-2.0
wheel_botocore() { fetch_wheel botocore 1.20.112 botocore-1.20.112-py2.py3-none-any.whl 6d51de0981a3ef19da9e6a3c73b5ab427e3c0c8b92200ebd38d087299683dd2b; } # Apache-2.0
wheel_s3transfer() { fetch_wheel s3transfer 0.4.2 s3transfer-0.4.2-py2.py3-none-any.whl 9b3752887a2880690ce628bc263d6d13a3864083aeacff4890c1c9839a5eb0bc; } # Apache-2.0
wheel_jmespath() { fetch_wheel jmespath 0.10.0 jmespath-0.10.0-py2.py3-none-any.whl cdf6525904cc597730141d61b36f2e4b8ecc257c420fa2f4549bac2c2d0cb72f; } # MIT
wheel_dateutil() { fetch_wheel python-dateutil 2.9.0.post0 python_dateutil-2.9.0.post0-py2.py3-none-any.whl a8b2bc7bffae282281c8140a97d3aa9c14da0b136dfe83f850eea9a5f7470427; } # Apache-2.0 or BSD-3-Clause
wheel_six() { fetch_wheel six 1.17.0 six-1.17.0-py2.py3-none-any.whl 4721f391ed90541fddacab5acf947aa0d3dc7d27b2e1e8eda2be8970586c3274; } # MIT
wheel_urllib3() { fetch_wheel urllib3 1.26.20 urllib3-1.26.20-py2.py3-none-any.whl 0ed14ccfbf1c30a9072c7ca157e4319b70d65f623e91e7b32fadb2853431016e; } # MIT
wheel_futures() { fetch_wheel futures 3.4.0 futures-3.4.0-py2-none-any.whl 5ec20fa8bdccf96ac9bf9fb2473f51b14c117db638aa8a4a6c27b43532a0efe9; } # PSF-2.0

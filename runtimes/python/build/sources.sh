# Pinned inputs of the Python guest; to be sourced after runtimes/toolchain/fetch.sh.
# The sources are pristine upstream tarballs out of Debian source packages. A licence stands beside each.
source_python313() { fetch_source python3.13 trixie python3.13_3.13.5.orig.tar.xz 93e583f243454e6e9e4588ca2c2662206ad961659863277afcdb96801647d640; } # PSF-2.0
source_zlib() { fetch_source zlib trixie zlib_1.3.dfsg+really1.3.1.orig.tar.gz 60dd315c07f616887caa029408308a018ace66e3d142726a97db164b3b8f69fb; } # Zlib
source_bzip2() { fetch_source bzip2 trixie bzip2_1.0.8.orig.tar.gz ab5a03176ee106d3f0fa90e381da478ddae405918153cca248e682cd0c4a2269; } # bzip2-1.0.6
source_xz() { fetch_source xz-utils trixie xz-utils_5.8.1.orig.tar.xz 0b54f79df85912504de0b14aec7971e3f964491af1812d83447005807513cd9e; } # 0BSD (liblzma)
source_sqlite() { fetch_source sqlite3 trixie sqlite3_3.46.1.orig.tar.xz d0cdd2ece271b29e7ce18095745d892517ee26d0f270065b3a25c2e9eb11639c; } # public domain
source_yyjson() { fetch_source yyjson trixie yyjson_0.10.0+ds.orig.tar.xz ae6fde69a193e10afab426ef13f113d6903446405f9db9ee98bfb572bd6c961a; } # MIT
tzdata() { fetch_wheel tzdata 2026.6 tzdata-2026.6-py2.py3-none-any.whl 0a10eec6e13ef16b627fabed9a5f2ba61a62b1c67f327305f4e7e412a70b4aec; } # Apache-2.0; the data: public domain

# boto3 as Lambda has it built in, and what it needs.
wheel_boto3() { fetch_wheel boto3 1.44.8 boto3-1.44.8-py3-none-any.whl 099caf21553bbbfef118904aa02fadb8776a534704cf00bede0ed9f29a4da88e; } # Apache-2.0
wheel_botocore() { fetch_wheel botocore 1.44.8 botocore-1.44.8-py3-none-any.whl 76342a76c338701db80dcb8afe1c9bd079283d6fffbb9d881442abb02a215043; } # Apache-2.0
wheel_s3transfer() { fetch_wheel s3transfer 0.19.3 s3transfer-0.19.3-py3-none-any.whl 24eb7535804306355e31c952a90022bf5b2f9d760f9a11062c7493a217c08553; } # Apache-2.0
wheel_jmespath() { fetch_wheel jmespath 1.1.0 jmespath-1.1.0-py3-none-any.whl a5663118de4908c91729bea0acadca56526eb2698e83de10cd116ae0f4e97c64; } # MIT
wheel_dateutil() { fetch_wheel python-dateutil 2.9.0.post0 python_dateutil-2.9.0.post0-py2.py3-none-any.whl a8b2bc7bffae282281c8140a97d3aa9c14da0b136dfe83f850eea9a5f7470427; } # Apache-2.0 or BSD-3-Clause
wheel_six() { fetch_wheel six 1.17.0 six-1.17.0-py2.py3-none-any.whl 4721f391ed90541fddacab5acf947aa0d3dc7d27b2e1e8eda2be8970586c3274; } # MIT
wheel_urllib3() { fetch_wheel urllib3 2.8.0 urllib3-2.8.0-py3-none-any.whl 0cf3cae568d36aa9576b28dfb35f11328f1cb974ca7647d9475ebb86c75ac6e3; } # MIT

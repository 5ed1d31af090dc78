# Pinned inputs of the Python guest; to be sourced after runtimes/toolchain/fetch.sh.
# The sources are pristine upstream tarballs out of Debian source packages. A licence stands beside each.
source_python313() { fetch_source python3.13 trixie python3.13_3.13.5.orig.tar.xz 93e583f243454e6e9e4588ca2c2662206ad961659863277afcdb96801647d640; } # PSF-2.0
source_zlib() { fetch_source zlib trixie zlib_1.3.dfsg+really1.3.1.orig.tar.gz 60dd315c07f616887caa029408308a018ace66e3d142726a97db164b3b8f69fb; } # Zlib
source_bzip2() { fetch_source bzip2 trixie bzip2_1.0.8.orig.tar.gz ab5a03176ee106d3f0fa90e381da478ddae405918153cca248e682cd0c4a2269; } # bzip2-1.0.6
source_xz() { fetch_source xz-utils trixie xz-utils_5.8.1.orig.tar.xz 0b54f79df85912504de0b14aec7971e3f964491af1812d83447005807513cd9e; } # 0BSD (liblzma)
source_sqlite() { fetch_source sqlite3 trixie sqlite3_3.46.1.orig.tar.xz d0cdd2ece271b29e7ce18095745d892517ee26d0f270065b3a25c2e9eb11639c; } # public domain
tzdata() { fetch_wheel tzdata 2026.6 tzdata-2026.6-py2.py3-none-any.whl 0a10eec6e13ef16b627fabed9a5f2ba61a62b1c67f327305f4e7e412a70b4aec; } # Apache-2.0; the data: public domain

# Pinned inputs of the Python 2.7 guest; to be sourced after runtimes/toolchain/fetch.sh.
# The sources are pristine upstream tarballs out of Debian source packages. A licence stands beside each.
source_python27() { fetch_source python2.7 bullseye python2.7_2.7.18.orig.tar.gz da3080e3b488f648a3d7a4560ddee895284c3380b11d6de75edb986526b9a814; } # PSF-2.0
source_zlib() { fetch_source zlib trixie zlib_1.3.dfsg+really1.3.1.orig.tar.gz 60dd315c07f616887caa029408308a018ace66e3d142726a97db164b3b8f69fb; } # Zlib
source_bzip2() { fetch_source bzip2 trixie bzip2_1.0.8.orig.tar.gz ab5a03176ee106d3f0fa90e381da478ddae405918153cca248e682cd0c4a2269; } # bzip2-1.0.6
source_sqlite() { fetch_source sqlite3 trixie sqlite3_3.46.1.orig.tar.xz d0cdd2ece271b29e7ce18095745d892517ee26d0f270065b3a25c2e9eb11639c; } # public domain

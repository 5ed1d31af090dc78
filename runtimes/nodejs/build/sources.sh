# Pinned inputs of the Node.js guest; to be sourced after runtimes/toolchain/fetch.sh. A licence stands beside each.
package_quickjs() { fetch_deb qjs-src sid qjs-src_0.17.0-1_all.deb 04631979bdadaccffd76c1cb0aff5d07389aa889a90b6a902eba858a3a3b3988; } # MIT
source_node() { fetch_source nodejs trixie nodejs_20.19.2+dfsg.orig.tar.xz 5e5559381ad031d245a8efa403458abbb73755f74c3e6380f185a4dd342b7949; } # MIT (lib/; each file's own terms stand in it)

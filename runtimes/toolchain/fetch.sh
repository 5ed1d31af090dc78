# Functions to fetch pinned packages; to be sourced. Needs THAW_BUILD_DIR.
#
# A private apt configuration reads the suites that the pinned packages come from, without touching the system's own.
: "${THAW_BUILD_DIR:=$HOME/.cache/thaw-build}"
export THAW_BUILD_DIR
downloads="$THAW_BUILD_DIR/downloads"
mkdir -p "$downloads"

fail() { echo "error: $*" >&2; exit 1; }

private_apt() {
	local root="$THAW_BUILD_DIR/apt" mirror
	mkdir -p "$root/state/lists/partial" "$root/cache/archives/partial"
	if [ ! -s "$root/sources.list" ]; then
		mirror=$(sed -n 's/^URIs: *//p' /etc/apt/sources.list.d/*.sources 2>/dev/null | head -n 1)
		[ -n "$mirror" ] || mirror=$(sed -n 's/^deb \(\[[^]]*\] \)\?\([^ ]*\).*/\2/p' /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null | head -n 1)
		[ -n "$mirror" ] || fail "no Debian mirror is configured on this machine"
		local suite
		for suite in bullseye bookworm trixie forky sid; do
			echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main"
			echo "deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main"
		done >"$root/sources.list"
		touch "$root/fresh"
	fi
	apt_options=(-q -o "Dir::Etc::sourcelist=$root/sources.list" -o Dir::Etc::sourceparts=/dev/null -o "Dir::State=$root/state"
		-o "Dir::Cache=$root/cache" -o Dir::State::status=/dev/null -o APT::Sandbox::User=root -o APT::Get::Download-Only=true)
	if [ -e "$root/fresh" ] || [ ! -e "$root/updated" ]; then
		apt-get "${apt_options[@]}" update >&2
		rm -f "$root/fresh"
		touch "$root/updated"
	fi
}

verified() { [ -f "$1" ] && echo "$2  $1" | sha256sum --check --status; }

# fetch_deb PACKAGE SUITE FILE SHA256 -> path on stdout
fetch_deb() {
	local package=$1 suite=$2 file=$downloads/$3 sha=$4
	if ! verified "$file" "$sha"; then
		private_apt
		(cd "$downloads" && rm -f "${package}"_*.deb && apt-get "${apt_options[@]}" download "$package/$suite" >&2)
		local got
		got=$(ls "$downloads/${package}"_*.deb)
		[ "$got" = "$file" ] || mv "$got" "$file"
		verified "$file" "$sha" || fail "$package: the mirror's package is not the pinned one ($(sha256sum "$file" | cut -d' ' -f1), want $sha)"
	fi
	echo "$file"
}

# fetch_source PACKAGE SUITE FILE SHA256 -> path on stdout. FILE is one of the files of the source package; the others are
# not fetched.
fetch_source() {
	local package=$1 suite=$2 file=$downloads/$3 sha=$4 uri
	if ! verified "$file" "$sha"; then
		private_apt
		uri=$(apt-get "${apt_options[@]}" source --print-uris --only-source "$package/$suite" | awk -v file="$3" '$2 == file { gsub("\047", "", $1); print $1 }')
		[ -n "$uri" ] || fail "$package: $suite has no $3 any more"
		rm -f "$file"
		/usr/lib/apt/apt-helper "${apt_options[@]}" download-file "$uri" "$file" "SHA256:$sha" >&2
		verified "$file" "$sha" || fail "$package: $3 is not the pinned file"
	fi
	echo "$file"
}

# fetch_wheel PACKAGE VERSION FILE SHA256 -> path on stdout: a Python package without code for any machine in particular.
fetch_wheel() {
	local package=$1 version=$2 file=$downloads/$3 sha=$4
	if ! verified "$file" "$sha"; then
		python3 -m pip download -q --disable-pip-version-check --no-deps --only-binary :all: -d "$downloads" "$package==$version" >&2
		verified "$file" "$sha" || fail "$package: $3 is not the pinned file"
	fi
	echo "$file"
}

#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# fetch-source.sh PACKAGE DIRECTORY
#
# Unpack Debian's source package PACKAGE, patched as Debian patches it, into
# DIRECTORY (which must not exist).  The files come from the cache in
# ${XDG_CACHE_HOME:-~/.cache}/kiln/sources if it has them, else from the
# machine's own Debian mirror.  apt gets a private configuration: the system's
# sources.list is neither needed to name deb-src nor touched.
set -eu
package=$1 dest=$2
cache=${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/kiln/sources
die() { echo "fetch-source: $package: $*" >&2; exit 1; }

command -v dpkg-source >/dev/null || die "dpkg-source is missing: apt-get install dpkg-dev"

# The .dsc names the other files with their digests.
dsc_is_whole() {
	[ -f "$1" ] || return 1
	awk '/^[A-Z]/ { on = /^Checksums-Sha256:/ ; next } on && NF == 3 { print $1 "  " $3 }' "$1" |
		(cd "$(dirname "$1")" && sha256sum --check --status)
}

download() {
	work=$(mktemp -d "${TMPDIR:-/tmp}/kiln-apt.XXXXXX")
	trap 'rm -rf "$work"' EXIT
	# No place to keep it is no reason to fail.
	mkdir -p "$cache" 2>/dev/null && [ -w "$cache" ] || cache=$work/kept
	. /etc/os-release
	uri=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' "Codename: $VERSION_CODENAME" 2>/dev/null |
		head -n 1)
	key=/usr/share/keyrings/debian-archive-keyring.gpg
	mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$work/src"
	echo "deb-src [signed-by=$key] ${uri:-http://deb.debian.org/debian} $VERSION_CODENAME main" > "$work/sources.list"
	cat > "$work/apt.conf" <<-CONF
		Dir::Etc::SourceList "$work/sources.list";
		Dir::Etc::SourceParts "/dev/null";
		Dir::State::Lists "$work/lists";
		Dir::Cache "$work/cache";
		Acquire::Languages "none";
		APT::Sandbox::User "$(id -un)";
	CONF
	export APT_CONFIG="$work/apt.conf"
	apt-get -q=2 update >&2 || die "cannot read the package lists of ${uri:-deb.debian.org}"
	(cd "$work/src" && apt-get -q=2 source --download-only "$package" >&2) || die "no such source package on the mirror"
	mkdir -p "$cache/$package.new.$$"
	cp "$work/src"/* "$cache/$package.new.$$/"
	rm -rf "$cache/$package"
	mv "$cache/$package.new.$$" "$cache/$package"
}

dsc=$(ls "$cache/$package"/*.dsc 2>/dev/null | tail -n 1)
if ! dsc_is_whole "${dsc:-/nonexistent}"; then
	download
	dsc=$(ls "$cache/$package"/*.dsc | tail -n 1)
	dsc_is_whole "$dsc" || die "downloaded files do not have the digests that $dsc names"
fi
mkdir -p "$(dirname "$dest")"
# apt has verified the signature; dpkg-source's own check wants keys of single developers.
dpkg-source --no-check -x "$dsc" "$dest" >/dev/null || die "dpkg-source failed"

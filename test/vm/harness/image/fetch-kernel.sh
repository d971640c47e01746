#!/bin/sh
# fetch-kernel.sh 6.12|6.1 CACHE
# Downloads Debian's newest generic kernel of a series, unless the cache has it, and unpacks it to
# CACHE/PACKAGE/kernel. Prints PACKAGE. The package is never installed. (The cloud flavour lacks 9p.)
set -eu
series=$1 cache=$2
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$cache"
exec 9>"$cache/fetch.lock"
flock 9

package=$(apt-cache pkgnames "linux-image-$series." |
  grep -E '^linux-image-[0-9.]+(-[0-9]+)?(\+(deb|bpo)[0-9]+)?-amd64-unsigned$' | sort -V | tail -n 1)
if [ -z "$package" ]; then
  echo "cannot find a package linux-image-$series.*-amd64-unsigned: apt knows none (run scripts/setup.d/vm, or 'apt-get update')" >&2
  exit 1
fi
if [ ! -d "$cache/$package/kernel" ]; then
  echo "fetching $package into $cache: the virtual machine of the tests boots it" >&2
  rm -rf "${cache:?}/$package"
  mkdir -p "$cache/$package"
  if ! (cd "$cache/$package" && apt-get -q -o APT::Sandbox::User=root download "$package" >download.log 2>&1); then
    cat "$cache/$package/download.log" >&2
    rm -rf "${cache:?}/$package"
    echo "cannot download the package $package (see apt-get's message above; is the network or a mirror away?)" >&2
    exit 1
  fi
  "$here/unpack-kernel.sh" "$cache/$package"/linux-image-*.deb "$cache/$package/kernel"
  rm -f "$cache/$package"/linux-image-*.deb "$cache/$package/download.log"
  find "$cache" -maxdepth 1 -name "linux-image-$series.*" ! -name "$package" -mtime +14 -exec rm -rf {} +
fi
echo "$package"

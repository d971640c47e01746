#!/bin/sh
# unpack-kernel.sh PACKAGE.deb DIRECTORY
# Makes DIRECTORY/{vmlinuz,version,lib/modules/VERSION} from Debian's kernel package, which is never installed.
set -eu
PATH=$PATH:/usr/sbin:/sbin
package=$1 directory=$2
unpacked=$directory.unpacking
rm -rf "$unpacked"
mkdir -p "$unpacked"
dpkg -x "$package" "$unpacked"
version=$(ls "$unpacked/lib/modules")
kernel=$unpacked/lib/modules/$version/kernel
# Drivers for hardware that the guest has not; they would only make depmod slow.
rm -rf "$kernel/sound"
find "$kernel/drivers" -mindepth 1 -maxdepth 1 ! -name net ! -name virtio ! -name block ! -name char ! -name vhost \
  -exec rm -rf {} +
for class in wireless ethernet usb can; do rm -rf "$kernel/drivers/net/$class"; done
depmod -b "$unpacked" "$version"
cp "$unpacked/boot/vmlinuz-$version" "$unpacked/vmlinuz"
echo "$version" >"$unpacked/version"
rm -rf "${unpacked:?}/boot" "${unpacked:?}/usr" "$directory"
mv "$unpacked" "$directory"

#!/bin/sh
# build-initrd.sh KERNEL_DIRECTORY MODULES_TXT INIT_SH INITRD
# Makes the initial RAM disk: busybox, the init script and the modules, decompressed and in the order of their loading.
set -eu
PATH=$PATH:/usr/sbin:/sbin
kernel=$1 modules=$2 init=$3 initrd=$4
version=$(cat "$kernel/version")
tree=$(mktemp -d "$initrd.XXXXXX")
trap 'rm -rf "$tree"' EXIT
mkdir -p "$tree/bin" "$tree/modules" "$tree/proc" "$tree/sys" "$tree/dev" "$tree/host" "$tree/writable" "$tree/new"
cp "$(command -v busybox)" "$tree/bin/busybox"
for applet in sh mount mkdir grep insmod ip stty switch_root; do ln -s busybox "$tree/bin/$applet"; done
cp "$init" "$tree/init"
chmod 755 "$tree/init"

# Prints the modules that a line of modules.txt names: those its pattern matches, or itself.
names() {
  case $1 in
  *'*'*) find "$kernel/lib/modules/$version/kernel" -name "$1.ko*" -printf '%f\n' | sed 's/\.ko.*//' | sort ;;
  *) echo "$1" ;;
  esac
}

# resolve STAGE: prints what modprobe would do for a stage's modules.
resolve() {
  sed -n "s/^$1 //p" "$modules" | while read -r pattern; do
    for name in $(names "${pattern#\?}"); do
      modprobe -d "$kernel" -S "$version" --show-depends "$name" 2>/dev/null && continue
      case $pattern in '?'*) continue ;; esac
      echo "the kernel $version has no module '$name', which $modules asks for" >&2
      exit 1
    done
  done
}

# order FILE: prints the module files in FILE, each once, what it depends on first.
order() {
  sed -n 's/^insmod \([^ ]*\).*/\1/p' "$1" | awk '!seen[$0]++'
}

resolve boot >"$tree/resolved"
order "$tree/resolved" >"$tree/boot"
resolve all >"$tree/resolved"
order "$tree/resolved" | grep -vxFf "$tree/boot" >"$tree/all"
rm "$tree/resolved"
for stage in boot all; do
  while read -r file; do
    plain=$(basename "$file" .xz)
    case $file in
    *.xz) xz -dc "$file" >"$tree/modules/$plain" ;;
    *) cp "$file" "$tree/modules/$plain" ;;
    esac
    echo "$plain"
  done <"$tree/$stage" >"$tree/modules/order.$stage"
  rm "$tree/$stage"
done
(cd "$tree" && find . | cpio -o -H newc --quiet) >"$initrd.part"
mv "$initrd.part" "$initrd"

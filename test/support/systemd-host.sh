#!/bin/bash
# The keeper of one test host: a private copy of a Debian tree that is booted
# by systemd-nspawn. Run by systemd-host.ts in a private mount namespace:
#
#   systemd-host.sh DIR TREE NAME [nspawn option...]
#
# TREE is copied to DIR/root, its /usr by hard links. Commands are read from stdin, one per line, and
# each is answered by one line:
#
#   boot [nspawn option...]  start the container  -> "leader PID", or "failed STATUS"
#   down  wait until it has powered off  -> "down STATUS"
#
# When stdin ends, which it also does when the test process is killed, all
# processes of the host are killed and DIR is removed.
set -euo pipefail

dir=$1 tree=$2 name=$3
shift 3
cgroup=/sys/fs/cgroup/${dir##*/}
boots=0
nspawn=

kill_container() {
  for file in "$cgroup"/*/cgroup.kill; do
    if [[ -e $file ]]; then echo 1 >"$file"; fi
  done
  if [[ -n $nspawn ]]; then wait "$nspawn" 2>/dev/null || true; fi
  nspawn=
}

# A loop device that outlives its mount is known by the inode of its file.
release_loop_devices() {
  local device inode
  losetup --list --noheadings --output NAME,BACK-INO | while read -r device inode; do
    if [[ -n $(find "$dir/root" -xdev -inum "$inode" -print -quit) ]]; then
      losetup --detach "$device" || true
    fi
  done
}

cleanup() {
  trap - EXIT
  set +e
  kill_container
  # Killed processes leave their cgroups a moment after their parent is gone.
  for ((try = 0; try < 100; try++)); do
    find "$cgroup" -depth -type d -exec rmdir {} \; 2>/dev/null
    [[ -e $cgroup ]] || break
    sleep 0.02
  done
  release_loop_devices
  rm --recursive --force --one-file-system "$dir"
}
trap cleanup EXIT
trap 'exit 1' HUP INT TERM

prepare() {
  # systemd needs the unified hierarchy, whatever the outer machine has.
  umount --recursive /sys/fs/cgroup 2>/dev/null || true
  mount -t cgroup2 cgroup2 /sys/fs/cgroup
  mkdir "$cgroup"
  # nspawn leaves directories behind here.
  mkdir -p /run/systemd/nspawn
  mount -t tmpfs -o mode=0755 tmpfs /run/systemd/nspawn
  local number
  for ((number = 0; number < 32; number++)); do
    mknod -m 0660 "/dev/loop$number" b 7 "$number" 2>/dev/null || true
  done
  copy_tree
}

# Files below /usr are shared with the tree by hard links, since copying them takes longer than a boot: nothing may write
# into one that is there. os-release, which hosts change, is their own; so is all that is not below /usr.
copy_tree() {
  local entry
  mkdir "$dir/root"
  chmod --reference="$tree" "$dir/root"
  for entry in "$tree"/*; do
    [[ $entry == "$tree/usr" ]] || cp --archive --reflink=auto --target-directory="$dir/root" "$entry"
  done
  # Links cannot lead to another file system.
  if cp --archive --link --target-directory="$dir/root" "$tree/usr" 2>/dev/null; then
    cp --archive --remove-destination "$tree/usr/lib/os-release" "$dir/root/usr/lib/os-release"
  else
    rm --recursive --force "$dir/root/usr"
    cp --archive --target-directory="$dir/root" "$tree/usr"
  fi
}

boot() {
  boots=$((boots + 1))
  local group=$cgroup/boot$boots leader device
  local options=()
  for device in /dev/loop*; do
    # Not the partitions of a loop device, /dev/loop0p1.
    if [[ $device =~ /loop([0-9]+|-control)$ ]]; then options+=("--bind=$device"); fi
  done
  mkdir "$group"
  (
    echo "$BASHPID" >"$group/cgroup.procs"
    # CAP_SYS_MODULE would only make systemd-modules-load.service fail.
    exec setpriv --pdeathsig KILL systemd-nspawn --quiet --boot \
      --directory="$dir/root" --machine="$name" \
      --register=no --keep-unit --console=pipe --link-journal=no \
      --capability=all --drop-capability=CAP_SYS_MODULE \
      --system-call-filter=@known --resolv-conf=off --timezone=off \
      "${options[@]}" "$@" </dev/null >>"$dir/console.log" 2>&1
  ) &
  nspawn=$!
  until leader=$(pgrep --parent "$nspawn" --exact systemd); do
    if ! kill -0 "$nspawn" 2>/dev/null; then
      answer_end failed
      return
    fi
    sleep 0.01
  done
  echo "leader $leader"
}

down() {
  local try
  for ((try = 0; try < 400; try++)); do
    if ! kill -0 "$nspawn" 2>/dev/null; then
      answer_end down
      return
    fi
    sleep 0.05
  done
  kill_container
  echo 'down 137'
}

answer_end() {
  local status=0
  wait "$nspawn" || status=$?
  nspawn=
  echo "$1 $status"
}

prepare
echo ready
while read -r command more; do
  case $command in
    # shellcheck disable=SC2086 # several options
    boot) boot "$@" $more ;;
    down) down ;;
  esac
done

#!/bin/sh
# What `sudo` means to packer on a build VM: any user, no password. Knows the options that scripts use.
user=root
group=
keeps_environment=
shell=
login=
while [ $# -gt 0 ]; do
  case $1 in
    -E | --preserve-env*) keeps_environment=yes ;;
    -n | -H | -k | -S | --non-interactive | --set-home) ;;
    -u | --user) user=$2 && shift ;;
    -u?*) user=${1#-u} ;;
    --user=*) user=${1#*=} ;;
    -g | --group) group=$2 && shift ;;
    --group=*) group=${1#*=} ;;
    -s | --shell) shell=yes ;;
    -i | --login) login=yes ;;
    -v | --validate) exit 0 ;;
    -l | --list) echo "User packer may run the following commands: (ALL : ALL) NOPASSWD: ALL" && exit 0 ;;
    -V | --version) echo "sudo of an emulated build VM" && exit 0 ;;
    --) shift && break ;;
    -[EnHkS]?*)
      # Several in one: the first is looked at by itself, the others next.
      rest=${1#??}
      first=${1%"$rest"}
      shift
      set -- _ "$first" "-$rest" "$@"
      ;;
    -*) echo "sudo: unknown option $1" >&2 && exit 1 ;;
    *) break ;;
  esac
  shift
done

entry=$(getent passwd "$user") || { echo "sudo: unknown user $user" >&2 && exit 1; }
home=$(echo "$entry" | cut -d: -f6)
[ -n "$shell$login" ] || [ $# -gt 0 ] || { echo "usage: sudo [-E] [-u user] command" >&2 && exit 1; }
[ $# -gt 0 ] || set -- /bin/sh
# The home may be open to its owner only.
[ -z "$login" ] || set -- sh -c 'cd && exec env "$@"' sh "$@"
# `env` takes the leading VAR=value as sudo does.
set -- USER="$user" LOGNAME="$user" SUDO_USER=packer SUDO_UID="$(id -ru)" SUDO_GID="$(id -rg)" "$@"
[ -n "$keeps_environment" ] || set -- -i HOME="$home" SHELL=/bin/sh TERM="${TERM:-dumb}" LANG="${LANG:-C.UTF-8}" \
  PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"
exec /usr/lib/build-vm/as-root --reuid "$user" --regid "${group:-$(echo "$entry" | cut -d: -f4)}" --init-groups env "$@"

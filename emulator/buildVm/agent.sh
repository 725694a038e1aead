# The first process of a build VM: does what it is told on its input, as the user packer, one thing at a time.
# Answers on descriptor 3: `ready`, then `<tag> <exit code>`, without a code when the session was cut off.
# It trusts nothing in the VM; it has no more rights than `sudo` gives there.
umask 022
ulimit -c 0
# Where no cgroup limits the processes, this at least limits packer's.
ulimit -p 1024 2>/dev/null || ulimit -u 1024
exec 5>&1

as_packer() {
  env -i PATH="$PATH" HOME=/home/packer USER=packer LOGNAME=packer SHELL=/bin/sh LANG=C.UTF-8 \
    setpriv --reuid packer --regid packer --init-groups "$@"
}

# Only the session's own shell holds descriptor 4: a daemon that a script leaves behind does not keep it open.
run() {
  as_packer sh -c 'cd; sh -c "$0" 4>&-; echo $? >&4' "$1" 4>&1 1>&5 5>&- 3>&- </dev/null
}

# Whatever happens to the file, its bytes are taken off the input.
put() {
  head -c "$1" | {
    as_packer sh -c 'cat >"$0"' "$2" >&5 3>&-
    code=$?
    cat >/dev/null
    echo "$code"
  }
}

echo ready >&3
while IFS=' ' read -r verb tag rest; do
  case $verb in
    run) code=$(run "$rest") ;;
    put) code=$(put ${rest%% *} "${rest#* }") ;;
  esac
  # Both streams end here for this command.
  echo "$tag"
  echo "$tag" >&2
  echo "$tag $code" >&3
done

# For ci/faults and ci/kill, which read this in the root of the repository: the command, a scratch folder, the shim.

command=$PWD/.build/debug/mixup-inference
[ -x "$command" ] || swift build --product mixup-inference
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
clang -shared -fPIC -O1 -Wall -Wextra -Werror -o "$scratch/faults.so" ci/shim/faults.c -ldl
export SWIFT_BACKTRACE=enable=no

# Runs the command in a folder, and lets its n-th change to the folder's files go wrong. Prints its status; what it
# said on standard error is in "$scratch/errors", the number of changes in "$scratch/count".
run() {  # folder, kind, n, words
  local folder=$1 kind=$2 at=$3
  shift 3
  local status=0
  (cd "$folder" && FAULT_ROOT=$folder FAULT_KIND=$kind FAULT_AT=$at FAULT_LOG=$scratch/count \
    LD_PRELOAD=$scratch/faults.so "$command" "$@" >"$scratch/said" 2>"$scratch/errors") 2>/dev/null || status=$?
  echo "$status"
}

# A digest of a result without what differs from run to run: times, in JSON, in columns of their own, and in the last
# column of a training's curve.
digest() {
  case $1 in
    *.csv) awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) time[i] = $1 == "model" && $i ~ /[sS]econds/ }
      { line = ""; for (i = 1; i <= NF; i++) if (!time[i]) line = line "," $i; print substr(line, 2) }' "$1" ;;
    *) cat "$1" ;;
  esac |
    sed -E 's/"[a-zA-Z]*[sS]econds[a-zA-Z]*"[ ]*:[ ]*[-+.0-9e]+,?//g; /^[0-9]+,.*,[-.e0-9]+$/s/,[^,]*$//' |
    sha256sum | cut -c1-16
}

fail() {
  echo "$0: $1" >&2
  sed 's/^/  /' "$scratch/errors" >&2
  exit 1
}

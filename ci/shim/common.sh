# For ci/cluster, ci/faults and ci/kill, which read this in the root of the repository: the command, a scratch folder,
# the shim.

. ci/shim/digest.sh
swift build --configuration release --product mixup-inference >&2
command=$PWD/.build/release/mixup-inference
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

fail() {
  echo "$0: $1" >&2
  sed 's/^/  /' "$scratch/errors" >&2
  exit 1
}

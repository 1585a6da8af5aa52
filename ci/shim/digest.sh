# Read by ci/faults, ci/kill and ci/package in the root of the repository.

# A digest of a result without what differs from run to run: times, in JSON, in columns of their own, in the last
# column of a training's curve, and in a page's row of its own.
digest() {
  case $1 in
    *.csv) awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) time[i] = $1 == "model" && $i ~ /[sS]econds/ }
      { line = ""; for (i = 1; i <= NF; i++) if (!time[i]) line = line "," $i; print substr(line, 2) }' "$1" ;;
    *) cat "$1" ;;
  esac |
    sed -E 's/"[a-zA-Z]*[sS]econds[a-zA-Z]*"[ ]*:[ ]*[-+.0-9e]+,?//g; /^[0-9]+,.*,[-.e0-9]+$/s/,[^,]*$//
      /<th scope="row">Wall-clock time of this run</d' |
    sha256sum | cut -c1-16
}

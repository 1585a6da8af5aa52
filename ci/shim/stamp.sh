# Read by ci/package and ci/stamp in the root of the repository.

# Copies a program with the revision of the sources in this folder, which --version shows.
stamp() {  # program, copy, objcopy's options...
  local revision
  revision=$(git rev-parse HEAD)
  # What is built has to be what the revision says; files that git does not know are sources too.
  [ -z "$(git status --porcelain)" ] || revision="$revision with changes"
  echo "$revision" >"$2.revision"
  objcopy "${@:3}" --remove-section .mixup.revision --add-section .mixup.revision="$2.revision" "$1" "$2"
  rm "$2.revision"
}

#!/usr/bin/env bash
# Library: sshfs 3.7.3 with the SFTP server of OpenSSH 9.2p1 (Debian 12)
# Guess: Of two computers that create the same file with O_CREAT | O_EXCL (`open(path, "x")` of Python), one has it and the
#   other is told EEXIST (FileExistsError), as POSIX says and as NFS does: a lock file tells who was first.
# Behaviour: One has it, but the other is told EPERM (PermissionError: Operation not permitted) in most races, and EEXIST
#   only where its mount looked after the file was made. A program that takes units of work by lock files ends as if
#   it might not write, and only under contention. SFTP's third version has no code for a file that is there; sshfs
#   makes EPERM of its general failure. (Of folders it looks again, and says EEXIST.)
# Seen: 2026-11-30, with its default options:
#   sshfs 3.7.3
#   2000 files, each made by one of the two
#   a file that was there long before: FileExistsError EEXIST
#   the other was told, of different files: FileExistsError EEXIST and PermissionError EPERM
#   how often: {'FileExistsError EEXIST': 33, 'PermissionError EPERM': 1967}
set -u
server=/usr/lib/openssh/sftp-server
for program in sshfs fusermount3 python3 "$server"; do
  command -v "$program" >/dev/null || { echo "missing: $program" >&2; exit 2; }
done
[ -c /dev/fuse ] || { echo "missing: /dev/fuse" >&2; exit 2; }
work=$(mktemp -d) || exit 2
cd "$work" || exit 2
finish() {
  for name in one two; do fusermount3 -u "$work/$name" 2>/dev/null; done
  wait
  rm -rf "$work"
}
trap finish EXIT
mkdir served one two
# A server of files needs no network: it and the mount talk through a pipe.
for name in one two; do
  mkfifo "pipe-$name"
  "$server" <"pipe-$name" 2>/dev/null |
    sshfs -f -o passive ":$work/served" "$work/$name" >"pipe-$name" 2>"$name.out" &
  for _ in {1..100}; do mountpoint --quiet "$name" && break; sleep 0.1; done
  mountpoint --quiet "$name" || { echo "the mount does not come up: $(cat "$name.out")" >&2; exit 2; }
done
sshfs --version | sed -n 's/^SSHFS version /sshfs /p'
cat >race.py <<'PYTHON'
import collections, errno, os, subprocess, sys

FILES = 2000


def attempt(action):
    try:
        action()
        return "made"
    except OSError as error:
        return f"{type(error).__name__} {errno.errorcode[error.errno]}"


def create(path):
    open(path, "x").close()


if len(sys.argv) > 1:  # one of the two that race
    for number in range(FILES):
        path = f"{sys.argv[1]}/{number}"
        print(attempt(lambda: create(path)))
    sys.exit()
racers = [subprocess.Popen([sys.executable, __file__, name], stdout=subprocess.PIPE, text=True) for name in ("one", "two")]
told = [racer.communicate()[0].splitlines() for racer in racers]
losers = collections.Counter(what for pair in zip(*told) for what in pair if what != "made")
made = all(pair.count("made") == 1 for pair in zip(*told))
print(f"{FILES} files, each made by {'one of the two' if made else 'none or both'}")
again = attempt(lambda: create("two/0"))
print("a file that was there long before:", again)
print("the other was told, of different files:", " and ".join(sorted(losers)))
print("how often:", dict(losers))
sys.exit(not (made and losers["PermissionError EPERM"] > 0 and again == "FileExistsError EEXIST"))
PYTHON
python3 -B race.py || exit 1

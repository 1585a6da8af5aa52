#!/usr/bin/env bash
# Library: llvm-mca 14.0.6, 16.0.6 and 19.1.7 (llvm.org; Debian 12's packages llvm-14, which is its default, llvm-16, llvm-19)
# Guess: The tool knows that Zen 3 and Zen 4 begin two fused multiply-adds in every cycle, as AMD's guides for both say, and
#   as it says itself of Zen 2 and of Intel's processors: a reciprocal throughput of 0.50.
# Behaviour: In 14 such an instruction occupies both pipes of a Zen 3, 1.00, and 14 knows no Zen 4; 16 has Zen 3 right and
#   says 1.00 of Zen 4; 19 has both right. A loop of multiply-adds seems to be at the limit of the processor when it is
#   at a half, and the report of bottlenecks names pipes that are idle. On such a processor the instruction is timed
#   too: twelve chains side by side take as long as one chain of as many links times 12 · throughput / latency.
# Seen: 2026-11-29, on an AMD EPYC of family 25:
#   14: znver2 0.50, znver3 1.00, znver4 unknown
#   16: znver2 0.50, znver3 0.50, znver4 1.00
#   19: znver2 0.50, znver3 0.50, znver4 0.50
#   measured: 0.50 cycles for a multiply-add of 256 bits
set -u
for tool in apt-get dpkg gcc; do
  command -v "$tool" >/dev/null || { echo "$tool is missing" >&2; exit 2; }
done
[ "$(uname -m)" = x86_64 ] || { echo "the processor is not an x86-64" >&2; exit 2; }
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 2
packages="llvm-14=1:14.0.6-12 libllvm14=1:14.0.6-12 llvm-16=1:16.0.6-15~deb12u1 libllvm16=1:16.0.6-15~deb12u1
  llvm-19=1:19.1.7-3~deb12u1 libllvm19=1:19.1.7-3~deb12u1 libpfm4=4.13.0-1 libz3-4=4.8.12-3.1"
# shellcheck disable=SC2086
apt-get download -q $packages >said 2>&1 || { tail -n 3 said >&2; echo "Debian 12's packages cannot be had" >&2; exit 2; }
for package in *.deb; do dpkg -x "$package" root || exit 2; done

printf 'vfmadd213ps %%ymm2, %%ymm1, %%ymm0\n' >fma.s
printf '' >found
for version in 14 16 19; do
  line="$version:"
  for processor in znver2 znver3 znver4; do
    said=$(LD_LIBRARY_PATH=root/usr/lib/x86_64-linux-gnu:root/usr/lib/llvm-$version/lib \
      "root/usr/lib/llvm-$version/bin/llvm-mca" -mcpu=$processor -iterations=1 fma.s 2>&1)
    # Micro-operations, latency and reciprocal throughput stand before the instruction.
    value=$(sed -n 's/^ *[0-9]* *[0-9]* *\([0-9.]*\) *vfmadd.*/\1/p' <<<"$said" | head -n 1)
    grep -q "not a recognized processor" <<<"$said" && value=unknown
    line="$line $processor ${value:-?},"
  done
  echo "${line%,}" >>found
done
cat found
status=0
diff found - <<'TEXT' || status=1
14: znver2 0.50, znver3 1.00, znver4 unknown
16: znver2 0.50, znver3 0.50, znver4 1.00
19: znver2 0.50, znver3 0.50, znver4 0.50
TEXT

family=$(sed -n 's/^cpu family[^0-9]*//p' /proc/cpuinfo | head -n 1)
if ! grep -q AuthenticAMD /proc/cpuinfo || [ "$family" != 25 ] || ! grep -qw fma /proc/cpuinfo; then
  echo "measured: not here, the processor is neither Zen 3 nor Zen 4"
  exit $status
fi
cat >time.c <<'C'
#include <immintrin.h>
#include <stdio.h>
#include <time.h>

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + 1e-9 * t.tv_nsec;
}

/* Seconds of a million rounds of one link on each of so many chains, at best. */
#define SECONDS(name, chains)                                                              \
  static double name(void) {                                                               \
    double best = 1;                                                                       \
    for (int turn = 0; turn < 40; turn++) {                                                \
      __m256 x[chains], a = _mm256_set1_ps(0.5f);                                          \
      for (int i = 0; i < chains; i++) x[i] = a;                                           \
      double start = now();                                                                \
      for (int round = 0; round < 1000000; round++)                                        \
        for (int i = 0; i < chains; i++)                                                   \
          __asm__ volatile("vfmadd213ps %1, %1, %0" : "+x"(x[i]) : "x"(a));                \
      double taken = now() - start;                                                        \
      if (taken < best) best = taken;                                                      \
    }                                                                                      \
    return best;                                                                           \
  }
SECONDS(one, 1)
SECONDS(twelve, 12)

/* A link of one chain takes the latency, 4 cycles. */
int main(void) { printf("%.2f\n", twelve() / 12 / (one() / 4)); }
C
gcc -O3 -mfma -o time time.c || exit 2
cycles=$(./time)
echo "measured: $cycles cycles for a multiply-add of 256 bits"
awk -v cycles="$cycles" 'BEGIN { exit !(cycles < 0.75) }' || status=1
exit $status

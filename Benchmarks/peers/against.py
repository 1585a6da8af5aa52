"""Is this build slower than another? Both do the same work in turns, and no work may be slower.

Two processes, the old build and the new one, read the same networks and images. Their results are
compared before anything is timed. In every round each has one turn, and the next round begins with
the other, so that whatever else the machine does meets both alike; a round gives one ratio, the time
of the old build over that of the new one. Above 1 the new build is faster. A work is slower, and the
exit status 1, if even the upper quartile of its ratios is below 0.98: then three rounds of four say
so, and noise, which falls on both sides, does not.
"""

import argparse
import fnmatch
import math
import os
import signal
import statistics
import sys
import tempfile
import time
from pathlib import Path

import run

SLOWER = 0.98  # the upper quartile of the ratios that a work must reach


def parse():
    parser = run.Parser(
        prog="ci/benchmark --against BUILD", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--new", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--old", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--work", default="*", metavar="PATTERN",
                        help="only works that match, as 'forward/resNet20/*' (default: all)")
    parser.add_argument("--rounds", type=int, default=31,
                        help="turns of each build, 4 or more (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=1, help="(default: %(default)s)")
    parser.add_argument("--kernels", help="kernel set of both (default: the best)")
    parser.add_argument("--processor-time", action="store_true",
                        help="count the time on a processor, of all threads, where others work on the machine too")
    parser.add_argument("--int8", action="store_true",
                        help="the new build computes in int8: how far its results are off is only told")
    options = parser.parse_args()
    if options.rounds < 4:
        parser.error("--rounds must be 4 or more, or there are no quartiles")
    if not 1 <= options.threads <= len(os.sched_getaffinity(0)):
        parser.error(f"--threads {options.threads} is more than the CPUs, or less than 1")
    options.works = fnmatch.filter(run.WORKS, options.work)
    if not options.works:
        parser.error(f"--work {options.work!r} matches none of {', '.join(run.WORKS)}")
    for build in (options.new, options.old):
        if not os.access(build, os.X_OK) or not build.is_file():
            parser.error(f"{build} is no executable; give a contestant or a checkout")
    return options


def output(contestant, folder):
    """The bytes of one execution's result."""
    path = folder / "output.f32"
    contestant.send(f"output {path}")
    contestant.receive()
    return path.read_bytes()


def agreement(work, old, new, folder, is_checked=True):
    """"same bytes", or how far apart the results are; raises Failure if that is too far."""
    if output(old, folder) == output(new, folder):
        return "same bytes"
    try:
        differences = run.compare(work, [new, old], folder, is_checked)
    except ImportError:
        raise run.Failure(
            f"the results of {work} are not the same bytes, and how far they are apart numpy would"
            " have to say; install it")
    return f"off by {differences[new.name]:.0e}"


def measure(work, options, folder):
    """How the results agree, both medians in seconds, and the quartiles of the ratio; None for a new work."""
    log = folder / "log"
    tail = [folder, f"--threads={options.threads}"]
    if options.kernels:
        tail.append(f"--kernels={options.kernels}")
    old = run.Contestant("old build", [options.old, *tail], {}, log)
    new = run.Contestant(
        "new build", [options.new, *tail, *(["--int8"] if options.int8 else [])], {}, log)
    try:
        for contestant in (old, new):
            contestant.send(f"prepare {work}")
        kernels = new.receive()
        try:
            same = old.receive() == kernels
        except run.Failure as failure:
            if "no work" not in str(failure):
                raise
            return None
        if not same:
            raise run.Failure(f"{work}: the builds chose different kernel sets; name one")
        agrees = agreement(work, old, new, folder, not options.int8)
        once = min(c.turn() for _ in range(run.WARM_UP) for c in (old, new))
        for contestant in (old, new):  # the same for both: a turn's warm-up is part of the work
            contestant.count = max(1, math.ceil(run.TURN / once))
        for number in range(options.rounds):
            for contestant in (old, new) if number % 2 == 0 else (new, old):
                time.sleep(0.02)  # until the last one's threads have stopped spinning
                contestant.seconds.append(contestant.turn())
    except run.Failure:
        sys.stderr.write(log.read_text())
        raise
    finally:
        old.end()
        new.end()
    ratios = [before / after for before, after in zip(old.seconds, new.seconds)]
    quartiles = statistics.quantiles(ratios, n=4, method="inclusive")
    return agrees, statistics.median(old.seconds), statistics.median(new.seconds), quartiles


def main():
    options = parse()
    run.Contestant.counts_processor_time = options.processor_time
    slower = []
    print(run.machine_line(run.processor(options.new, options.kernels)))
    print(f"{'work':30} {'old, ms':>10} {'new, ms':>10}  old / new [quartiles]  results", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        run.write_shared(options.new, options.works, folder)
        for work in options.works:
            measured = measure(work, options, folder)
            if measured is None:
                print(f"{work:30} new: the old build has no such work", flush=True)
                continue
            agrees, old, new, (low, middle, high) = measured
            verdict = "" if high >= SLOWER else "  SLOWER"
            print(f"{work:30} {old * 1000:10.4g} {new * 1000:10.4g}"
                  f"  {middle:5.3f} [{low:.3f}, {high:.3f}]   {agrees}{verdict}", flush=True)
            if verdict:
                slower.append(work)
    if slower:
        raise run.Failure(f"slower than the other build: {', '.join(slower)}")


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        main()
    except (run.Failure, OSError) as error:
        sys.exit(f"ci/benchmark: {error}")
    except KeyboardInterrupt:
        sys.exit(130)

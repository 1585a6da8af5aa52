"""Compares this package with other libraries on the same work, in interleaved runs.

Every contestant is a process of its own. All contestants of a work run in turns, one at a time,
while the others sleep, so that whatever else the machine does meets all of them alike. Results are
compared before anything is timed. See ../README.md.
"""

import argparse
import ctypes.util
import fnmatch
import json
import math
import os
import platform
import random
import signal
import statistics
import subprocess
import sys
import time
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
ENVIRONMENT = HERE / ".venv"

# MARK: What is compared

NETWORKS = ["resNet50CIFAR", "resNet18CIFAR", "resNet20", "resNet8"]
WORKS = [
    *[f"forward/{network}/{batch}" for network in NETWORKS for batch in (1, 30, 120)],
    *[f"decision/{network}/30" for network in NETWORKS],
    *[f"attack/{network}/50" for network in ("resNet50CIFAR", "resNet20", "resNet8")],
    *[f"training/{network}" for network in ("resNet50CIFAR/32", "resNet20/128", "resNet8/128")],
    *[f"forward/{network}" for network in (
        "wideResNet-28-10/8", "wideResNet-28-10/1", "deepMindWideResNet-28-10/8", "preActResNet18/30",
        "resNet18/30")],
    "attack/preActResNet18/50", "attack/wideResNet-28-10/8",
    "search/resNet20/64", "search-patient/resNet20/64", "search/preActResNet18/16",
    "search-50/resNet20/64", "search-apgd/resNet20/32", "search/resNet20/1",
    *[f"certification/{work}" for work in ("resNet50CIFAR/1", "resNet20/4", "resNet20/1", "resNet8/4")],
]
QUICK = ["forward/resNet20/30", "decision/resNet20/30", "attack/resNet8/50", "training/resNet8/128"]

OURS = "ours"
SEARCH = " search search-patient search-50 search-apgd"
# Name: script, mode, kinds of work. The first that does a kind is what the others are held to.
PEERS = {
    "torch": ("with_torch.py", "eager", "forward decision certification attack training" + SEARCH),
    "torch, channels-last": (
        "with_torch.py", "channels-last", "forward decision certification attack training" + SEARCH),
    "torch, inductor": (
        "with_torch.py", "inductor", "forward decision certification attack training" + SEARCH),
    "torch, loop": ("with_torch.py", "loop", "decision" + SEARCH),
    "ONNX Runtime": ("with_onnxruntime.py", None, "forward decision certification"),
    "OpenVINO": ("with_openvino.py", None, "forward decision certification"),
}

# The same in whole numbers of eight bits, with --int8: quantized on the images that ours is calibrated on.
INT8_PEERS = {
    "torch, int8": ("with_torch.py", "int8", "forward"),
    "ONNX Runtime, int8": ("with_onnxruntime.py", "int8", "forward"),
    "OpenVINO, int8": ("with_openvino.py", "int8", "forward"),
}

# Results may differ by this share of the largest magnitude.
TOLERANCE = 1e-4
# Gradients by this share of their norm: a ReLU within rounding of zero changes sides now and then,
# and its share of the gradient comes or goes (fixtures/README.md measures up to 1.1e-2).
GRADIENT_TOLERANCE = 3e-2

WARM_UP = 2  # turns that do not count
TURN = 0.1  # seconds that a turn should take; short works are repeated
LATENCY_TURN = 0.5  # the same where every execution is timed by itself
RESAMPLES = 1000  # by which the intervals of latencies are found


class Failure(Exception):
    """What is wrong, in one line."""


# MARK: Contestants


class Contestant:
    """A process that does works when told to."""

    counts_processor_time = False  # whether a turn's seconds are those of the processor, of all threads together

    def __init__(self, name, command, environment, log):
        self.name = name
        self.log = log
        self.count = 1
        self.seconds = []  # of one execution, turn by turn
        self.latencies = []  # of every execution, turn by turn
        with log.open("ab") as errors:
            self.process = subprocess.Popen(
                command, env=os.environ | environment, stdin=subprocess.PIPE,
                stdout=subprocess.PIPE, stderr=errors, text=True)

    def send(self, line):
        try:
            print(line, file=self.process.stdin, flush=True)
        except BrokenPipeError:
            pass  # `receive` says so

    def receive(self):
        """What stands behind the first word of the answer."""
        answer = self.process.stdout.readline().strip()
        kind, _, value = answer.partition(" ")
        if not answer or kind == "error":
            raise Failure(f"{self.name}: {value or 'ended without an answer'}; see {self.log}")
        return value

    def turn(self):
        """Seconds of one execution."""
        before = self.scheduled()
        self.send(f"run {self.count}")
        seconds = float(self.receive())
        if not self.counts_processor_time:
            return seconds / self.count
        # Several executions follow one that does not count.
        return (self.scheduled() - before) / (self.count + (self.count > 1))

    def single_turn(self):
        """Seconds of each of several executions."""
        self.send(f"each {self.count}")
        return [float(word) for word in self.receive().split()]

    def scheduled(self):
        """Seconds that its threads were on a processor so far, to the nanosecond."""
        tasks = Path(f"/proc/{self.process.pid}/task").glob("*/schedstat")
        return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9

    def memory(self):
        """Bytes that are resident now, and that were at most."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        values = dict(line.split(":", 1) for line in status.splitlines())
        return [int(values[key].split()[0]) * 1024 for key in ("VmRSS", "VmHWM")]

    def forget_peak(self):
        """Lets the peak count from now on: compiling a network is not running it."""
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")

    def processor_time(self):
        """Seconds of CPU time of all its threads so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def end(self):
        self.process.kill()
        self.process.wait()


def start(work, threads, options, folder):
    """All contestants of a work, ours first."""
    log = options.output / "contestants.log"
    command = [options.contestant, folder, f"--threads={threads}"]
    if options.kernels:
        command.append(f"--kernels={options.kernels}")
    if options.int8:
        command.append("--int8")
    contestants = [Contestant(OURS, command, {}, log)]
    for name, (script, mode, kinds) in (INT8_PEERS if options.int8 else PEERS).items():
        if work.split("/")[0] not in kinds.split():
            continue
        command = [sys.executable, HERE / script, folder, f"--threads={threads}"]
        environment = {"OMP_NUM_THREADS": str(threads)}
        if mode:
            command.append(f"--mode={mode}")
        if script == "with_torch.py":
            environment["TORCHINDUCTOR_COMPILE_THREADS"] = "1"  # no idle workers beside it
            if allocator():
                environment["LD_PRELOAD"] = allocator()
        contestants.append(Contestant(name, command, environment, log))
    return contestants


def allocator():
    """tcmalloc, which makes torch faster, if it is installed."""
    return ctypes.util.find_library("tcmalloc_minimal") or ctypes.util.find_library("tcmalloc")


class OtherWork:
    """How many CPUs, on average, were busy with something else than the contestants."""

    def __init__(self, contestants):
        self.contestants = contestants
        self.start = self.now()

    def now(self):
        """The time, and the CPU time of everyone else, both in seconds."""
        fields = [int(n) for n in Path("/proc/stat").read_text().split("\n")[0].split()[1:9]]
        busy = (sum(fields) - fields[3] - fields[4]) / os.sysconf("SC_CLK_TCK")
        return time.monotonic(), busy - sum(c.processor_time() for c in self.contestants)

    def cpus(self):
        (start, before), (end, after) = self.start, self.now()
        return max(0.0, (after - before) / (end - start))


# MARK: One work


def measure(work, threads, options, folder):
    """Prepares, compares and times all contestants of a work; returns its record."""
    contestants = start(work, threads, options, folder)
    try:
        for contestant in contestants:
            contestant.send(f"prepare {work}")
        kernels = contestants[0].receive()
        for contestant in contestants[1:]:
            contestant.receive()
        # Everyone rounds otherwise in eight bits: how far results are apart is only recorded.
        differences = compare(work, contestants, folder, is_checked=not options.int8)

        for contestant in contestants:
            once = min(contestant.turn() for _ in range(WARM_UP))
            contestant.count = max(1, math.ceil((LATENCY_TURN if options.latency else TURN) / once))
            contestant.forget_peak()
        resident = {c.name: c.memory()[0] for c in contestants}
        others = OtherWork(contestants)
        for number in range(options.rounds):
            first = number % len(contestants)
            for contestant in contestants[first:] + contestants[:first]:
                time.sleep(0.02)  # until the last one's threads have stopped spinning
                if options.latency:
                    contestant.latencies.append(contestant.single_turn())
                    contestant.seconds.append(statistics.median(contestant.latencies[-1]))
                else:
                    contestant.seconds.append(contestant.turn())
        record = {
            "work": work, "threads": threads, "kernelSet": kernels, "rounds": options.rounds,
            "otherCPUs": others.cpus(), "load": os.getloadavg()[0], "contestants": {
                c.name: {
                    "median": statistics.median(c.seconds), "seconds": c.seconds,
                    "executionsPerTurn": c.count, "difference": differences[c.name],
                    "resident": resident[c.name], "peak": c.memory()[1],
                } | ({"latencies": c.latencies} if options.latency else {}) for c in contestants
            },
        }
    finally:
        for contestant in contestants:
            contestant.end()
    if len(contestants) > 1:
        record["bestPeer"], record["ratio"] = ratio(record["contestants"])
    return record


def ratio(contestants):
    """The best peer, and the quartiles of its time over ours, round by round."""
    best = min((name for name in contestants if name != OURS),
               key=lambda name: contestants[name]["median"])
    ratios = [
        peer / own
        for peer, own in zip(contestants[best]["seconds"], contestants[OURS]["seconds"])]
    return best, statistics.quantiles(ratios, n=4, method="inclusive")


def percentile(turns, share):
    """The least time that this share of all executions did not exceed."""
    times = sorted(time for turn in turns for time in turn)
    return times[math.ceil(share * len(times)) - 1]


def latencies(contestants, share):
    """A percentile of every contestant, and that of the best peer over ours: each with its 95% interval, by drawing turns
    anew. Executions of one turn are alike, so they are drawn together; and turns of one round, which met the same company.
    """
    turns = {name: found["latencies"] for name, found in contestants.items()}
    values = {name: percentile(found, share) for name, found in turns.items()}
    random_numbers = random.Random(1)
    count = len(turns[OURS])
    draws = []
    for _ in range(RESAMPLES):
        rounds = random_numbers.choices(range(count), k=count)
        draws.append({name: percentile([found[n] for n in rounds], share) for name, found in turns.items()})

    def interval(value):
        cuts = statistics.quantiles(map(value, draws), n=40, method="inclusive")
        return cuts[0], cuts[-1]

    result = {name: (value, *interval(lambda draw: draw[name])) for name, value in values.items()}
    peers = [name for name in values if name != OURS]
    if not peers:
        return result, None
    best = min(peers, key=values.get)
    return result, (values[best] / values[OURS], *interval(lambda draw: draw[best] / draw[OURS]))


def compare(work, contestants, folder, is_checked=True):
    """How far every contestant's result is from the first peer's.

    Raises Failure if one is too far, unless this is not checked: whoever computes something else cannot be compared.
    """
    import numpy

    results = {}
    for contestant in contestants:
        path = folder / "output.f32"
        contestant.send(f"output {path}")
        count = int(contestant.receive())
        results[contestant.name] = numpy.fromfile(path, "<f4").astype(float)
        if len(results[contestant.name]) != count or not numpy.isfinite(
                results[contestant.name]).all():
            raise Failure(f"{contestant.name}: the result of {work} is damaged or not finite")
    reference = results[list(results)[min(1, len(results) - 1)]]
    differences = {}
    for name, result in results.items():
        if result.shape != reference.shape:
            raise Failure(
                f"{name}: {work} has {result.size} values instead of {reference.size}")
        if work.startswith(("forward", "decision")):
            difference = abs(result - reference).max() / abs(reference).max()
            agrees = difference <= TOLERANCE and same_classes(result, reference)
        elif work.startswith("certification"):
            # Counts of 1,000 draws with other random numbers, six deviations of their difference at most apart.
            difference = abs(result - reference).max() / 1000
            agrees = difference <= 6 * math.sqrt(2 * 0.25 / 1000)
        elif work.startswith("search"):
            # Other random numbers: of the images on which both differ either is as likely to be right.
            apart = (result != reference).sum()
            difference = abs(result.sum() - reference.sum()) / len(result)
            agrees = abs(result.sum() - reference.sum()) <= 3 * math.sqrt(apart)
        else:
            difference = numpy.linalg.norm(result - reference) / numpy.linalg.norm(reference)
            agrees = difference <= GRADIENT_TOLERANCE
        if is_checked and not agrees:
            raise Failure(
                f"{name}: the result of {work} is another than the first peer's,"
                f" off by {difference:.1e}")
        differences[name] = float(difference)
    return differences


def same_classes(result, reference):
    """Whether every image gets the same class, but for ties within twice the tolerance."""
    rows, expected = result.reshape(-1, 10), reference.reshape(-1, 10)
    lost = expected.max(axis=1) - expected[range(len(rows)), rows.argmax(axis=1)]
    return bool((lost <= 2 * TOLERANCE * abs(reference).max()).all())


# MARK: Tables


def table(rows, right_from):
    """Markdown; columns from `right_from` on are numbers."""
    rule = ["--:" if column >= right_from else "---" for column in range(len(rows[0]))]
    return "\n".join("| " + " | ".join(row) + " |" for row in [rows[0], rule, *rows[1:]])


def report(records):
    """The Markdown tables of all records."""
    columns = [name for name in [OURS, *PEERS, *INT8_PEERS] if any(name in r["contestants"] for r in records)]

    def cells(record, text):
        found = record["contestants"]
        best = min(found, key=lambda name: found[name]["median"])
        return [
            "–" if name not in found
            else f"**{text(found[name])}**" if name == best else text(found[name])
            for name in columns]

    rows = [["work", "threads", *columns, "ratio", "other CPUs"]]
    for record in records:
        spread = "–"
        if "ratio" in record:
            low, middle, high = record["ratio"]
            spread = f"{middle:.2f} [{low:.2f}, {high:.2f}]"
        rows.append([
            record["work"], str(record["threads"]),
            *cells(record, lambda c: f"{c['median'] * 1000:.4g}"), spread,
            f"{record['otherCPUs']:.1f}"])
    text = (
        "Milliseconds of one execution, median of the turns, the fastest in bold; how many times"
        " as fast as the best peer ours is, median [quartiles] over the rounds; and how many CPUs"
        " were busy with other things meanwhile.\n\n"
        + table(rows, 1))
    memory = [r for r in records if r["work"].startswith(("forward", "attack"))]
    if memory:
        rows = [["work", "threads", *columns]]
        for record in memory:
            found = record["contestants"]
            rows.append([record["work"], str(record["threads"]), *(
                f"{found[name]['peak'] / 2**20:.0f}" if name in found else "–"
                for name in columns)])
        text += "\n\nPeak resident memory of the process while it ran, MiB.\n\n" + table(rows, 1)
    timed = [r for r in records if "latencies" in r["contestants"][OURS]]
    if timed:
        text += "\n\n" + latency_table(timed)
    return text


def latency_table(records):
    """The Markdown table of percentiles."""

    def cell(values, scale, digits):
        return "{:.{d}g} [{:.{d}g}, {:.{d}g}]".format(*(scale * value for value in values), d=digits)

    rows = [["work", "threads", "contestant", "executions", "p50", "p99"]]
    for record in records:
        found = record["contestants"]
        half, tail = (latencies(found, share) for share in (0.5, 0.99))
        work = [record["work"], str(record["threads"])]
        for name in found:
            rows.append([
                *work, name, str(sum(map(len, found[name]["latencies"]))), cell(half[0][name], 1000, 4),
                cell(tail[0][name], 1000, 4)])
        if half[1]:
            rows.append([*work, "best peer / ours", "", cell(half[1], 1, 3), cell(tail[1], 1, 3)])
    return (
        "Milliseconds that half of the single executions, and 99 in a hundred, did not exceed, with 95% intervals by"
        " drawing rounds anew; the best peer is that of the column.\n\n" + table(rows, 3))


def processor(contestant, kernels):
    """The processor, and what our contestant makes of it."""
    answer = subprocess.run(
        [contestant, ".", *([f"--kernels={kernels}"] if kernels else [])], input="machine\n",
        capture_output=True, text=True).stdout.strip().split(" ", 3)
    if len(answer) != 4 or answer[0] != "machine":
        raise Failure(f"{contestant} does not say what it runs on; build it anew")
    return {
        "cpu": answer[3], "cpus": len(os.sched_getaffinity(0)),
        "vectorBits": int(answer[1]), "peak": float(answer[2]),
    }


def describe(options):
    """What a record depends on besides the code."""
    from importlib import metadata

    names = [line.partition("==")[0] for line in (HERE / "requirements.txt").read_text().split()
             if "==" in line]
    revision = subprocess.run(
        ["git", "-C", HERE, "describe", "--always", "--dirty"], capture_output=True, text=True)
    return processor(options.contestant, options.kernels) | {
        "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "revision": revision.stdout.strip(), "system": platform.platform(),
        "allocatorOfTorch": allocator(),
        "versions": {"python": platform.python_version()}
        | {name: metadata.version(name) for name in names},
        "arguments": sys.argv[1:],
    }


def machine_line(machine):
    """What stands above every table."""
    vectors = f"{machine['vectorBits']}-bit vectors" if machine["vectorBits"] else "no vectors of ours"
    text = (
        f"{machine['cpu']}, {machine['cpus']} CPUs, {vectors}, {machine['peak'] / 1e9:.0f}·10⁹"
        " multiply-adds a second in the registers of one")
    versions = [f"{name} {version}" for name, version in machine.get("versions", {}).items()]
    return "; ".join([text, ", ".join(versions)] if versions else [text]) + "."


# MARK: Two tables

PEAK_TOLERANCE = 0.15  # the share by which the peaks of one machine differ, as others work on it too


def compare_files(paths):
    """How many times as fast as in the first file ours is in the second, beside the best peer in both."""
    before, after = (json.loads(path.read_text()) for path in paths)
    for key in ("cpu", "cpus", "vectorBits", "peak"):
        old, new = (result["machine"].get(key) for result in (before, after))
        same = (
            old and new and abs(old - new) <= PEAK_TOLERANCE * max(old, new) if key == "peak" else old == new)
        if not same or old is None:
            raise Failure(
                f"{paths[0]} and {paths[1]} are of different machines: {key} is {old} and {new};"
                " measure both on one, as with --against")
    works = {(r["work"], r["threads"]): r for r in before["works"]}
    rows = [["work", "threads", "before, ms", "after, ms", "ratio to the best peer before", "after"]]
    for record in after["works"]:
        old = works.get((record["work"], record["threads"]))
        if old is None:
            continue
        ratios = [f"{r['ratio'][1]:.2f} [{r['ratio'][0]:.2f}, {r['ratio'][2]:.2f}]" if "ratio" in r else "–"
                  for r in (old, record)]
        times = [f"{r['contestants'][OURS]['median'] * 1000:.4g}" for r in (old, record)]
        rows.append([record["work"], str(record["threads"]), *times, *ratios])
    return machine_line(after["machine"]) + "\n\n" + table(rows, 1)


# MARK: The command


class Parser(argparse.ArgumentParser):
    def error(self, message):
        print(f"run.py: {message}; see --help", file=sys.stderr)
        sys.exit(64)


def parse():
    parser = Parser(
        description="Times this package and other libraries on the same work, in turns.")
    parser.add_argument("--contestant", type=Path, required=True, help="our built contestant")
    parser.add_argument("--compare", type=Path, nargs=2, metavar=("BEFORE", "AFTER"),
                        help="measures nothing, but compares two results.json of one machine")
    parser.add_argument("--output", type=Path, default=Path("report/benchmarks"),
                        help="folder for results.json and results.md (default: %(default)s)")
    parser.add_argument("--work", default="*", metavar="PATTERN",
                        help="only works that match, as 'forward/resNet20/*' (default: all)")
    parser.add_argument("--rounds", type=int, help="turns of every contestant (default: 15)")
    parser.add_argument("--threads", metavar="LIST", help="as 1,2 (default: 1 and all CPUs)")
    parser.add_argument("--kernels", help="kernel set of ours (default: the best)")
    parser.add_argument("--processor-time", action="store_true",
                        help="count the time on a processor, of all threads, where others work on the machine too")
    parser.add_argument("--latency", action="store_true",
                        help="time every execution by itself, and tell the median and the 99th percentile")
    parser.add_argument("--int8", action="store_true",
                        help="forward passes in int8, ours and those of peers that have it")
    parser.add_argument("--quick", action="store_true",
                        help="a few small works, all CPUs, 5 rounds")
    options = parser.parse_args()
    if options.latency and options.processor_time:
        parser.error("--latency is time on a clock, and --processor-time is not; leave one out")
    cpus = len(os.sched_getaffinity(0))
    options.rounds = options.rounds if options.rounds is not None else 5 if options.quick else 15
    if options.rounds < 2:
        parser.error("--rounds must be 2 or more")
    try:
        default = str(cpus) if options.quick else f"1,{cpus}"
        options.threads = sorted({int(n) for n in (options.threads or default).split(",")})
    except ValueError:
        parser.error(f"--threads {options.threads!r} is no list of numbers, such as 1,2")
    if not 1 <= options.threads[0] <= options.threads[-1] <= cpus:
        parser.error(f"--threads must be from 1 to {cpus}, the CPUs of this machine")
    works = QUICK if options.quick else WORKS
    if options.int8:
        works = [work for work in works if work.startswith("forward")]
    options.works = fnmatch.filter(works, options.work)
    if not options.works:
        parser.error(f"--work {options.work!r} matches none of {', '.join(works)}")
    if not options.contestant.is_file():
        parser.error(f"--contestant {options.contestant} does not exist; build it first")
    options.contestant = options.contestant.resolve()
    options.output = options.output.resolve()
    return options


def run_tool(command, lines=""):
    """Runs a command that prepares something and has nothing to say on standard output."""
    done = subprocess.run(command, input=lines, text=True, stdout=sys.stderr)
    if done.returncode != 0:
        raise Failure(f"{' '.join(map(str, command))} failed; its message is above")


def networks(works):
    """The networks of some works, each once, in their order."""
    return list(dict.fromkeys(work.split("/")[1] for work in works))


def write_shared(contestant, works, folder):
    """What all contestants read."""
    run_tool([contestant, folder, "--write", *networks(works)])
    searches = [work for work in works if work.startswith("search")]
    if searches:
        source = os.environ.get("CIFAR_DATA")
        if not source:
            raise Failure(f"{searches[0]} takes CIFAR-10: set CIFAR_DATA to the folder of its binary files")
        run_tool([sys.executable, HERE / "searched.py", source, folder, *networks(searches)])


def enter_environment():
    """Goes on in the virtual environment that has the pinned versions; makes it if need be."""
    wanted, stamp = HERE / "requirements.txt", ENVIRONMENT / "requirements.txt"
    if not stamp.exists() or stamp.read_bytes() != wanted.read_bytes():
        if sys.version_info[:2] != (3, 11):
            raise Failure(f"Python 3.11 is needed, this is {platform.python_version()}")
        print(f"installing the peers in {ENVIRONMENT}", file=sys.stderr)
        venv.create(ENVIRONMENT, with_pip=True, clear=True)
        run_tool([ENVIRONMENT / "bin/python", "-m", "pip", "install", "--quiet", "-r", wanted])
        stamp.write_bytes(wanted.read_bytes())
    if Path(sys.prefix).resolve() != ENVIRONMENT.resolve():
        python = str(ENVIRONMENT / "bin/python")
        os.execv(python, [python, *sys.argv])


def main():
    options = parse()
    Contestant.counts_processor_time = options.processor_time
    if options.compare:
        print(compare_files(options.compare))
        return
    enter_environment()
    options.output.mkdir(parents=True, exist_ok=True)
    folder = options.output / "shared"
    write_shared(options.contestant, options.works, folder)
    for graph in folder.glob("*.onnx"):
        graph.unlink()
    graphs = [
        work for work in options.works if work.startswith(("forward", "decision", "certification"))]
    if graphs:
        run_tool(
            [sys.executable, "-Wignore::DeprecationWarning", HERE / "with_torch.py", folder,
             "--mode=export"], "\n".join(graphs))

    result = {"machine": describe(options), "works": []}
    for work in options.works:
        for threads in options.threads:
            print(f"{work}, threads: {threads}", file=sys.stderr)
            result["works"].append(measure(work, threads, options, folder))
            # Whatever stops a long run, what is done is kept.
            text = machine_line(result["machine"]) + "\n\n" + report(result["works"])
            (options.output / "results.json").write_text(json.dumps(result, indent=1) + "\n")
            (options.output / "results.md").write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        main()
    except (Failure, OSError) as error:
        sys.exit(f"run.py: {error}")
    except KeyboardInterrupt:
        sys.exit(130)

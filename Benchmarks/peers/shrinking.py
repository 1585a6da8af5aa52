"""How many calls Hypothesis takes to shrink, and to what: the thirteen challenges that `ShrinkingChallengeTests` has, by the
same generators and faults. Prints a line each: the median of the calls behind the first failing one, then the results.

    python3 Benchmarks/peers/shrinking.py [SEEDS]     # 30 unless given; needs hypothesis
"""

import collections
import statistics
import sys

import hypothesis
from hypothesis import HealthCheck, Phase, assume, given, seed, settings
from hypothesis import strategies as st

integers = st.integers(-1000, 1000)
lists = st.lists(integers, max_size=20)


def wrapped(values):
    """The sum of 16-bit numbers, which wraps around."""
    return (sum(values) + 0x8000) % 0x10000 - 0x8000


short_list = st.lists(st.integers(-0x8000, 0x7FFF), max_size=10).filter(lambda a: wrapped(a) < 256)
expressions = st.deferred(
    lambda: st.one_of(
        st.integers(-100, 100),
        st.tuples(st.just("+"), expressions, expressions),
        st.tuples(st.just("/"), expressions, expressions),
    )
)


def divides_by_zero(e):
    if isinstance(e, int):
        return False
    return (e[0] == "/" and e[2] == 0) or divides_by_zero(e[1]) or divides_by_zero(e[2])


def value(e):
    if isinstance(e, int):
        return e
    a, b = value(e[1]), value(e[2])
    return a + b if e[0] == "+" else a // b


def calculator(e):
    assume(not divides_by_zero(e))
    try:
        value(e)
        return True
    except ZeroDivisionError:
        return False


@st.composite
def heaps(draw, least=0, depth=5):
    if depth == 0 or not draw(st.booleans()):
        return None
    root = draw(st.integers(least, max(least, 100)))
    return root, draw(heaps(root, depth - 1)), draw(heaps(root, depth - 1))


def values(heap):
    return [] if heap is None else [heap[0], *values(heap[1]), *values(heap[2])]


def merged(a, b):
    if a is None or b is None:
        return a or b
    return (a[0], merged(a[2], b), a[1]) if a[0] <= b[0] else (b[0], merged(b[2], a), b[1])


def binary_heap(heap):
    faulty = [] if heap is None else [heap[0], *values(merged(heap[1], heap[2]))]
    return faulty == sorted(values(heap))


def coupling(a):
    return all(a[i] == i or a[a[i]] != i for i in range(len(a)))


def deletion(a, index):
    assume(index < len(a))
    return a[index] not in a[:index] + a[index + 1 :]


drawn_length = st.integers(1, 100).flatmap(
    lambda n: st.lists(st.integers(0, 1000), min_size=n, max_size=n)
)
pair = (st.integers(0, 1000), st.integers(0, 1000))
challenges = {
    "reverse": ((lists,), lambda a: a == a[::-1]),
    "large union list": ((st.lists(lists, max_size=20),), lambda a: len(set(sum(a, []))) <= 4),
    "length list": ((drawn_length,), lambda a: all(x < 900 for x in a)),
    "coupling": (
        (st.lists(st.integers(0, 10), max_size=10).filter(lambda a: all(x < len(a) for x in a)),),
        coupling,
    ),
    "deletion": ((st.lists(st.integers(0, 30), max_size=20), st.integers(0, 19)), deletion),
    "distinct": ((lists,), lambda a: len(set(a)) < 3),
    "nested lists": ((st.lists(lists, max_size=20),), lambda a: sum(map(len, a)) <= 10),
    "bound5": ((short_list,) * 5, lambda *a: wrapped(sum(a, [])) < 5 * 256),
    "difference must not be zero": (pair, lambda a, b: a < 10 or a != b),
    "difference must not be small": (pair, lambda a, b: a < 10 or not 1 <= abs(a - b) <= 4),
    "difference must not be one": (pair, lambda a, b: a < 10 or abs(a - b) != 1),
    "calculator": ((expressions,), calculator),
    "binary heap": ((heaps(),), binary_heap),
}


def shrink(strategies, holds, number):
    """The calls behind the first failing one, and the last case that failed."""
    calls, failed = 0, None

    @seed(number)
    @settings(
        max_examples=20_000,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
        report_multiple_bugs=False,
    )
    @given(st.tuples(*strategies))
    def test(arguments):
        nonlocal calls, failed
        if failed is not None:
            calls += 1
        if not holds(*arguments):
            failed = arguments
            raise AssertionError

    try:
        test()
    except AssertionError:
        pass
    return calls, failed


seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 30
print(f"Hypothesis {hypothesis.__version__}, {seeds} seeds")
medians = []
for name, (strategies, holds) in challenges.items():
    found = [shrink(strategies, holds, number) for number in range(seeds)]
    medians.append(statistics.median(calls for calls, _ in found))
    results = collections.Counter(str(result) for _, result in found)
    print(f"{name}: {medians[-1]:.0f} calls; " + ", ".join(f"{n}× {r}" for r, n in results.most_common(3)))
print(f"median over the challenges: {statistics.median(medians):.0f} calls")

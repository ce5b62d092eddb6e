"""Runs fuzz targets on mutated seeds, with nothing but Python: `python fuzz/mutate.py --target NAME --count N`.

`--target all` shares the N inputs among all targets. Input number K of a target depends on the seed and K alone, so a
finding can be made again: `--target NAME --only K`. A finding is any exception but SmcliError, an input that takes more
than a few seconds, or one that needs more memory than the limit.
"""

from __future__ import annotations

import argparse
import random
import resource
import sys
import time
import traceback
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from fuzz.targets import TARGETS
from smcli.errors import SmcliError
from smcli.savedmodel.wire import written_varint

MAX_SECONDS = 5.0
MEMORY = 4 * 2**30
_NUMBERS = [
    0,
    1,
    2,
    7,
    8,
    15,
    16,
    31,
    63,
    64,
    127,
    128,
    255,
    256,
    2**15,
    2**16 - 1,
    2**31 - 1,
    2**31,
    2**32 - 1,
    2**63 - 1,
    2**64 - 1,
]


def mutate(data: bytes, others: list[bytes], rng: random.Random) -> bytes:
    """One to eight small changes, most often few."""
    result = bytearray(data)
    for _ in range(min(8, 1 + int(rng.expovariate(0.7)))):
        at = rng.randrange(len(result) + 1)
        size = min(rng.choice([1, 1, 2, 4, 8, 16, 64]), len(result) - at)
        kind = rng.randrange(11)
        if kind == 0 and at < len(result):
            result[at] ^= 1 << rng.randrange(8)
        elif kind == 1 and at < len(result):
            result[at] = rng.randrange(256)
        elif kind == 2 and at < len(result):
            result[at] = (result[at] + rng.choice([-1, 1])) % 256
        elif kind == 3:
            del result[at : at + size]
        elif kind == 4:
            result[at:at] = rng.randbytes(rng.choice([1, 2, 4, 8]))
        elif kind == 5:
            result[at:at] = result[at : at + size]
        elif kind == 6:
            result[at : at + size] = written_varint(rng.choice(_NUMBERS))
        elif kind == 7:
            width = rng.choice([1, 2, 4, 8])
            result[at : at + width] = (rng.choice(_NUMBERS) % 256**width).to_bytes(width, "little")
        elif kind == 8:
            del result[at:]
        elif kind == 9:
            other = rng.choice(others)
            start = rng.randrange(len(other) + 1)
            result[at : at + size] = other[start : start + rng.choice([4, 16, 64])]
        else:
            place = rng.randrange(len(result) + 1)
            result[place:place] = result[at : at + size]
    return bytes(result)


def make_input(name: str, seeds: list[bytes], seed: int, number: int) -> bytes:
    """Input `number` of a target: the seeds themselves come first."""
    if number < len(seeds):
        return seeds[number]
    rng = random.Random(f"{seed}/{name}/{number}")
    return mutate(rng.choice(seeds), seeds, rng)


def run_one(name: str, data: bytes) -> str:
    """What became of one input: "read", "refused", or the finding's text."""
    began = time.process_time()
    try:
        TARGETS[name].run(data)
        outcome = "read"
    except SmcliError:
        outcome = "refused"
    except Exception:
        return traceback.format_exc()
    took = time.process_time() - began
    return outcome if took < MAX_SECONDS else f"took {took:.1f} s"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--target", choices=[*sorted(TARGETS), "all"], default="all", help="what to fuzz")
    parser.add_argument("--count", type=int, default=20_000, help="number of inputs")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, help="the number of one input to run again")
    parser.add_argument("--save", type=Path, help="folder for inputs that are findings")
    options = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))
    findings = 0
    names = sorted(TARGETS) if options.target == "all" else [options.target]
    for name in names:
        seeds = TARGETS[name].seeds()
        outcomes = {"read": 0, "refused": 0}
        numbers = range(-(-options.count // len(names))) if options.only is None else [options.only]
        for number in numbers:
            data = make_input(name, seeds, options.seed, number)
            outcome = run_one(name, data)
            if outcome in outcomes:
                outcomes[outcome] += 1
                continue
            findings += 1
            print(f"FINDING {name} --seed {options.seed} --only {number} ({len(data)} bytes)\n{outcome}", flush=True)
            if options.save is not None:
                options.save.mkdir(parents=True, exist_ok=True)
                (options.save / f"{name}-{options.seed}-{number}").write_bytes(data)
        print(f"{name}: {len(numbers)} inputs, {outcomes['read']} read, {outcomes['refused']} refused", flush=True)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())

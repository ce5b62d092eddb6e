"""Random programs of many ops, for TensorFlow to save as functions: one seed, one program.

A program is planned eagerly: a step is an op on values there are already, and one that raises or runs off to infinity
is not taken. The list of steps is then traced with inputs of unknown sizes. So every program is valid, and its shapes
are as dynamic as those of real models.

Values are marked as exact or not: what a matrix product gives may differ by rounding, and so must not be rounded,
compared or cast to an integer, where a small difference would become a large one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

LIMIT = 1e4  # larger values are not taken further
MAX_SIZE = 4096


@dataclass(frozen=True)
class Step:
    """`run(tf, module, *values)` gives one tensor or several."""

    name: str
    run: Callable[..., Any]
    inputs: tuple[int, ...]


@dataclass
class Program:
    """`outputs` are numbers of values, the inputs first; `answers` what TensorFlow gave for them while planning."""

    inputs: list[np.ndarray]
    steps: list[Step] = field(default_factory=list)
    outputs: list[int] = field(default_factory=list)
    answers: list[np.ndarray] = field(default_factory=list)

    def __call__(self, tf: Any, module: Any, values: list[Any]) -> list[Any]:
        values = list(values)
        for step in self.steps:
            values.extend(_flat(tf, step.run(tf, module, *(values[i] for i in step.inputs))))
        return [values[i] for i in self.outputs]


def _flat(tf: Any, result: Any) -> list[Any]:
    return [tf.convert_to_tensor(item) for item in tf.nest.flatten(result, expand_composites=True)]


def as_array(value: Any) -> np.ndarray:
    """What TensorFlow gave; a scalar string as 0-d."""
    return np.asarray(value, object) if isinstance(value, bytes) else np.asarray(value)


@dataclass(frozen=True)
class Value:
    """What is known of a value while planning."""

    dtype: str
    shape: tuple[int, ...]
    exact: bool

    @property
    def rank(self) -> int:
        return len(self.shape)


Rng = np.random.Generator
Run = Callable[..., Any]


@dataclass(frozen=True)
class Op:
    """A kind of step. `draw(rng, *values)` gives its function with all parameters drawn, or None where it does not fit.

    takes: a letter for each input: f float32, i int32 or int64, b bool, s string, n number, e exact number,
    x exact float32, * anything. loses: the result is not exact.
    """

    name: str
    takes: str
    draw: Callable[..., Run | None]
    loses: bool = False
    weight: int = 2


OPS: list[Op] = []


def op(name: str, takes: str, *, loses: bool = False, weight: int = 2) -> Callable[[Callable[..., Any]], Any]:
    def wrap(draw: Callable[..., Any]) -> Callable[..., Any]:
        OPS.append(Op(name, takes, draw, loses, weight))
        return draw

    return wrap


def simple(name: str, takes: str, run: Run, *, loses: bool = False, weight: int = 1) -> None:
    """An op without parameters."""
    OPS.append(Op(name, takes, lambda rng, *values: run, loses, weight))


def any_axis(rng: Rng, rank: int) -> int:
    """An axis of a tensor of that rank, from the front or from the back."""
    return int(rng.integers(-rank, rank))


FITS = {
    "f": lambda v: v.dtype == "float32",
    "i": lambda v: v.dtype in ("int32", "int64"),
    "b": lambda v: v.dtype == "bool",
    "s": lambda v: v.dtype == "string",
    "n": lambda v: v.dtype in ("float32", "int32", "int64"),
    "e": lambda v: v.dtype in ("float32", "int32", "int64") and v.exact,
    "x": lambda v: v.dtype == "float32" and v.exact,
    "*": lambda v: True,
}


class Planner:
    """Plans one program."""

    def __init__(self, tf: Any, module: Any, seed: int, ops: list[Op]) -> None:
        self.tf, self.module, self.ops = tf, module, ops
        self.rng = np.random.default_rng(seed)
        self.weights = np.array([o.weight for o in ops], float)
        self.weights /= self.weights.sum()
        self.tensors: list[Any] = []
        self.values: list[Value] = []

    def add(self, tensor: Any, exact: bool) -> None:
        self.tensors.append(tensor)
        self.values.append(Value(tensor.dtype.name, tuple(tensor.shape), exact))

    def inputs(self) -> list[np.ndarray]:
        rng = self.rng
        batch = int(rng.integers(1, 5))
        width = int(rng.choice([3, 4, 8]))
        words = np.array(
            [b"a b", b"the cat", b"", b"Hello, World", b"x1 y2 z3", b"7", b"-2.5", "né\u4e2d".encode()], object
        )
        made = [
            (rng.integers(-8, 9, (batch, width)) / 4).astype(np.float32),
            rng.integers(-3, 6, (batch, int(rng.integers(1, 5)))).astype(np.int32),
            rng.integers(0, 9, (int(rng.integers(1, 7)),)).astype(np.int64),
            words[rng.integers(0, len(words), (batch,))],
            (
                rng.integers(
                    -4, 5, (batch, int(rng.integers(4, 9)), int(rng.integers(4, 9)), int(rng.choice([1, 2, 3])))
                )
                / 4
            ).astype(np.float32),
        ]
        return made

    def plan(self, steps: int) -> Program:
        program = Program(self.inputs())
        for array in program.inputs:
            self.add(self.tf.constant(array), True)
        taken = tries = 0
        while taken < steps and tries < steps * 30:
            tries += 1
            kind = self.ops[int(self.rng.choice(len(self.ops), p=self.weights))]
            step = self.step(kind)
            if step is not None:
                program.steps.append(step)
                taken += 1
        used = {i for step in program.steps for i in step.inputs}
        program.outputs = [i for i in range(len(program.inputs), len(self.values)) if i not in used] or [0]
        program.answers = [as_array(self.tensors[i].numpy()) for i in program.outputs]
        return program

    def step(self, kind: Op) -> Step | None:
        """One step of a kind on values drawn, later ones more often, or None where it does not work out."""
        inputs = []
        for letter in kind.takes:
            fitting = [i for i, value in enumerate(self.values) if FITS[letter](value)]
            if not fitting:
                return None
            late = int(len(fitting) * self.rng.random() ** 0.5)
            inputs.append(fitting[min(late, len(fitting) - 1)])
        values = [self.values[i] for i in inputs]
        run = kind.draw(self.rng, *values)
        if run is None:
            return None
        try:
            results = _flat(self.tf, run(self.tf, self.module, *(self.tensors[i] for i in inputs)))
        except (self.tf.errors.OpError, ValueError, TypeError, IndexError):
            return None
        if not results or not all(self._usable(result) for result in results):
            return None
        exact = not kind.loses and all(value.exact for value in values)
        for result in results:
            self.add(result, exact or result.dtype.name in ("string", "bool"))
        return Step(kind.name, run, tuple(inputs))

    def _usable(self, tensor: Any) -> bool:
        if tensor.dtype.name not in ("float32", "int32", "int64", "bool", "string"):
            return False
        if tensor.shape.num_elements() > MAX_SIZE or tensor.shape.rank > 6:
            return False
        if tensor.dtype.name == "string":
            return all(len(text) < 200 for text in np.ravel(tensor.numpy()).tolist())
        values = tensor.numpy()
        return bool((np.abs(values) <= LIMIT).all()) if tensor.dtype.name == "float32" else True


def plan(tf: Any, module: Any, seed: int, ops: list[Op], steps: int = 25) -> Program:
    return Planner(tf, module, seed, ops).plan(steps)

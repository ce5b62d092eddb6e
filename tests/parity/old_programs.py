"""Random graphs as TensorFlow 1 wrote them: Switch and Merge, frames, reference variables, control edges.

All values are int32 vectors, whose arithmetic wraps and is exact. Everything that touches a variable is in a drawn
order kept by control edges, and each program first assigns its variables, so that every run of it gives the same.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tests.parity.random_programs import Program

MAX_DEPTH = 2


class Builder:
    """Adds random statements to the graph that TensorFlow builds at the moment."""

    def __init__(self, tf: Any, seed: int) -> None:
        self.tf, self.v1 = tf, tf.compat.v1
        self.rng = np.random.default_rng(seed)
        self.variables: list[Any] = []
        self.last: Any = None  # the operation that touched a variable last, in this frame or branch

    def coin(self) -> bool:
        return bool(self.rng.integers(2))

    def pick(self, values: list[Any]) -> Any:
        return values[int(self.rng.integers(len(values)))]

    def predicate(self, x: Any) -> Any:
        tf, modulus = self.tf, int(self.rng.integers(2, 5))
        return tf.equal(tf.math.floormod(tf.reduce_sum(x), modulus), int(self.rng.integers(modulus)))

    def after_last(self) -> Any:
        return self.v1.control_dependencies([] if self.last is None else [self.last])

    # Statements: of values there are, one new value.

    def arithmetic(self, values: list[Any], depth: int) -> Any:
        tf, a, b = self.tf, self.pick(values), self.pick(values)
        kind = int(self.rng.integers(7))
        if kind == 0:
            return tf.gather(a, tf.math.floormod(b, tf.size(a)))
        if kind == 1:
            return tf.cumsum(a, exclusive=self.coin(), reverse=self.coin())
        if kind == 2:
            return tf.reverse(a, [0])
        if kind == 3:
            return tf.where(tf.greater(a, b), a, b + 1)
        return (tf.add, tf.subtract, tf.maximum)[kind - 4](a, b)

    def constant(self, values: list[Any], depth: int) -> Any:
        return self.pick(values) * self.tf.constant(int(self.rng.integers(-3, 4)), name="k")

    def branch(self, values: list[Any], depth: int) -> Callable[[], Any]:
        """A function that builds a few statements; what it does to variables is ordered within it."""

        def build() -> Any:
            outer, self.last = self.last, None
            result = self.block(values, depth + 1)
            if self.last is not None:
                with self.v1.control_dependencies([self.last]):
                    result = self.tf.identity(result)
            self.last = outer
            return result

        return build

    def cond(self, values: list[Any], depth: int) -> Any:
        with self.after_last():
            predicate = self.tf.identity(self.predicate(self.pick(values)))
        result = self.v1.cond(predicate, self.branch(values, depth), self.branch(values, depth))
        self.last = result.op
        return result

    def switch(self, values: list[Any], depth: int) -> Any:
        """The bare ops, with a branch that may die and a control edge out of it."""
        raw, x = self.tf.raw_ops, self.pick(values)
        off, on = raw.Switch(data=x, pred=self.predicate(self.pick(values)))
        one, other = off + 1, on * 2
        if self.coin():
            with self.v1.control_dependencies([one]):
                one = self.tf.identity(self.pick(values))
        merged, which = raw.Merge(inputs=[one, other])
        return merged + which if self.coin() else merged

    def loop(self, values: list[Any], depth: int) -> Any:
        tf, v1 = self.tf, self.v1
        limit = tf.math.floormod(tf.reduce_sum(self.pick(values)), 4)
        outer = list(values)
        carried, with_array = self.coin(), self.coin()
        start = [tf.constant(0), self.pick(values), self.pick(values)]
        with self.after_last():
            start[1] = tf.identity(start[1])
        if with_array:
            start.append(tf.TensorArray(tf.int32, size=limit, element_shape=None, infer_shape=False))

        def body(i: Any, x: Any, y: Any, *array: Any) -> list[Any]:
            before, self.last = self.last, x.op
            inner = [x, y, *outer] if self.coin() else [x, y]
            z = self.block(inner, depth + 1)
            with v1.control_dependencies([self.last]):
                z = tf.identity(z)
            self.last = before
            return [i + 1, z, x if carried else y, *[a.write(i, x) for a in array]]

        shapes = [tf.TensorShape([]), tf.TensorShape([None]), tf.TensorShape([None])]
        if with_array:
            shapes.append(tf.TensorShape(None))
        results = v1.while_loop(
            lambda i, *_: i < limit, body, start, shapes, parallel_iterations=int(self.rng.choice([1, 10]))
        )
        self.last = results[1].op
        x = results[1]
        if with_array:  # the lengths of the rows may differ, so each is summed
            rows = v1.while_loop(
                lambda i, s: i < limit,
                lambda i, s: (i + 1, s + tf.reduce_sum(results[3].read(i))),
                (tf.constant(0), tf.constant(0)),
            )
            x = x + rows[1]
        return x + results[2][:1]

    def variable(self, values: list[Any], depth: int) -> Any:
        """Reads, assigns and reads a reference variable."""
        tf, v1 = self.tf, self.v1
        ref = self.pick(self.variables)
        change = (v1.assign, v1.assign_add, v1.assign_sub)[int(self.rng.integers(3))]
        total = tf.reduce_sum(self.pick(values))
        with self.after_last():
            before = self.read(ref)
        with v1.control_dependencies([before]):
            done = change(ref, tf.fill([3], total))
        with v1.control_dependencies([done]):
            after = self.read(ref)
        self.last = after.op
        return self.pick(values) + tf.reduce_sum(before * [1, 2, 3]) - after[1]

    def read(self, ref: Any) -> Any:
        """A copy: what Identity gives of a reference changes under the hands of those who hold it."""
        return ref.read_value() + 0

    def control(self, values: list[Any], depth: int) -> Any:
        with self.v1.control_dependencies([self.pick(values), self.pick(values)]):
            return self.tf.identity(self.pick(values)) if self.coin() else self.tf.constant([1, 2, 3])

    def placeholder(self, values: list[Any], depth: int) -> Any:
        return self.v1.placeholder_with_default(self.pick(values), [None])

    def concat(self, values: list[Any], depth: int) -> Any:
        tf = self.tf
        return tf.concat([self.pick(values), self.pick(values)], 0)[-3:]

    def block(self, values: list[Any], depth: int) -> Any:
        """A few statements one after another; the last value."""
        simple = [
            self.arithmetic,
            self.arithmetic,
            self.constant,
            self.switch,
            self.variable,
            self.control,
            self.concat,
        ]
        nested = [self.cond, self.loop] if depth < MAX_DEPTH else []
        values = list(values)
        for _ in range(int(self.rng.integers(1, 4 - depth)) if depth < 3 else 1):
            values.append(self.aligned(self.pick(simple + nested + nested)(values, depth), depth))
        return values[-1]

    def aligned(self, value: Any, depth: int) -> Any:
        """Vectors of three, so that all fit all."""
        return self.tf.reshape(self.tf.concat([value, value, value, [0, 1, 2]], 0)[:3], [3])


def build(tf: Any, seed: int) -> tuple[list[Any], list[Any], list[np.ndarray]]:
    """Placeholders, outputs and what to feed of one program, added to the default graph."""
    builder = Builder(tf, seed)
    v1, rng = tf.compat.v1, builder.rng
    inputs = [v1.placeholder(tf.int32, [None]) for _ in range(2)]
    arrays = [rng.integers(-9, 10, 3).astype(np.int32) for _ in inputs]
    starts = []
    for number in range(2):
        start = rng.integers(-5, 6, 3).astype(np.int32)
        builder.variables.append(v1.Variable(start, name=f"v{seed}_{number}", use_resource=False))
        starts.append(v1.assign(builder.variables[-1], start))
    with v1.control_dependencies(starts):
        values = [builder.aligned(tf.identity(x), 0) for x in inputs]
    builder.last = values[0].op
    with v1.control_dependencies([values[1]]):
        values[0] = tf.identity(values[0])
        builder.last = values[0].op
    outputs = []
    for _ in range(4):
        values.append(builder.block(values, 0))
        outputs.append(values[-1])
    with builder.after_last():
        outputs += [builder.read(variable) for variable in builder.variables]
    return inputs, outputs, arrays


def save(tf: Any, directory: Path | str, seeds: list[int]) -> dict[str, Program]:
    """A SavedModel by TensorFlow 1's builder, with a signature for each seed."""
    v1 = tf.compat.v1
    v1.disable_control_flow_v2()
    programs, signatures = {}, {}
    try:
        graph = tf.Graph()
        with graph.as_default(), v1.Session(graph=graph) as session:
            built = {seed: build(tf, seed) for seed in seeds}
            session.run(v1.global_variables_initializer())
            for seed, (inputs, outputs, arrays) in built.items():
                try:
                    answers = session.run(outputs, dict(zip(inputs, arrays, strict=True)))
                except tf.errors.InvalidArgumentError:  # "Retval[0] does not have value": beyond TensorFlow itself
                    continue
                programs[f"s{seed}"] = Program(arrays, answers=answers)
                signatures[f"s{seed}"] = v1.saved_model.predict_signature_def(
                    {f"x{i}": x for i, x in enumerate(inputs)}, {f"y{i:03}": y for i, y in enumerate(outputs)}
                )
            builder = v1.saved_model.builder.SavedModelBuilder(str(directory))
            builder.add_meta_graph_and_variables(session, ["serve"], signatures)
            builder.save()
    finally:
        v1.enable_control_flow_v2()
    return programs

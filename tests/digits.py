"""Small float32 results of TensorFlow with oneDNN, to the last digit: what is computed, and where the answers are kept.

`python -m tests.digits` asks TensorFlow and writes them. The answers are those of a processor with AVX-512.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

ANSWERS = Path(__file__).parents[1] / "fixtures" / "digits.npz"
UNARY = ("Exp", "Sigmoid", "Softmax", "Tanh")
FUSED = "sigmoid"  # an activation that follows a product and a bias at once
SHAPES = ((1, 1), (1, 2), (3, 7), (2, 8), (5, 17), (9, 32), (1, 33), (2, 64), (4, 100), (1, 200), (3, 256))


def cases() -> Iterator[tuple[str, str, tuple[Array, ...]]]:
    """A name, an op and its inputs."""
    rng = np.random.default_rng(20)
    for op in UNARY:
        for shape in SHAPES:
            x = (rng.standard_normal(shape) * 4).astype(np.float32)
            yield f"{op} {shape[0]} {shape[1]}", op, (x,)
    for rows, terms, columns in ((1, 4, 3), (1, 100, 1), (1, 33, 8), (3, 17, 5), (8, 200, 2), (32, 64, 33), (2, 1, 2)):
        a, b = rng.standard_normal((rows, terms)), rng.standard_normal((terms, columns))
        yield f"MatMul {rows} {terms} {columns}", "MatMul", (a.astype(np.float32), b.astype(np.float32))
    for shape in SHAPES:
        yield f"{FUSED} {shape[0]} {shape[1]}", FUSED, ((rng.standard_normal(shape) * 4).astype(np.float32),)
    for rows, terms in ((2, 1), (3, 3), (5, 15), (40, 16), (3, 31), (8, 100), (50, 303), (6, 3001)):
        a, b = rng.standard_normal((rows, terms)), rng.standard_normal((terms, 1))
        yield f"MatMul {rows} {terms} 1", "MatMul", (a.astype(np.float32), b.astype(np.float32))


def main() -> None:
    """Asks TensorFlow, and writes to the file that is named, or to ANSWERS."""
    os.environ["TF_ENABLE_ONEDNN_OPTS"] = "1"
    import tensorflow as tf  # type: ignore[import-untyped]

    answers = {}
    for name, op, inputs in cases():
        with tf.Graph().as_default(), tf.compat.v1.Session() as session:
            placeholders = [tf.compat.v1.placeholder(tf.float32, [None, None]) for _ in inputs]
            if op == FUSED:
                size = inputs[0].shape[1]
                product = tf.raw_ops.MatMul(a=placeholders[0], b=np.eye(size, dtype=np.float32))
                # Zeros that a rewrite of the graph does not see, as it would drop their sum.
                zeros = tf.compat.v1.placeholder_with_default(np.zeros(size, np.float32), [size])
                out = tf.sigmoid(tf.raw_ops.BiasAdd(value=product, bias=zeros))
            else:
                out = getattr(tf.raw_ops, op)(**dict(zip(_ARGUMENTS[op], placeholders)))
            answers[name] = session.run(out, dict(zip(placeholders, inputs)))
    np.savez_compressed(sys.argv[1] if len(sys.argv) > 1 else ANSWERS, **answers)


_ARGUMENTS = {"Exp": "x", "Sigmoid": "x", "Tanh": "x", "Softmax": ["logits"], "MatMul": "ab"}

if __name__ == "__main__":
    main()

"""TensorFlow reads and parses the tf.Examples that `smcli examples` writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.test_own_commands import call  # noqa: F401 (a fixture)

ROWS = """{"age": 22, "tags": ["a", "b"], "grid": [[1, 2], [3, 4.5]], "raw": {"b64": "AP8="}}
{"age": -9223372036854775808, "tags": [], "grid": [[0, 0], [0, 1e39]], "raw": "\\u00e4"}
"""


@pytest.mark.parametrize(("suffix", "compression"), [("", ""), (".gz", "GZIP"), (".zlib", "ZLIB")])
def test_written_records_are_read(call, tmp_path: Path, suffix: str, compression: str) -> None:  # noqa: F811
    import tensorflow as tf

    (tmp_path / "rows.jsonl").write_text(ROWS)
    out = tmp_path / f"rows.tfrecord{suffix}"
    assert call("examples", tmp_path / "rows.jsonl", "-o", out)[0] == 0
    features = {
        "age": tf.io.FixedLenFeature([], tf.int64),
        "tags": tf.io.RaggedFeature(tf.string),
        "grid": tf.io.FixedLenFeature([2, 2], tf.float32),
        "raw": tf.io.FixedLenFeature([], tf.string),
    }
    dataset = tf.data.TFRecordDataset(str(out), compression).batch(2)
    parsed = next(iter(dataset.map(lambda batch: tf.io.parse_example(batch, features))))
    assert parsed["age"].numpy().tolist() == [22, -(2**63)]
    assert parsed["tags"].to_list() == [[b"a", b"b"], []]
    assert parsed["grid"].numpy().tolist() == [[[1, 2], [3, 4.5]], [[0, 0], [0, float("inf")]]]
    assert parsed["raw"].numpy().tolist() == [b"\0\xff", "ä".encode()]

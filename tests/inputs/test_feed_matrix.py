"""What a TensorFlow session makes of 1,238 pairs of a value and a placeholder's dtype: printed, saved, or refused."""

from __future__ import annotations

import ast
import base64
import io
import json
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from smcli.errors import SmcliError
from smcli.inputs.feeding import as_fed, to_tensor
from smcli.report.outputs import as_fetched, result_text
from smcli.tensors.types import by_name

ROWS = [json.loads(line) for line in Path("fixtures/golden/feed_matrix.jsonl").read_text(encoding="utf-8").splitlines()]

ARRAYS = {
    "np_bool": np.array([True, False]),
    "np_int8": np.array([-1, 127], np.int8),
    "np_int64": np.array([-1, 300, 2**40]),
    "np_uint64": np.array([1, 2**63 + 1], np.uint64),
    "np_f16": np.array([1.5, -2.5], np.float16),
    "np_f32": np.array([1.5, -2.5, 3e38], np.float32),
    "np_f64": np.array([1.5, -2.5, 1e300]),
    "np_f64_nan": np.array([np.nan, np.inf, -np.inf]),
    "np_c64": np.array([1 + 2j], np.complex64),
    "np_U": np.array(["1", "ab"]),
    "np_Unum": np.array(["1", "2"]),
    "np_S": np.array([b"1", b"ab"]),
    "np_O_str": np.array(["1", b"2"], object),
    "np_O_num": np.array([1, 2.5], object),
    "np_0d_i64": np.array(3),
    "np_0d_f64": np.array(2.5),
    "np_0d_S": np.array(b"abc"),
    "np_0d_U": np.array("abc"),
    "np_V2": np.array([b"\x00<", b"\x00@"], "V2"),
    "np_V1": np.array([b"\x01", b"\x02"], "V1"),
    "np_dt": np.array(["2020-01-01"], "M8[D]"),
    "np_be_i4": np.array([1, 2], ">i4"),
    "np_struct": np.array([(1, 2.0)], [("f0", "<i4"), ("f1", "<f4")]),
    "np_empty_f": np.zeros((0, 3), np.float32),
    "np_F": np.asfortranarray([[1.0, 2.0], [3.0, 4.0]]),
    "scalar_f64": np.float64(2.5),
    "scalar_i64": np.int64(3),
}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['dtype']}-{row['value']}")
def test_row(row: dict[str, Any]) -> None:
    value = ARRAYS[row["value"]] if row["kind"] == "array" else ast.literal_eval(row["value"])
    data_type = by_name(row["dtype"])
    if not row["ok"]:
        with pytest.raises(SmcliError) as raised:
            to_tensor(as_fed(value, data_type), data_type)
        assert (raised.value.shown_as.rpartition(".")[2], raised.value.message) == (row["error"], row["message"])
        return
    fetched = as_fetched(to_tensor(as_fed(value, data_type), data_type))
    if not ("3000000000" in row["value"] and str(np.float32(3e9)) != "3e+09"):  # printed otherwise before NumPy 2.3
        assert result_text("key", fetched) == f"Result for output key key:\n{row['printed']}"
    assert type(fetched).__name__ == row["type"]
    assert saved_header(fetched) == row["npy_header"]
    assert recorded_form(np.asarray(fetched)) == row["values"]


def saved_header(value: Any) -> str:
    file = io.BytesIO()
    np.save(file, value)
    length = int.from_bytes(file.getvalue()[8:10], "little")
    return file.getvalue()[10 : 10 + length].decode("latin-1").rstrip()


def recorded_form(array: Any) -> Any:
    """`array` in the JSON form of the record: nested lists, strings where JSON has no number of that kind."""
    if array.dtype.kind == "V":  # bfloat16, float8_e4m3fn, int4: flat, as text
        return [str(item) for item in array.ravel()]
    return nested_form((array.astype(float) if array.dtype == ml_dtypes.float8_e5m2 else array).tolist())


def nested_form(item: Any) -> Any:
    if isinstance(item, list):
        return [nested_form(part) for part in item]
    if isinstance(item, bytes):
        return {"bytes": base64.b64encode(item).decode()}
    if isinstance(item, complex):
        return {"complex": [repr(item.real), repr(item.imag)]}
    if isinstance(item, float) and not np.isfinite(item):
        return repr(item)
    return item

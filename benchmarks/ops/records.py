"""Rows of strings, encodings, records and tables."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.ops.inputs import MILLION, applied, graph_row, ints, later, normal, row, shuffled, texts
from tests.cases import parsing, sequence_parsing
from tests.cases.crosses import first
from tests.values import i64

I32 = np.int32
WORDS = texts(MILLION)
SENTENCES = texts(100_000, "the quick brown fox %d jumps över the lazy dog")


def text(value: bytes) -> np.ndarray:
    return np.array(value, object)


for op in ("StringLower", "StringUpper", "StringStrip", "StringLength"):
    row(op, input=WORDS)
for op in ("StringLower", "StringUpper"):
    row(op, "utf-8", input=SENTENCES, encoding="utf-8")
row("StringLength", "utf-8", input=SENTENCES, unit="UTF8_CHAR")
row("Substr", input=WORDS, pos=I32(1), len=I32(3))
row("Substr", "utf-8", input=SENTENCES, pos=I32(20), len=I32(30), unit="UTF8_CHAR")
row("StringJoin", inputs=[WORDS, WORDS], separator="-")
row("ReduceJoin", inputs=applied(lambda x: x.reshape(1000, 1000), WORDS), reduction_indices=I32(1), separator=" ")
row("EncodeBase64", input=WORDS)
row(
    "DecodeBase64",
    input=applied(lambda x: np.array([base64.urlsafe_b64encode(s).rstrip(b"=") for s in x], object), WORDS),
)
row("StringSplit", input=SENTENCES, delimiter=text(b" "))
row("StringSplitV2", input=SENTENCES, sep=text(b""))
row("StringSplitV2", "comma", input=texts(100_000, "a,b,c,%d"), sep=text(b","))
row("StaticRegexReplace", input=SENTENCES, pattern="[^a-z ]+", rewrite="")
row("StaticRegexReplace", "groups", input=WORDS, pattern=r"(\w+) (\d+)", rewrite=r"\2-\1")
row("StaticRegexFullMatch", input=WORDS, pattern=r"word \d+5")
row("AsString", input=ints(0, MILLION, MILLION))
row("AsString", "float32", input=normal(MILLION))
row("AsString", "precision", input=normal(MILLION), precision=3)
row("StringToNumber", string_tensor=texts(MILLION, "%d.25"), out_type="float32")
row("StringToNumber", "int64", string_tensor=texts(MILLION, "%d"), out_type="int64")
row("StringFormat", inputs=[normal(1000)], template="x = {}", placeholder="{}", summarize=-1)
for op in ("StringToHashBucketFast", "StringToHashBucketStrong"):
    key = {"key": [1, 2]} if op.endswith("Strong") else {}
    row(op, input=WORDS, num_buckets=1000, **key)
    row(op, "sentences", input=SENTENCES, num_buckets=1000, **key)
row("StringToHashBucket", string_tensor=WORDS, num_buckets=1000)
row("Fingerprint", data=ints(0, 255, 100_000, 10, dtype="uint8"), method=text(b"farmhash64"))
row(
    "StringNGrams", data=WORDS, data_splits=applied(lambda: np.arange(0, MILLION + 1, 10)), separator=" ",
    ngram_widths=[1, 2], left_pad="", right_pad="", pad_width=0, preserve_short_sequences=False,
)  # fmt: skip
UTF = {"errors": "replace"}
row("UnicodeDecode", input=SENTENCES, input_encoding="UTF-8", **UTF)
row(
    "UnicodeEncode", input_values=ints(97, 123, MILLION), input_splits=applied(lambda: np.arange(0, MILLION + 1, 10)),
    output_encoding="UTF-8",
)  # fmt: skip
row("UnicodeScript", input=ints(0, 0x3000, MILLION))
row("UnicodeTranscode", input=SENTENCES, input_encoding="UTF-8", output_encoding="UTF-16-BE", **UTF)
row("UnicodeTranscode", "utf-8", input=SENTENCES, input_encoding="UTF-8", output_encoding="UTF-8", **UTF)
row("DecodeRaw", bytes=applied(lambda x: x.reshape(-1), texts(100_000, "%08d")), out_type="int32")
row("DecodePaddedRaw", input_bytes=texts(100_000, "%08d"), fixed_length=I32(16), out_type="int32")
row(
    "DecodeCSV",
    records=texts(100_000, "%d,2.5,abc"),
    record_defaults=[np.int64([]), np.float32([]), np.array([], object)],
)
row("SerializeTensor", tensor=normal(MILLION))
row("ParseTensor", serialized=applied(lambda x: text(_proto(x)), normal(MILLION)), out_type="float32")


def _proto(value: np.ndarray) -> bytes:
    from smcli.tensors import wire
    from smcli.tensors.types import from_numpy

    return wire.to_proto(value, from_numpy(value.dtype)).SerializeToString()


@later
def examples(count: int) -> np.ndarray:
    numbers = np.random.default_rng(0).random(count).tolist()
    made = [
        parsing.example(
            a=[i, i + 1],
            b=[b"x%d" % i] * (i % 4) or "string",
            c=[n, 2.5, 3.5],
            d=[i % 7],
            e=[n] * (i % 3) or "float32",
            f=[b"label"],
        )
        for i, n in enumerate(numbers)
    ]
    return np.array(made, object)


def keywords_of(make: Callable[..., Any], records: Any, *rest: Any, **more: Any) -> dict[str, Any]:
    """The keywords of a case that a table of cases makes, its records postponed."""
    keywords = dict(make(np.zeros(0, object), *rest, **more).keywords)
    for key, value in keywords.items():
        if isinstance(value, np.ndarray) and value.dtype == object:
            keywords[key] = np.array([item.encode() if isinstance(item, str) else item for item in value], object)
    return {**keywords, "serialized": records}


EXAMPLES = examples(20_000)
DENSE = (("a", "int64", [2], []), ("c", "float32", [3], []), ("d", "int64", [], 0), ("f", "string", [], b""))
SPARSE = (("b", "string"), ("e", "float32"))
row("ParseExampleV2", **keywords_of(parsing.v2, EXAMPLES, SPARSE, DENSE))
row("ParseExampleV2", "ragged", **keywords_of(parsing.v2, EXAMPLES, (), DENSE, (("b", "string", "int64"),)))
row(
    "ParseExample", serialized=EXAMPLES, names=np.zeros(0, object), sparse_keys=[text(b"b"), text(b"e")],
    dense_keys=[text(b"a"), text(b"c"), text(b"d")], sparse_types=["string", "float32"],
    dense_defaults=[np.int64([]), np.float32([]), np.int64(0)], dense_shapes=[[2], [3], []],
)  # fmt: skip


@later
def sequences(count: int) -> np.ndarray:
    one = [
        sequence_parsing.sequence(
            {"d": [i]}, {"x": [[j, j + 1] for j in range(10)], "y": [[b"w"] * (j % 3) or [b"v"] for j in range(5)]}
        )
        for i in range(count)
    ]
    return np.array(one, object)


row(
    "ParseSequenceExampleV2",
    **keywords_of(
        sequence_parsing.v2, sequences(3000), cd=(("d", "int64", [], 0),), fd=(("x", "int64", [2], False),),
        fs=(("y", "string"),),
    ),
)  # fmt: skip


@later
def pairs(count: int) -> np.ndarray:
    return np.stack([np.arange(count), np.zeros(count, int)], 1).astype(np.int64)


def crossed(hashed: bool, count: int = 100_000) -> dict[str, Any]:
    shape = i64(count, 1)
    like = first([(np.zeros((0, 2), np.int64), np.zeros(0, object), shape)] * 2, hashed=hashed, buckets=1000)
    columns = {"indices": [pairs(count)] * 2, "values": [texts(count), texts(count, "b%d")], "shapes": [shape] * 2}
    return {**like.keywords, **columns}


row("SparseCross", **crossed(True))
row("SparseCross", "strings", **crossed(False))


def table(tf: Any, kind: str, key: Any, value: Any, **attrs: Any) -> Any:
    name = f"{kind} {key} {value}"  # TensorFlow keeps tables from row to row
    return getattr(tf.raw_ops, kind)(key_dtype=key, value_dtype=value, shared_name=name, **attrs)


NUMBERS, FOUND = shuffled(MILLION, "int64"), ints(0, 2 * MILLION, MILLION, dtype="int64")
KEYS = texts(MILLION)


@later
def distinct(count: int) -> np.ndarray:
    return np.array([b"word %d" % i for i in range(count)], object)


@graph_row("HashTableV2 numbers", "HashTableV2 LookupTableFindV2 LookupTableSizeV2", keys=NUMBERS, found=FOUND)
def static_numbers(tf, keys, found):
    made = table(tf, "HashTableV2", tf.int64, tf.int64)
    with tf.control_dependencies([tf.raw_ops.LookupTableImportV2(table_handle=made, keys=keys, values=keys)]):
        return _found(tf, made, found, np.int64(-1))


def _found(tf: Any, made: Any, keys: Any, default: Any) -> list[Any]:
    raw = tf.raw_ops
    return [
        raw.LookupTableFindV2(table_handle=made, keys=keys, default_value=tf.constant(default)),
        raw.LookupTableSizeV2(table_handle=made),
    ]


@graph_row("HashTableV2 strings", "HashTableV2 InitializeTableV2 LookupTableFindV2", keys=distinct(MILLION), found=KEYS)
def static_strings(tf, keys, found):
    made = table(tf, "HashTableV2", tf.string, tf.int64)
    values = tf.range(tf.size(keys, tf.int64))
    with tf.control_dependencies([tf.raw_ops.InitializeTableV2(table_handle=made, keys=keys, values=values)]):
        return _found(tf, made, found, np.int64(-1))


for name, key, keys, found in (("numbers", "int64", NUMBERS, FOUND), ("strings", "string", distinct(MILLION), KEYS)):

    @graph_row(
        f"MutableHashTableV2 {name}", "MutableHashTableV2 LookupTableInsertV2 LookupTableExportV2",
        keys=keys, found=found,
    )  # fmt: skip
    def mutable(tf, keys, found, key=key):
        made = table(tf, "MutableHashTableV2", tf.as_dtype(key), tf.int64)
        values = tf.range(tf.size(keys, tf.int64))
        with tf.control_dependencies([tf.raw_ops.LookupTableInsertV2(table_handle=made, keys=keys, values=values)]):
            exported = tf.raw_ops.LookupTableExportV2(table_handle=made, Tkeys=tf.as_dtype(key), Tvalues=tf.int64)
            return [*_found(tf, made, found, np.int64(-1)), exported[1]]


@graph_row(
    "MutableDenseHashTableV2", "MutableDenseHashTableV2 LookupTableImportV2", keys=shuffled(100_000, "int64"),
    found=ints(0, 200_000, 100_000, dtype="int64"),
)  # fmt: skip
def dense_table(tf, keys, found):
    made = tf.raw_ops.MutableDenseHashTableV2(
        empty_key=tf.constant(-1, tf.int64), deleted_key=tf.constant(-2, tf.int64), value_dtype=tf.int64
    )
    with tf.control_dependencies([tf.raw_ops.LookupTableInsertV2(table_handle=made, keys=keys, values=keys)]):
        return _found(tf, made, found, np.int64(-1))


@graph_row("HashTable", "HashTable InitializeTable LookupTableFind LookupTableSize", keys=NUMBERS, found=FOUND)
def first_table(tf, keys, found):
    raw = tf.raw_ops
    made = table(tf, "HashTable", tf.int64, tf.int64)
    with tf.control_dependencies([raw.InitializeTable(table_handle=made, keys=keys, values=keys)]):
        return [
            raw.LookupTableFind(table_handle=made, keys=found, default_value=tf.constant(-1, tf.int64)),
            raw.LookupTableSize(table_handle=made),
        ]


@graph_row(
    "MutableHashTable",
    "MutableHashTable LookupTableInsert LookupTableImport LookupTableFind",
    keys=NUMBERS,
    found=FOUND,
)
def first_mutable_table(tf, keys, found):
    raw = tf.raw_ops
    made = table(tf, "MutableHashTable", tf.int64, tf.int64)
    with tf.control_dependencies([raw.LookupTableInsert(table_handle=made, keys=keys, values=keys)]):
        again = raw.LookupTableImport(table_handle=made, keys=keys, values=keys)
    with tf.control_dependencies([again]):
        return [raw.LookupTableFind(table_handle=made, keys=found, default_value=tf.constant(-1, tf.int64))]

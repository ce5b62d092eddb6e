"""String ops: case, length, substrings, joins, base64, numbers, hashes, raw bytes, edit distance, formats."""

from __future__ import annotations

import gzip
import itertools
import zlib

import ml_dtypes
import numpy as np

from tests.cases import Typed, case

_I = np.int32
rng = np.random.default_rng(5)
CASED = ["ÀÉÎßẞİIıΣ ΑΣ abcXYZ".encode(), b"\xff\xfeABCabc", "Ǆǅǆ ŉ ﬁ".encode(), b"", "ÄÖü".encode()]
NOTHING = np.zeros(0, object)
HASHED = [rng.bytes(int(n)) for n in (0, 1, 3, 4, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129, 200)]
FLOATS = [0.0, -0.0, 1.0, -2.25, 1e10, 1e-10, 3.14159274, 1e20, 123456789.0, np.inf, -np.inf, np.nan, 0.1]
NUMBERS = [
    b"1", b" 1 ", b"1.5", b"1e3", b"0x10", b"0x1p3", b"inf", b"-INF", b"nan", b"nan(1)", b"+infinity", b"+1", b"1e400",
    b"-1e400", b"1e-400", b"1.", b".5", b"99999999999", b"-0", b"\t1\n", b"1e-46", b"1e39", b"18446744073709551615",
    b"010", b"1.00000005960464477539062500001", b"1.000000059604644775390625",
    b"340282356779733661637539395458142568447",
]  # fmt: skip
NO_NUMBERS = [
    b"",
    b"1_000",
    b"1f",
    b"1 2",
    "１".encode(),
    b"+-1",
    b"--1",
    b"1\x00",
    b"- 1",
    b"0b1",
    b"x",
    b"0x",
    b"1e",
    b".",
]
INTEGERS = [b"1", b" -1 ", b"+7", b"2147483647", b"-2147483648", b"010", b"-0"]

CASES = [
    *[case(op, input=CASED, encoding=encoding) for op in ("StringLower", "StringUpper") for encoding in ("", "utf-8")],
    case("StringLower", input=[[b"Ab"], [b"cD"]]),
    case("StringUpper", input=b"aB"),
    case("StringLower", input=NOTHING),
    case("StringLower", input=[b"A"], encoding="utf-16"),
    case("StringUpper", input=[b"A"], encoding="utf-16"),
    case("StringStrip", input=[b" \t\n\v\f\r a b \x00 ", b"   ", "\u00a0x\u3000".encode(), b"\x1c a \x85"]),
    *[
        case("StringLength", input=["aé€😀".encode(), b"\xff\x80\x80a", b"", b"ab"], unit=unit)
        for unit in ("BYTE", "UTF8_CHAR")
    ],
    case("StringLength", input=b"abc"),
    case("StringLength", input=np.zeros((2, 0), object)),
    *[
        case("Substr", input=[value], pos=[pos], len=[length], unit=unit)
        for unit, value in (("BYTE", b"hello"), ("UTF8_CHAR", "hé€l😀".encode()), ("UTF8_CHAR", b"hello"))
        for pos, length in itertools.product((-6, -5, -2, 0, 3, 5, 6), (0, 2, 9, -1))
    ],
    case("Substr", input=[b"hello", b"world"], pos=1, len=2),
    case("Substr", input=[b"hello", b"world"], pos=np.int64(1), len=np.int64(2)),
    case("Substr", input=[b"hello", b"world"], pos=[[1], [2]], len=[[2], [3]]),
    case("Substr", input=[b"hello", b"world"], pos=[[1], [2]], len=[2, 3]),
    case("Substr", input=b"hello", pos=[1, 2], len=[2, 3]),
    case("Substr", input=[[b"hello", b"world"]], pos=[1, 2], len=[2, 3]),
    case("Substr", input=[b"a\xff\x80b", b"\x80\x80a"], pos=[1, 0], len=[1, 1], unit="UTF8_CHAR"),
    case("Substr", input=[b"hello", b"x"], pos=[[[1]], [[2]]], len=[[[2]], [[3]]]),
    case("Substr", input=[b"hello", b"worl", b"abcd"], pos=[1, 2], len=[2, 2]),
    case("Substr", input=NOTHING, pos=1, len=1),
    case("StringJoin", inputs=[[b"a", b"b"], b"x", [b"c", b"d"]], separator="-"),
    case("StringJoin", inputs=[[b"a", b"b"], [b"x"]]),
    case("StringJoin", inputs=[b"a", b"b"], separator="é"),
    case("StringJoin", inputs=[[b"a"]]),
    case("StringJoin", inputs=[[[b"a"], [b"b"]], [[b"c"], [b"d"]]]),
    *[
        case(
            "ReduceJoin",
            inputs=[[b"a", b"b", b"c"], [b"d", b"e", b"f"]],
            reduction_indices=axes,
            keep_dims=keep,
            separator="-",
        )
        for axes in (np.zeros(0, np.int32), _I([0]), _I([1]), _I([-1]), _I([0, 1]), _I([1, 0]), _I(0))
        for keep in (False, True)
    ],
    case("ReduceJoin", inputs=np.array([b"%d" % i for i in range(24)]).reshape(2, 3, 4), reduction_indices=_I([2, 0])),
    case("ReduceJoin", inputs=[[b"a"]], reduction_indices=_I([0, -2])),
    case("ReduceJoin", inputs=[[b"a"]], reduction_indices=_I(2)),
    case("ReduceJoin", inputs=np.zeros((0, 2), object), reduction_indices=_I(0)),
    case("ReduceJoin", inputs=np.zeros((2, 0), object), reduction_indices=_I(1), separator="-"),
    case("ReduceJoin", inputs=b"x", reduction_indices=np.zeros(0, np.int32)),
    case("ReduceJoin", inputs=b"x", reduction_indices=_I([0])),
    *[
        case("UnsortedSegmentJoin", inputs=x, segment_ids=np.array(ids, dtype), num_segments=n, separator="-")
        for dtype in (np.int32, np.int64)
        for x, ids, n in [
            ([[b"a", b"b"], [b"c", b"d"]], [1, 1], 3),
            ([[b"a", b"b"], [b"c", b"d"]], [[1, 0], [1, 0]], 2),
            ([b"a", b"b", b"c"], [0, 2, 0], 4),
        ]
    ],
    *[
        case("UnsortedSegmentJoin", inputs=[b"a", b"b"], segment_ids=ids, num_segments=n)
        for ids, n in (([1, -1], 2), ([1, 2], 2), ([1], 2), ([1, 0], -2), (0, 2))
    ],
    case(
        "UnsortedSegmentJoin",
        _label="empty",
        inputs=[b"", b"a", b"", b"", b"", b"b", b"c", b""],
        segment_ids=np.array([0, 0, 0, 1, 1, 1, 2, 2], np.int32),
        num_segments=4,
        separator="/",
    ),
    case("UnsortedSegmentJoin", inputs=NOTHING, segment_ids=np.zeros(0, np.int32), num_segments=2),
    *[case("EncodeBase64", input=[rng.bytes(n) for n in range(9)], pad=pad) for pad in (False, True)],
    case("EncodeBase64", input=[[b"\xff\xfe\xfd"]]),
    case("DecodeBase64", input=[b"", b"_-8", b"YQ", b"YQ==", b"YWI", b"YWI=", b"YWJj", b"YWJjZA=="]),
    *[
        case("DecodeBase64", input=[x])
        for x in (b"a+b/", b"YQ=", b"Y", b"YQ===", b"Y=Q=", b"YR", b"Y Q=", b"====", b"YWJjZ", b"=", b"YWJj====")
    ],
    *[case("StringToNumber", string_tensor=NUMBERS, out_type=t) for t in ("float32", "float64")],
    *[case("StringToNumber", string_tensor=[INTEGERS], out_type=t) for t in ("int32", "int64")],
    *[case("StringToNumber", string_tensor=[b"1", b"+7", b"4294967295"], out_type=t) for t in ("uint32", "uint64")],
    *[case("StringToNumber", string_tensor=[x], out_type=t) for x in NO_NUMBERS for t in ("float32", "int64")],
    *[case("StringToNumber", string_tensor=[x], out_type="int32") for x in (b"2147483648", b"1.0")],
    *[case("StringToNumber", string_tensor=[x], out_type="uint32") for x in (b"-1", b"4294967296", b"-0")],
    case("StringToNumber", string_tensor=[b"18446744073709551615"], out_type="uint64"),
    case("StringToNumber", string_tensor=[b"9223372036854775808"], out_type="int64"),
    case("StringToNumber", string_tensor=b"2"),
    case("StringToNumber", string_tensor=NOTHING),
    *[
        case("AsString", input=np.array(FLOATS, dtype), **attrs)
        for dtype in (np.float32, np.float64)
        for attrs in (
            {},
            {"precision": 3},
            {"scientific": True},
            {"scientific": True, "precision": 2},
            {"shortest": True},
            {"shortest": True, "precision": 2},
            {"width": 12},
            {"width": 12, "fill": "0"},
            {"width": 12, "fill": "-"},
            {"width": 12, "fill": " "},
            {"width": 12, "fill": "+"},
            {"fill": "0"},
            {"width": 0},
            {"precision": 0},
            {"fill": "+"},
            {"fill": " "},
            {"fill": "-"},
        )
    ],
    *[
        case("AsString", input=np.array([0.1, 1e4, -3.3, np.inf]).astype(dtype), **attrs)
        for dtype in (np.float16, ml_dtypes.bfloat16)
        for attrs in ({}, {"shortest": True}, {"precision": 2})
    ],
    *[
        case("AsString", input=np.array([0, 7, np.iinfo(dtype).min, np.iinfo(dtype).max], dtype), **attrs)
        for dtype in (np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint32, np.int64, np.uint64)
        for attrs in (
            {},
            {"width": 5},
            {"width": 5, "fill": "0"},
            {"width": 5, "fill": "-"},
            {"width": 5, "fill": "+"},
            {"width": 5, "fill": " "},
        )
    ],
    *[
        case("AsString", input=np.array([42], np.int32), **attrs)
        for attrs in (
            {"precision": 3},
            {"scientific": True},
            {"shortest": True},
            {"fill": "00", "width": 3},
            {"fill": "a", "width": 4},
            {"fill": "0"},
            {"fill": "-"},
            {"fill": "#", "width": 4},
        )
    ],
    case("AsString", input=np.float32(1), scientific=True, shortest=True),
    *[
        case("AsString", input=x, **attrs)
        for x in (np.array([True, False]), [b"abc", b"", "é".encode()])
        for attrs in (
            {},
            {"width": 8},
            {"width": 8, "fill": "0"},
            {"width": 8, "fill": "-"},
            {"width": 8, "fill": "+"},
            {"precision": 1},
            {"width": 8, "fill": " "},
        )
    ],
    *[
        case("AsString", input=np.array([1 + 2j, -0.1 - 1e10j], dtype), **attrs)
        for dtype in (np.complex64, np.complex128)
        for attrs in (
            {},
            {"precision": 2},
            {"scientific": True},
            {"shortest": True},
            {"width": 12},
            {"width": 12, "fill": "0"},
            {"width": 12, "fill": "-"},
            {"width": 12, "fill": "+"},
        )
    ],
    case("AsString", input=np.zeros((2, 0), np.int32)),
    case("AsString", input=np.int64(7)),
    *[
        case("StringFormat", inputs=[x], template="x%sy", placeholder="%s", summarize=summarize)
        for summarize in (3, 1, 0, -1)
        for x in (
            np.arange(12).reshape(3, 4),
            np.arange(10.0) / 3,
            np.float32(1 / 3),
            np.array([b"a", b"q\"\n'\xff\x01\\"], object),
            b"s",
            np.array([True, False]),
            np.zeros((2, 0)),
            np.arange(48).reshape(2, 3, 8),
            np.arange(5, dtype=np.uint8),
            np.zeros(0, np.int32),
            np.array([1e-5, 1e20, 123456.789, np.inf, np.nan, -0.0], np.float32),
            np.array([1e-5, 1e20, 123456.789, np.pi]),
            np.array([0.1, 2.5], np.float16),
            np.array([0.1, 2.5], ml_dtypes.bfloat16),
            np.arange(81).reshape(3, 3, 3, 3),
            np.array([1 + 2j], np.complex64),
            np.array([-1, 1], np.int8),
        )
    ],
    case("StringFormat", inputs=[np.int32(1), np.float32(2.5)], template="a{}b{}c", placeholder="{}"),
    case("StringFormat", inputs=[Typed(np.array([1, -2], np.int8), "qint8")], template="{}", placeholder="{}"),
    *[case("StringToHashBucketFast", input=HASHED, num_buckets=n) for n in (1, 7, 1 << 31, (1 << 62) + 11)],
    *[case("StringToHashBucket", string_tensor=HASHED, num_buckets=n) for n in (1, 7, (1 << 62) + 11)],
    *[
        case("StringToHashBucketStrong", input=HASHED, num_buckets=n, key=key)
        for n in (7, (1 << 62) + 11)
        for key in ([1, 2], [-3, 1 << 62], [0, 0])
    ],
    case("StringToHashBucketStrong", input=HASHED, num_buckets=7, key=[1]),
    case("StringToHashBucketFast", input=[[b"a", b"b"]], num_buckets=10),
    case("StringToHashBucketFast", input=NOTHING, num_buckets=10),
    case("Fingerprint", data=HASHED, method=b"farmhash64"),
    case("Fingerprint", data=[[b"a", b"b"], [b"c", b""]], method=b"farmhash64"),
    case("Fingerprint", data=[[b"a"], [b"c"]], method=b"farmhash64"),
    *[
        case("Fingerprint", data=rng.integers(0, 2, (3, 2, 5)).astype(t), method=b"farmhash64")
        for t in (np.int8, np.int32, np.float64, np.bool_)
    ],
    case("Fingerprint", data=np.arange(4), method=b"farmhash64"),
    case("Fingerprint", data=np.zeros((2, 0), np.int32), method=b"farmhash64"),
    case("Fingerprint", data=np.int32(3), method=b"farmhash64"),
    case("Fingerprint", data=[1], method=b"md5"),
    case("Fingerprint", data=[1], method=[b"farmhash64"]),
    *[
        case("DecodeRaw", bytes=[bytes(range(16)), bytes(range(100, 116))], out_type=t, little_endian=little)
        for t in (
            "float16",
            "float32",
            "float64",
            "int32",
            "uint16",
            "uint8",
            "int16",
            "int8",
            "int64",
            "complex64",
            "complex128",
            "bfloat16",
        )
        for little in (True, False)
    ],
    case("DecodeRaw", bytes=[b"\x00\x01"], out_type="bool"),
    case("DecodeRaw", bytes=[[b"ab"], [b"cd"]], out_type="uint8"),
    case("DecodeRaw", bytes=b"abcd", out_type="int16"),
    case("DecodeRaw", bytes=NOTHING, out_type="int16"),
    case("DecodeRaw", bytes=[b"", b""], out_type="int16"),
    case("DecodeRaw", bytes=[b"ab", b"abc"], out_type="uint8"),
    case("DecodeRaw", bytes=[b"abc"], out_type="int16"),
    *[
        case(
            "DecodePaddedRaw",
            input_bytes=[b"abc", b"", b"abcdefghijklmnopqrs"],
            fixed_length=_I(16),
            out_type=t,
            little_endian=little,
        )
        for t in ("float32", "float64", "int32", "uint16", "uint8", "int16", "int8", "int64", "bfloat16")
        for little in (True, False)
    ],
    *[case("DecodePaddedRaw", input_bytes=[b"abc"], fixed_length=_I(n), out_type="int16") for n in (0, -2, 3, [2])],
    case("DecodePaddedRaw", input_bytes=NOTHING, fixed_length=_I(4), out_type="int16"),
    case("DecodeCompressed", bytes=[zlib.compress(b"hello" * 100), zlib.compress(b"")], compression_type="ZLIB"),
    case("DecodeCompressed", bytes=[gzip.compress(b"hello" * 100, mtime=0)], compression_type="GZIP"),
    case("DecodeCompressed", bytes=[b"plain"]),
    case("DecodeCompressed", bytes=[b"not compressed"], compression_type="ZLIB"),
    case("DecodeCompressed", bytes=[b"x"], compression_type="LZMA"),
]


def _sparse(rows: list[list[object]], dtype: object = object) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    indices = [[i, j] for i, row in enumerate(rows) for j in range(len(row))]
    values = np.array([value for row in rows for value in row], dtype)
    return np.array(indices, np.int64).reshape(-1, 2), values, np.array([len(rows), max(map(len, rows))], np.int64)


def _distance(hypothesis: tuple, truth: tuple, **attrs: object):
    names = (
        "hypothesis_indices",
        "hypothesis_values",
        "hypothesis_shape",
        "truth_indices",
        "truth_values",
        "truth_shape",
    )
    return case("EditDistance", **dict(zip(names, (*hypothesis, *truth), strict=True)), **attrs)


LEFT = [list(b"kitten"), list(b"abc"), [], list(b"xyz"), []]
RIGHT = [list(b"sitting"), list(b"abc"), list(b"a"), [], []]
CASES += [
    _distance(_sparse(LEFT, dtype), _sparse(RIGHT, dtype), normalize=normalize)
    for dtype in (
        np.int8,
        np.uint8,
        np.int16,
        np.uint16,
        np.int32,
        np.uint32,
        np.int64,
        np.uint64,
        np.float32,
        np.float64,
        np.float16,
    )
    for normalize in (True, False)
]
TEXT = [[b"the", b"cat"], [b"a"], [b"x", b"y", b"z"]]
CASES += [
    _distance(_sparse(TEXT), _sparse([[b"the", b"dog"], [b"a", b"b"]])),
    _distance(_sparse(TEXT), _sparse([[b"the", b"dog"], [b"a", b"b"], [b"y"], [b"q"]])),
    _distance(
        (np.array([[0, 0, 0], [1, 0, 0]]), np.array([1, 2]), np.array([2, 1, 1])),
        (np.array([[0, 0, 0], [0, 1, 0]]), np.array([1, 2]), np.array([1, 2, 1])),
    ),
    _distance((np.array([[0], [1]]), np.array([1, 2]), np.array([2])), (np.array([[0]]), np.array([1]), np.array([1]))),
    _distance(
        (np.array([[0, 0]]), np.array([1, 2]), np.array([2, 1])), (np.array([[0, 0]]), np.array([1]), np.array([1, 1]))
    ),
    _distance((np.array([0]), np.array([1]), np.array([2, 1])), (np.array([[0, 0]]), np.array([1]), np.array([1, 1]))),
    _distance((np.array([[0, 0]]), np.array([1]), np.array([2, 1])), (np.array([[0]]), np.array([1]), np.array([1]))),
    _distance(
        (np.array([[5, 0]]), np.array([1]), np.array([2, 1])), (np.array([[0, 0]]), np.array([1]), np.array([1, 1]))
    ),
]

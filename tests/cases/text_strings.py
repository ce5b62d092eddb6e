"""TensorFlow Text's ops that need no model: cutting, trimming, tagging and normalising."""

from __future__ import annotations

import random

import numpy as np

from tests.cases import case, graph_case, graph_cases

REQUIRES = "tensorflow_text"


def strings(*values: str | bytes) -> np.ndarray:
    array = np.empty(len(values), dtype=object)
    array[:] = [value.encode() if isinstance(value, str) else value for value in values]
    return array


def codes(*texts: str) -> tuple[np.ndarray, np.ndarray]:
    """The code points of texts, and row splits."""
    flat = np.array([ord(char) for text in texts for char in text], np.int32)
    return flat, np.concatenate([[0], np.cumsum([len(text) for text in texts])]).astype(np.int64)


TEXTS = (
    "Hello, world!",
    "",
    "  two  spaces ",
    "\ta\u3000b\u2028c\u00a0d ",
    "日本語 テキスト",
    "приве́т мир",
    "don't stop... (really?!) :-)",
    "a",
    " ",
    "🙂 emoji 🇩🇪",
)
BROKEN = (b"a\xffb c", b"\xc3", b"x \xe2\x82", b"\xed\xa0\x80 y", b"ok \xf0\x9f\x99")
CASES = []

for texts in (TEXTS, ("",), ()):
    values, splits = codes(*texts)
    if len(values):  # without a token, the process of TensorFlow dies
        CASES.append(case("WhitespaceTokenizeWithOffsets", input_values=values, input_splits=splits))
    for keep in (False, True):
        CASES.append(
            case("UnicodeScriptTokenizeWithOffsets", input_values=values, input_splits=splits, keep_whitespace=keep)
        )
values, splits = codes(*TEXTS)
CASES += [
    case("WhitespaceTokenizeWithOffsets", input_values=values, input_splits=splits.astype(np.int32)),
    case("UnicodeScriptTokenizeWithOffsets", input_values=values, input_splits=splits.astype(np.int32)),
    case("WhitespaceTokenizeWithOffsets", input_values=values, input_splits=np.array([0, 3, 3, 20])),
    case("UnicodeScriptTokenizeWithOffsets", input_values=values, input_splits=np.array([0, 3, 3, 20])),
    case(
        "UnicodeScriptTokenizeWithOffsets",
        input_values=np.array([0x110000, -5, 65, 66, 0x61C, 0x300, 65], np.int32),
        input_splits=np.array([0, 7]),
    ),
]


def config_of(spaces: list[int]) -> bytes:
    bits = bytearray(max(spaces) // 8 + 1)
    for code in spaces:
        bits[code // 8] |= 1 << code % 8
    return bytes(bits)


SPACES = [9, 10, 11, 12, 13, 32, 133, 160, 5760, *range(8192, 8203), 8232, 8233, 8239, 8287, 12288]
for config in (config_of(SPACES), config_of([32]), config_of([ord("l")])):
    CASES += [
        case(
            "TFText>WhitespaceTokenizeWithOffsetsV2",
            input_values=strings(*TEXTS),
            input_config=np.array(config, dtype=object),
        ),
        case(
            "TFText>WhitespaceTokenizeWithOffsetsV2",
            input_values=strings(),
            input_config=np.array(config, dtype=object),
        ),
    ]

# Cutting


def split(values: np.ndarray, delim: str, keep: str) -> object:
    return case(
        "RegexSplitWithOffsets",
        input=values,
        delim_regex_pattern=np.array(delim.encode(), dtype=object),
        keep_delim_regex_pattern=np.array(keep.encode(), dtype=object),
    )


for delim, keep in (
    (r"(\s)", ""),
    (r"([\s,.!?]+)", r"[,.!?]+"),
    (r"(\p{Han})", r"\p{Han}"),
    (r"\s+", ""),
    (r"(\s|[!-/]|[:-@]|[\[-`]|[{-~]|[\p{P}])", r"([!-/]|[:-@]|[\[-`]|[{-~]|[\p{P}])"),
    (r"(^a)", ""),
    (r"(\bs)", r"s"),
    (r"x(\s)x", r"\s"),
    (r"((a)b)", r"ab"),
):
    CASES.append(split(strings(*TEXTS, "aaa b", "s ss sss", "x x xx\tx", "abab", "a\0b c"), delim, keep))
CASES += [
    split(strings(*BROKEN), r"(\s)", r"\s"),
    split(strings(), r"(\s)", ""),
    split(strings("a b", "c", "d e f", "").reshape(2, 2), r"(\s)", ""),
    split(strings("a"), r"(a", ""),
]


def labels_for(texts: tuple[str, ...], seed: int) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    lengths = [len(text) for text in texts]
    return generator.integers(0, 2, sum(lengths)).astype(np.int32), np.concatenate([[0], np.cumsum(lengths)]).astype(
        np.int32
    )


for seed in range(3):
    labels, label_splits = labels_for(TEXTS, seed)
    logits = np.random.default_rng(seed).standard_normal((len(TEXTS), 40, 2)).astype(np.float32)
    for force in (False, True):
        CASES += [
            case(
                "SplitMergeTokenizeWithOffsets",
                input_values=strings(*TEXTS),
                labels=labels,
                row_splits=label_splits,
                force_split_at_break_character=force,
            ),
            case(
                "TokenizerFromLogits",
                strings=strings(*TEXTS),
                logits=logits,
                force_split_at_break_character=np.array(force),
            ),
        ]
CASES += [
    case(
        "SplitMergeTokenizeWithOffsets",
        input_values=strings("abc"),
        labels=np.zeros(2, np.int32),
        row_splits=np.array([0, 2], np.int32),
    ),
    case(
        "SplitMergeTokenizeWithOffsets",
        input_values=strings("abc"),
        labels=np.zeros(3, np.int32),
        row_splits=np.array([0, 2, 3], np.int32),
    ),
    case(
        "TokenizerFromLogits",
        strings=strings("abc"),
        logits=np.zeros((1, 2, 2), np.float32),
        force_split_at_break_character=np.array(True),
    ),
    case(
        "TokenizerFromLogits",
        strings=strings("abc"),
        logits=np.zeros((2, 3, 2), np.float32),
        force_split_at_break_character=np.array(True),
    ),
    case(
        "TokenizerFromLogits",
        strings=strings("abc"),
        logits=np.zeros((1, 3, 1), np.float32),
        force_split_at_break_character=np.array(True),
    ),
    case(
        "TokenizerFromLogits",
        strings=strings("abc d"),
        logits=np.full((1, 5, 2), np.nan, np.float32),
        force_split_at_break_character=np.array(False),
    ),
]

for values in (strings(*TEXTS), strings(*BROKEN), strings()):
    CASES.append(case("TFText>ByteSplitWithOffsets", input_values=values))
for word_length, bits in ((4, 8), (1, 24), (16, 16), (3, 33), (2, 0)):
    for values in (strings(*TEXTS), strings(*BROKEN), strings()):
        CASES.append(
            case(
                "TFText>Utf8Binarize",
                input_tokens=values,
                word_length=word_length,
                bits_per_char=bits,
                replacement_char=65533,
            )
        )
CASES += [
    case("TFText>Utf8Binarize", input_tokens=strings(b"\xff"), word_length=2, bits_per_char=40, replacement_char=-2),
    case(
        "TFText>ByteSplitByOffsets",
        input_values=strings("hello", "", "wörld"),
        input_start_offsets=np.array([0, 2, 5, 0, 1, 0], np.int32),
        input_end_offsets=np.array([5, 4, 5, 0, 3, 6], np.int32),
        input_row_splits=np.array([0, 3, 4, 6]),
    ),
    case(
        "TFText>ByteSplitByOffsets",
        input_values=strings("hello"),
        input_start_offsets=np.array([6], np.int32),
        input_end_offsets=np.array([6], np.int32),
        input_row_splits=np.array([0, 1]),
    ),
    case(
        "TFText>ByteSplitByOffsets",
        input_values=strings("hello"),
        input_start_offsets=np.array([1], np.int32),
        input_end_offsets=np.array([9], np.int32),
        input_row_splits=np.array([0, 1]),
    ),
    case(
        "TFText>ByteSplitByOffsets",
        input_values=strings("hello"),
        input_start_offsets=np.array([3], np.int32),
        input_end_offsets=np.array([2], np.int32),
        input_row_splits=np.array([0, 1]),
    ),
]

# Trimming


def ragged(seed: int, rows: int, longest: int, dtype: type) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    splits = np.concatenate([[0], np.cumsum(generator.integers(0, longest + 1, rows))])
    values = generator.integers(0, 100, splits[-1])
    if dtype is object:
        return strings(*(str(value) for value in values)), splits.astype(np.int64)
    return values.astype(dtype), splits.astype(np.int64)


for number, (segments, budget, dtype, splits_type) in enumerate(
    [
        (1, 3, np.int32, np.int64),
        (2, 5, np.int64, np.int32),
        (3, 8, object, np.int64),
        (3, 0, np.float32, np.int64),
        (4, -2, np.int32, np.int32),
        (4, 100, object, np.int32),
        (5, 11, np.int8, np.int64),
        (2, 7, np.bool_, np.int64),
        (2, 7, np.float64, np.int64),
        (2, 7, np.uint8, np.int32),
    ]
):
    pairs = [ragged(10 * number + segment, 12, 2 + 3 * segment, dtype) for segment in range(segments)]
    keywords = {
        "max_sequence_length": np.int32(budget),
        "input_values": [pair[0] for pair in pairs],
        "input_row_splits": [pair[1].astype(splits_type) for pair in pairs],
    }
    CASES += [case("TFText>RoundRobinTrim", **keywords), case("TFText>RoundRobinGenerateMasks", **keywords)]


def ngrams(label: str, values: np.ndarray, splits: list[list[int]], **attrs: object) -> None:
    attrs = {"width": 2, "axis": -1, "string_separator": "|"} | attrs

    @graph_case(label, _op="TFText>NgramsStringJoin", values=values)
    def build(tf, values):
        from tests.parity.record import raw_op

        # the op wants to know the rank of the splits
        row_splits = [tf.constant(one, tf.int64) for one in splits]
        keywords = attrs if row_splits else attrs | {"Tsplits": tf.int64}
        outputs = raw_op(tf, "TFText>NgramsStringJoin")(input_values=values, input_row_splits=row_splits, **keywords)
        return tf.nest.flatten(outputs)


SIX = strings("a", "b", "", "d", "e", "f")
for width in (1, 2, 3, 9):
    ngrams(f"ngrams_of_rows_{width}", SIX, [[0, 2, 3], [0, 3, 3, 6]], width=width)
    ngrams(f"ngrams_of_tensor_{width}", SIX.reshape(2, 3), [], width=width, string_separator=" ")
ngrams("ngrams_of_nothing", strings(), [[0]])
ngrams("ngrams_along_another_axis", SIX, [[0, 6]], axis=0)
CASES += graph_cases()

# Tags


def boise(seed: int) -> dict[str, np.ndarray]:
    generator = random.Random(seed)
    rows = 4
    tokens, spans, token_splits, span_splits = [], [], [0], [0]
    for _ in range(rows):
        at = 0
        for _ in range(generator.randint(0, 7)):
            at += generator.randint(0, 2)
            size = generator.randint(1, 4)
            tokens.append((at, at + size))
            at += size
        at = 0
        for _ in range(generator.randint(0, 4)):
            at += generator.randint(0, 5)
            size = generator.randint(1, 9)
            spans.append((at, at + size, generator.choice(["person", "place", ""])))
            at += size
        token_splits.append(len(tokens))
        span_splits.append(len(spans))
    return {
        "input_token_begin_offsets": np.array([start for start, _ in tokens], np.int32),
        "input_token_end_offsets": np.array([end for _, end in tokens], np.int32),
        "input_span_begin_offsets": np.array([start for start, _, _ in spans], np.int32),
        "input_span_end_offsets": np.array([end for _, end, _ in spans], np.int32),
        "input_span_type": strings(*(kind for _, _, kind in spans)),
        "input_token_begin_row_splits": np.array(token_splits),
        "input_token_end_row_splits": np.array(token_splits),
        "input_span_begin_row_splits": np.array(span_splits),
        "input_span_end_row_splits": np.array(span_splits),
        "input_span_type_row_splits": np.array(span_splits),
    }


for seed in range(12):
    for strict in (False, True):
        CASES.append(case("TFText>OffsetsToBoiseTags", **boise(seed), input_use_strict_boundary_mode=np.array(strict)))
    generator = random.Random(seed)
    kinds = ["O", "B-x", "I-x", "E-x", "S-x", "B-yy", "I-yy", "E-yy", "S-", "?", "", "Other", "E"]
    tags = [generator.choice(kinds) for _ in range(20)]
    tag_splits = np.array([0, 5, 5, 12, 20])
    CASES.append(
        case(
            "TFText>BoiseTagsToOffsets",
            input_token_begin_offsets=np.arange(0, 60, 3).astype(np.int32),
            input_token_end_offsets=np.arange(2, 62, 3).astype(np.int32),
            input_boise_tags=strings(*tags),
            input_token_begin_row_splits=tag_splits,
            input_token_end_row_splits=tag_splits,
            input_boise_tags_row_splits=tag_splits,
        )
    )
wrong = boise(0)
CASES += [
    case(
        "TFText>OffsetsToBoiseTags",
        **(wrong | {"input_token_end_offsets": np.zeros(1, np.int32)}),
        input_use_strict_boundary_mode=np.array(False),
    ),
    case(
        "TFText>OffsetsToBoiseTags",
        **(wrong | {"input_token_end_row_splits": wrong["input_token_end_row_splits"] + 1}),
        input_use_strict_boundary_mode=np.array(False),
    ),
]

# Word pieces from a table

WORDS = strings("they're", "the", "greatest", "", "unwanted", "straße", "日本語", "x" * 30, "abcdabcd", "##", b"a\xffb")
VOCABULARY = ["they", "##'", "##re", "the", "great", "##est", "un", "##want", "##ed", "str", "##aße", "日", "##本", "a"]
VOCABULARY += ["##b", "##c", "##d", "ab", "abc", "##", "##\x00"]


def wordpiece(label: str, **options: object) -> None:
    options = {
        "suffix_indicator": "##",
        "max_bytes_per_word": 20,
        "use_unknown_token": True,
        "unknown_token": "[UNK]",
    } | options

    @graph_case(label, _op="WordpieceTokenizeWithOffsets", words=WORDS)
    def build(tf, words):
        from tests.parity.record import raw_op

        keys = tf.constant(VOCABULARY)
        ids = tf.range(len(VOCABULARY), dtype=tf.int64)
        table = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(keys, ids), -1)
        outputs = raw_op(tf, "WordpieceTokenizeWithOffsets")(
            input_values=words, vocab_lookup_table=table.resource_handle, **options
        )
        return list(outputs), [tf.compat.v1.tables_initializer()]


wordpiece("pieces")
wordpiece("splits", output_row_partition_type="row_splits")
wordpiece("no_unknown", use_unknown_token=False)
wordpiece("split_unknown", split_unknown_characters=True)
wordpiece("split_unknown_plain", split_unknown_characters=True, use_unknown_token=False)
wordpiece("few_characters", max_chars_per_token=2)
wordpiece("short_words", max_bytes_per_word=4, use_unknown_token=False)
wordpiece("no_suffix", suffix_indicator="")
CASES += graph_cases()

# Sentences

DOCUMENTS = (
    "He said so. She did not! Did they? Yes...",
    "I.B.M. went up 5 points today. (Mushrooms are fungi!!) Mushrooms (they're fungi!!) are good.",
    'She said "stop!" :-) and left?!  ) ok',
    "x? !!!y. He agreed...! Wait… what",
    "日本語です。そうですか？」はい",
    "no end",
    "",
    "   ",
    "\u3000a. \u2028b. c\u00a0.",
    "U.S.A. is. A.B x. ^_^;; XD. >:( . '' '",
    "... ... . . ] ) } > ''",
    "(a.) [b?] <c!> {d.} (e (f.) g.)",
)
for documents in (*((text,) for text in DOCUMENTS), DOCUMENTS, ()):
    CASES.append(case("SentenceFragmentsV2", doc=strings(*documents)))
CASES.append(case("SentenceFragmentsV2", doc=strings(*BROKEN, b"a.\xff", b".\xe2\x80", b"\xff. x)")))


def sentences(rows: list[list[str]], properties: list[list[int]] | None = None, **options: object) -> object:
    words = [word for row in rows for word in row]
    bits = [bit for row in properties for bit in row] if properties else [0] * len(words)
    return case(
        "SentenceFragments",
        row_lengths=np.array([len(row) for row in rows], np.int64),
        token_start=np.arange(len(words), dtype=np.int64),
        token_end=np.arange(len(words), dtype=np.int64) + 1,
        token_word=strings(*words),
        token_properties=np.array(bits, np.int64),
        **{"input_encoding": "UTF-8", **options},
    )


pieces = ["a", "Hello", ".", "!", "...", "…", "(", ")", "?", "''", '"', "U.S.", ":)", "。", "<", ">", "»", "\u037e"]
for seed in range(8):
    generator = random.Random(seed)
    rows = [[generator.choice(pieces) for _ in range(generator.randint(0, 14))] for _ in range(6)]
    marks = [
        [{"U.S.": 0x100, ":)": 0x80}.get(word, generator.choice([0, 0, 0, 0x80, 0x100, 2])) for word in row]
        for row in rows
    ]
    CASES += [sentences(rows), sentences(rows, marks)]
CASES += [
    sentences([["a", "."]], input_encoding="nonsense"),
    sentences([["a", ""]]),
    sentences([["a"]], replacement_char=-1),
    case(
        "SentenceFragments",
        row_lengths=np.array([3]),
        token_start=np.zeros(2, np.int64),
        token_end=np.zeros(2, np.int64),
        token_word=strings("a", "b"),
        token_properties=np.zeros(2, np.int64),
        input_encoding="UTF-8",
    ),
]

# Normalisation

FORMS = ("NFC", "NFD", "NFKC", "NFKD")
HARD = (
    "e\u0301",
    "\u00e9",
    "q\u0307\u0323",
    "\u1e9b\u0323",
    "ﬁne Ⅳ ½ ﷺ",
    "\uac01\u1100\u1161\u11a8\uac00\u11a8",
    "a\u0345\u0301\u0328",
    "\u0344\u0340b\u0344é\u0327é\u0344",
    "Å\u212b\u2126",
    "İIıß ẞ ſ ς",
    "\u03d0\u0301\u03f1\u0314ϖ",
    "\U000105d2\u0307x\U00011382\U000113c9\U00016121\U00016126",
    "\U0001ccd6\U0001ccf9",
    "\u0958\u09dc\u0fb2\u0f71\u0f80",
    "soft\u00adhyphen \u200bzero\ufeff",
    "ｆｕｌｌｗｉｄｔｈ ﾊﾟ ｱ",
    "㍿ ㋿ ㎏",
    "\u1112\u1161\u11ab\u1112\u1161\u119e\uffa0\uffc7",
    "\u0301\u0300 start",
    "x\u05b7\u05bc\u05b0",
)
ALL = strings(*TEXTS, *HARD, *BROKEN, b"e\xcc\x81\xff\xcc\x81", b"\xcc", b"e\xcc")
CASES.append(case("CaseFoldUTF8", input=ALL))
CASES.append(case("CaseFoldUTF8", input=np.array(b"ABC", dtype=object)))
CASES.append(case("CaseFoldUTF8", input=strings("A", "B", "c", "D").reshape(2, 2)))
for form in FORMS:
    CASES += [
        case("NormalizeUTF8", input=ALL, normalization_form=form),
        case("NormalizeUTF8", input=strings("é", "B").reshape(2, 1), normalization_form=form.lower()),
    ]
CASES.append(case("NormalizeUTF8", input=ALL, normalization_form="NFX"))


def marks(seed: int) -> np.ndarray:
    """Random texts of characters that decompose, compose, and reorder."""
    generator = random.Random(seed)
    alphabet = (
        "aebcoöéêǖḗ\u0301\u0300\u0307\u0308\u0323\u0327\u0328\u0345\u0344\u0340ﬁ½①"
        "\u1100\u1161\u11a8가각\u1e9b\u03d0\u03f1\u0391\u1fbe\u0f71\u0f72\u0f73 \u0dd9\u0dca\u0dcf\u0ddd"
        "ﾊﾟ\u3099かが\u0338=≠Å\u212b\ufb1d\u05b4\U0001d15e\U00016d67\U00016d63\u0653\u0627\u0622\ufdfa"
    )
    rows = ["".join(generator.choice(alphabet) for _ in range(generator.randint(1, 9))) for _ in range(80)]
    return strings(*rows)


def source_offsets(label: str, form: str, texts: np.ndarray) -> None:
    @graph_case(label, _op="NormalizeUTF8WithOffsetsMap FindSourceOffsets", texts=texts)
    def build(tf, texts):
        from tests.parity.record import raw_op

        normalized, offsets_map = raw_op(tf, "NormalizeUTF8WithOffsetsMap")(input=texts, normalization_form=form)
        lengths = tf.strings.length(normalized) + 4
        places = tf.ragged.range(lengths) - 2
        places = tf.cast(places, tf.int64)
        found = raw_op(tf, "FindSourceOffsets")(
            offsets_map=offsets_map, input_offsets_values=places.values, input_offsets_splits=places.row_splits
        )
        return [normalized, found]


for form in FORMS:
    source_offsets(f"offsets_{form}", form, ALL)
    for seed in range(3):
        source_offsets(f"offsets_{form}_{seed}", form, marks(seed))
        CASES.append(case("NormalizeUTF8", input=marks(seed), normalization_form=form))
for seed in range(3):
    CASES.append(case("CaseFoldUTF8", input=marks(seed)))
source_offsets("offsets_bad_form", "NFKC_CF", ALL)


def too_few_maps(tf, texts):
    from tests.parity.record import raw_op

    _, offsets_map = raw_op(tf, "NormalizeUTF8WithOffsetsMap")(input=texts, normalization_form="NFKC")
    splits = tf.constant([0, 1, 1, 2], tf.int32)
    return [
        raw_op(tf, "FindSourceOffsets")(
            offsets_map=offsets_map, input_offsets_values=tf.constant([0, 1], tf.int64), input_offsets_splits=splits
        )
    ]


graph_case("offsets_of_rows_with_gaps", texts=strings("½b", "é"))(too_few_maps)
graph_case("offsets_for_too_many_maps", texts=strings("½b", "é", "c"))(too_few_maps)
CASES += graph_cases()

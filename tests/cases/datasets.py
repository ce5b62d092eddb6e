"""Datasets (tf.data) in the graph: each is gone over by an iterator, an element a run, or reduced at once."""

from __future__ import annotations

import numpy as np

from tests.cases import graph_case, graph_cases


def asked(tf, dataset):
    """The next element of a dataset, and the op that begins it."""
    iterator = tf.compat.v1.data.make_initializable_iterator(dataset)
    found = tf.nest.flatten(iterator.get_next(), expand_composites=True)
    return found, [iterator.initializer]


def plain(tf, dataset):
    """Without what TensorFlow would rewrite."""
    options = tf.data.Options()
    options.experimental_optimization.apply_default_optimizations = False
    options.autotune.enabled = False
    options.deterministic = True
    return dataset.with_options(options)


def numbers(tf, n=7):
    return tf.data.Dataset.range(n)


def ragged_rows(tf, n=5):
    return tf.data.Dataset.range(n).map(lambda i: tf.range(i))


ELEMENTWISE = {
    "tensors": (1, lambda tf, d: d.from_tensors((np.float32(1), np.array([b"a", b"b"], object)))),
    "slices": (3, lambda tf, d: d.from_tensor_slices((np.arange(6).reshape(3, 2), np.array([b"a", b"b", b"c"])))),
    "slices_dict": (2, lambda tf, d: d.from_tensor_slices({"x": np.ones((2, 0)), "y": np.array([True, False])})),
    "range_step": (3, lambda tf, d: d.range(10, 1, -4)),
    "range_dtype": (2, lambda tf, d: d.range(2, output_type=tf.float64)),
    "map": (3, lambda tf, d: d.range(3).map(lambda i: (i * 2, tf.as_string(i)))),
    "map_parallel": (
        3,
        lambda tf, d: d.range(3).map(lambda i: tf.cast(i, tf.float32) / 3, num_parallel_calls=2, deterministic=True),
    ),
    "filter": (3, lambda tf, d: d.range(6).filter(lambda i: i % 2 == 0)),
    "flat_map": (6, lambda tf, d: d.range(4).flat_map(tf.data.Dataset.range)),
    "interleave": (
        8,
        lambda tf, d: d.range(4).interleave(
            lambda i: tf.data.Dataset.from_tensors(i).repeat(i), cycle_length=2, block_length=2
        ).concatenate(d.range(2)),
    ),
    "interleave_wide": (
        6,
        lambda tf, d: d.range(3).interleave(lambda i: tf.data.Dataset.from_tensors(i).repeat(2), cycle_length=7),
    ),
    "interleave_parallel": (
        10,
        lambda tf, d: d.range(5).interleave(
            lambda i: tf.data.Dataset.from_tensors(i).repeat(i),
            cycle_length=2,
            num_parallel_calls=2,
            deterministic=True,
        ),
    ),
    "take": (2, lambda tf, d: d.range(7).take(2)),
    "take_all": (3, lambda tf, d: d.range(3).take(-1)),
    "skip": (2, lambda tf, d: d.range(7).skip(5)),
    "repeat": (6, lambda tf, d: d.range(3).repeat(2)),
    "repeat_for_ever": (6, lambda tf, d: d.range(2).repeat()),
    "zip": (3, lambda tf, d: d.zip((d.range(3), d.range(5).map(tf.as_string)))),
    "concatenate": (5, lambda tf, d: d.range(3).concatenate(d.range(7, 9))),
    "batch": (3, lambda tf, d: d.range(7).batch(3)),
    "batch_drop": (2, lambda tf, d: d.range(7).batch(3, drop_remainder=True)),
    "batch_parallel": (3, lambda tf, d: d.range(7).batch(3, num_parallel_calls=2, deterministic=True)),
    "batch_strings": (2, lambda tf, d: d.range(3).map(tf.as_string).batch(2)),
    "padded_batch": (2, lambda tf, d: ragged_rows(tf).padded_batch(3)),
    "padded_batch_value": (
        2,
        lambda tf, d: ragged_rows(tf).padded_batch(3, [6], padding_values=np.int64(-1), drop_remainder=False),
    ),
    "padded_batch_strings": (
        1,
        lambda tf, d: ragged_rows(tf).map(lambda r: (tf.as_string(r), tf.ones([2, tf.size(r)]))).padded_batch(
            5, ([-1], [3, -1]), padding_values=(b"?", np.float32(9))
        ),
    ),
    "unbatch": (4, lambda tf, d: d.from_tensor_slices((np.arange(4).reshape(2, 2), np.ones((2, 2, 1)))).unbatch()),
    "window": (
        4,
        lambda tf, d: d.range(7).window(3, shift=2, stride=2, drop_remainder=False).flat_map(lambda w: w.batch(9)),
    ),
    "window_drop": (3, lambda tf, d: d.range(7).window(3, shift=2, drop_remainder=True).flat_map(lambda w: w.batch(3))),
    "window_jump": (3, lambda tf, d: d.range(7).window(2, shift=3).flat_map(lambda w: w.batch(3))),
    "shard": (2, lambda tf, d: d.range(7).shard(3, 1)),
    "scan": (4, lambda tf, d: d.range(4).scan(np.int64(10), lambda s, i: (s + i, (s, i)))),
    "take_while": (3, lambda tf, d: d.range(9).take_while(lambda i: i < 3)),
    "unique": (3, lambda tf, d: d.range(9).map(lambda i: i % 3).unique()),
    "cache": (6, lambda tf, d: d.range(3).cache().repeat(2)),
    "prefetch": (3, lambda tf, d: d.range(3).prefetch(2)),
    "group_by_window": (
        5,
        lambda tf, d: d.range(9).group_by_window(
            lambda i: (i * 7) % 3, lambda key, group: group.batch(4).map(lambda b: b + 100 * key), window_size=2
        ),
    ),
    "group_by_reducer": (
        3,
        lambda tf, d: d.range(9).apply(
            tf.data.experimental.group_by_reducer(
                lambda i: (i * 7) % 3,
                tf.data.experimental.Reducer(lambda key: (key, 0.0), lambda s, i: (s[0], s[1] + tf.cast(i, tf.float32)),
                                             lambda a, b: b + tf.cast(a, tf.float32)),
            )
        ),
    ),
    "ignore_errors": (
        4,
        lambda tf, d: d.range(5).map(lambda i: tf.debugging.check_numerics(1 / tf.cast(i - 2, tf.float32), "x"))
        .ignore_errors(),
    ),
    "choose": (
        4,
        lambda tf, d: d.choose_from_datasets(
            [d.range(2), d.range(10, 19)], d.from_tensor_slices(np.array([1, 0, 0, 0, 1])), stop_on_empty_dataset=False
        ),
    ),
    "choose_until_empty": (
        3,
        lambda tf, d: d.choose_from_datasets(
            [d.range(2), d.range(10, 19)], d.from_tensor_slices(np.array([1, 0, 0, 0, 1]))
        ),
    ),
    "assert_cardinality": (
        3,
        lambda tf, d: d.range(3).filter(lambda i: i >= 0).apply(tf.data.experimental.assert_cardinality(3)),
    ),
    "rebuilt": (3, lambda tf, d: d.from_tensor_slices(tf.data.Dataset.range(3).batch(3).get_single_element())),
    "sparse": (3, lambda tf, d: d.from_tensor_slices(tf.sparse.from_dense([[1, 0, 2], [0, 0, 0], [0, 5, 0]]))),
    "sparse_batch": (1, lambda tf, d: d.from_tensor_slices(tf.sparse.from_dense([[1, 0, 2], [0, 0, 0]])).batch(2)),
    "ragged": (2, lambda tf, d: d.from_tensor_slices(tf.ragged.constant([[1], [2, 3], [], [4]])).batch(2)),
    "nested": (3, lambda tf, d: d.range(3).map(lambda i: (i, d.range(i + 1))).flat_map(lambda i, d: d.batch(5))),
    "strings": (2, lambda tf, d: d.from_tensor_slices(np.array([b"a b", b"c"])).map(lambda s: tf.strings.length(s))),
}  # fmt: skip

SHUFFLES = {
    "shuffle": (7, lambda tf, d: d.range(7).shuffle(3, seed=5)),
    "shuffle_all": (7, lambda tf, d: d.range(7).shuffle(100, seed=5)),
    "shuffle_one": (3, lambda tf, d: d.range(3).shuffle(1, seed=5)),
    "shuffle_the_same": (9, lambda tf, d: d.range(3).shuffle(3, seed=5, reshuffle_each_iteration=False).repeat(3)),
    "shuffle_anew": (9, lambda tf, d: d.range(3).shuffle(3, seed=9).repeat(3)),
}

for _name, (_count, _make) in {**ELEMENTWISE, **SHUFFLES}.items():
    for _more in (0, 1):
        if _more and _name in ("repeat_for_ever", "rebuilt"):
            continue

        @graph_case(f"{_name}{'_to_the_end' if _more else ''}", _runs=1 if _more else _count)
        def each_element(tf, make=_make, skipped=_count if _more else 0):
            tf.compat.v1.set_random_seed(11)
            dataset = make(tf, tf.data.Dataset)
            return asked(tf, plain(tf, dataset.skip(skipped) if skipped else dataset))


BAD = {
    "batch_0": lambda tf, d: d.range(3).batch(tf.zeros([], tf.int64)),
    "batch_shapes": lambda tf, d: ragged_rows(tf).batch(3),
    "range_0": lambda tf, d: d.range(0, 1, tf.zeros([], tf.int64)),
    "slices_sizes": lambda tf, d: d.from_tensor_slices((tf.zeros([2]), tf.compat.v1.placeholder_with_default(
        np.zeros(3, np.float32), [None]))),
    "shard_0": lambda tf, d: d.range(3).shard(tf.zeros([], tf.int64), 0),
    "shard_index": lambda tf, d: d.range(3).shard(2, tf.constant(2, tf.int64)),
    "padded_small": lambda tf, d: ragged_rows(tf).padded_batch(5, tf.constant([2], tf.int64)),
    "window_0": lambda tf, d: d.range(3).window(tf.zeros([], tf.int64)).flat_map(lambda w: w),
    "shuffle_0": lambda tf, d: d.range(3).shuffle(tf.zeros([], tf.int64)),
    "error_inside": lambda tf, d: d.range(3).map(lambda i: tf.debugging.check_numerics(1 / tf.cast(i, tf.float32), "")),
    "too_few": lambda tf, d: d.range(0).apply(tf.data.experimental.assert_cardinality(2)),
    "interleave_0": lambda tf, d: d.range(3).interleave(
        lambda i: tf.data.Dataset.range(i), cycle_length=tf.zeros([], tf.int64)),
    "choose_out_of_range": lambda tf, d: d.choose_from_datasets([d.range(2)], d.from_tensors(np.int64(4))),
    "end_in_map": lambda tf, d: d.range(3).map(lambda i: d.range(1).skip(1).get_single_element()),
}  # fmt: skip
for _name, _make in BAD.items():

    @graph_case(f"bad_{_name}")
    def bad(tf, make=_make):
        return asked(tf, plain(tf, make(tf, tf.data.Dataset)))


@graph_case("reduce", _op="ReduceDataset", x=np.arange(12, dtype=np.float32).reshape(4, 3))
def reduce_rows(tf, x):
    x = tf.ensure_shape(x, [None, 3])
    dataset = plain(tf, tf.data.Dataset.from_tensor_slices(x).map(lambda row: row * 2))
    return dataset.reduce((np.float32(0), 0), lambda state, row: (state[0] + tf.reduce_sum(row), state[1] + 1))


@graph_case("loop_in_a_function", x=np.arange(5, dtype=np.int64))
def loop_in_a_function(tf, x):
    @tf.function(autograph=True)
    def total(values):
        result = tf.constant(0, tf.int64)
        for value in tf.data.Dataset.from_tensor_slices(values).batch(2):
            result = result * 3 + tf.reduce_sum(value)
        return result

    return total(tf.ensure_shape(x, [None]))


@graph_case("loop_that_stops", x=np.arange(9, dtype=np.int64))
def loop_that_stops(tf, x):
    def total(values):
        result = tf.constant(0, tf.int64)
        for value in tf.data.Dataset.from_tensor_slices(values):
            if value > 4:
                break
            result += value
        return result

    return tf.function(tf.autograph.to_graph(total))(tf.ensure_shape(x, [None]))


@graph_case("iterator_in_a_function", _op="AnonymousIteratorV3 MakeIterator IteratorGetNext IteratorGetNextAsOptional")
def iterator_in_a_function(tf):
    kind = {"output_types": ["int64"], "output_shapes": [[]]}

    @tf.function
    def taken():
        iterator = tf.raw_ops.AnonymousIteratorV3(**kind)
        dataset = tf.data.Dataset.range(2)
        with tf.control_dependencies([tf.raw_ops.MakeIterator(dataset=dataset._variant_tensor, iterator=iterator)]):
            first = tf.raw_ops.IteratorGetNext(iterator=iterator, **kind)
        with tf.control_dependencies(first):
            second = tf.raw_ops.IteratorGetNextSync(iterator=iterator, **kind)
        with tf.control_dependencies(second):
            third = tf.raw_ops.IteratorGetNextAsOptional(iterator=iterator, **kind)
        return first, second, tf.raw_ops.OptionalHasValue(optional=third)

    return taken()


for _op in ("AnonymousIteratorV2", "AnonymousIteratorV3", "AnonymousIterator"):

    @graph_case(f"iterator_{_op}", _op=f"{_op} DeleteIterator")
    def anonymous(tf, op=_op):
        kind = {"output_types": ["int64"], "output_shapes": [[]]}
        made = getattr(tf.raw_ops, op)(**kind)
        iterator = made.handle if op == "AnonymousIteratorV2" else made
        dataset = tf.data.Dataset.range(5, 7)
        with tf.control_dependencies([tf.raw_ops.MakeIterator(dataset=dataset._variant_tensor, iterator=iterator)]):
            optional = tf.raw_ops.IteratorGetNextAsOptional(iterator=iterator, **kind)
        value = tf.raw_ops.OptionalGetValue(optional=optional, **kind)
        if op != "AnonymousIteratorV2":
            return value
        with tf.control_dependencies(value):
            return [*value, tf.raw_ops.DeleteIterator(handle=iterator, deleter=made.deleter)]


@graph_case("one_shot", _runs=2)
def one_shot(tf):
    return tf.compat.v1.data.make_one_shot_iterator(plain(tf, numbers(tf).map(lambda i: i + 1))).get_next()


@graph_case("one_shot_end")
def one_shot_end(tf):
    return tf.compat.v1.data.make_one_shot_iterator(plain(tf, numbers(tf, 0))).get_next()


@graph_case("string_handle", _op="IteratorToStringHandle IteratorFromStringHandleV2", _runs=2)
def string_handle(tf):
    iterator = tf.compat.v1.data.make_initializable_iterator(plain(tf, numbers(tf)))
    again = tf.compat.v1.data.Iterator.from_string_handle(iterator.string_handle(), tf.int64, [])
    return [again.get_next()], [iterator.initializer]


@graph_case("reinitialised", _op="MakeIterator", _runs=2)
def reinitialised(tf):
    iterator = tf.compat.v1.data.make_initializable_iterator(plain(tf, numbers(tf)))
    with tf.control_dependencies([iterator.make_initializer(plain(tf, numbers(tf).skip(3)))]):
        return [iterator.get_next()], [iterator.initializer]


for _name, _make in {
    "one": lambda d: d.range(3, 4),
    "none": lambda d: d.range(0),
    "two": lambda d: d.range(2),
    "map": lambda d: d.range(1).map(lambda i: (i, i + 1)),
}.items():

    @graph_case(f"single_{_name}", _op="DatasetToSingleElement")
    def single(tf, make=_make):
        return tf.nest.flatten(plain(tf, make(tf.data.Dataset)).get_single_element())


@graph_case("cardinality", _op="DatasetCardinality ExperimentalDatasetCardinality")
def cardinality(tf):
    d = tf.data.Dataset
    rows = [
        d.range(7),
        d.range(7).filter(lambda i: i > 1),
        d.range(7).repeat(),
        d.range(7).repeat(3).batch(4),
        d.range(7).batch(4, drop_remainder=True),
        d.range(7).skip(9),
        d.range(7).repeat().take(4),
        d.zip((d.range(3), d.range(9).repeat())),
        d.range(3).concatenate(d.range(4)),
        d.range(3).concatenate(d.range(4).repeat()),
        d.range(7).shard(3, 0),
        d.range(7).window(3, 2),
        d.range(7).window(3, 2, drop_remainder=True),
        d.range(7).map(lambda i: i).prefetch(1).cache().shuffle(3),
        d.range(0).repeat(),
        d.range(7).flat_map(d.range),
        d.range(7).interleave(d.range),
        d.range(7).scan(np.int64(0), lambda s, i: (s, i)),
        d.range(7).take_while(lambda i: i > 1),
        d.from_tensors(1),
    ]
    return [tf.raw_ops.DatasetCardinality(input_dataset=row._variant_tensor) for row in rows] + [
        tf.raw_ops.ExperimentalDatasetCardinality(input_dataset=row._variant_tensor) for row in rows[:2]
    ]


def raw(tf, op, source=None, **more):
    kind = {"output_types": ["int64"], "output_shapes": [[None]], **more.pop("kind", {})}
    if source is not None:
        kind["input_dataset"] = source
    return getattr(tf.raw_ops, op)(**kind, **more)


PASSED_ON = {
    "BatchDataset": {"batch_size": 3},
    "ModelDataset": {},
    "OptimizeDataset": {"optimizations": np.array([], object)},
    "MaxIntraOpParallelismDataset": {"max_intra_op_parallelism": 1},
    "PrivateThreadPoolDataset": {"num_threads": 1},
    "NonSerializableDataset": {},
    "BytesProducedStatsDataset": {"tag": "t"},
    "LatencyStatsDataset": {"tag": "t"},
    "CacheDataset": {"filename": ""},
    "SleepDataset": {"sleep_microseconds": 1},
    "AssertNextDataset": {"transformations": np.array([], object)},
}
for _op, _more in PASSED_ON.items():

    @graph_case(_op, _op=_op)
    def passed_on(tf, op=_op, more=_more):
        source = tf.data.Dataset.range(7).batch(2)._variant_tensor
        dataset = raw(tf, op, source, kind={"output_shapes": [None]}, **more)
        taken = raw(tf, "TakeDataset", dataset, count=1)
        return tf.raw_ops.DatasetToSingleElement(dataset=taken, output_types=["int64"], output_shapes=[None])


@graph_case("optimize_v2", _op="OptimizeDatasetV2")
def optimize_v2(tf):
    none = np.array([], object)
    dataset = raw(
        tf,
        "OptimizeDatasetV2",
        tf.data.Dataset.range(1).batch(2)._variant_tensor,
        optimizations_enabled=none,
        optimizations_disabled=none,
        optimizations_default=none,
    )
    return tf.raw_ops.DatasetToSingleElement(dataset=dataset, output_types=["int64"], output_shapes=[[None]])


@graph_case("list", _op="ListDataset", _runs=2)
def listed(tf):
    made = tf.raw_ops.ListDataset(
        tensors=[tf.constant([1, 2]), tf.constant("a"), tf.constant([3]), tf.constant("b")],
        output_types=["int32", "string"],
        output_shapes=[None, []],
    )
    kind = {"output_types": ["int32", "string"], "output_shapes": [None, []]}
    iterator = tf.raw_ops.IteratorV2(shared_name="listed", container="", **kind)
    return list(tf.raw_ops.IteratorGetNext(iterator=iterator, **kind)), [
        tf.raw_ops.MakeIterator(dataset=made, iterator=iterator)
    ]


@graph_case("sparse_slices", _op="SparseTensorSliceDataset", _runs=3)
def sparse_slices(tf):
    made = tf.raw_ops.SparseTensorSliceDataset(
        indices=np.array([[0, 1], [0, 2], [2, 0]]), values=np.float32([1, 2, 3]), dense_shape=np.array([3, 4])
    )
    kind = {"output_types": ["int64", "float32", "int64"], "output_shapes": [[None, 1], [None], [1]]}
    iterator = tf.raw_ops.IteratorV2(shared_name="sparse", container="", **kind)
    return list(tf.raw_ops.IteratorGetNext(iterator=iterator, **kind)), [
        tf.raw_ops.MakeIterator(dataset=made, iterator=iterator)
    ]


@graph_case("wrapped", _op="WrapDatasetVariant UnwrapDatasetVariant GetOptions OptionsDataset")
def wrapped(tf):
    source = tf.raw_ops.WrapDatasetVariant(input_handle=plain(tf, tf.data.Dataset.range(1))._variant_tensor)
    kind = {"output_types": ["int64"], "output_shapes": [[]]}
    dataset = tf.raw_ops.UnwrapDatasetVariant(input_handle=source)
    return [
        *tf.raw_ops.DatasetToSingleElement(dataset=dataset, **kind),
        tf.raw_ops.GetOptions(input_dataset=tf.raw_ops.OptionsDataset(
            input_dataset=tf.data.Dataset.range(1)._variant_tensor, serialized_options=b"\x08\x01", **kind)),
    ]  # fmt: skip


def _function(tf, f):
    return tf.function(f, autograph=False).get_concrete_function(tf.TensorSpec([], tf.int64))


OLD = {
    "ParallelMapDataset": {"num_parallel_calls": 2, "f": lambda i: i + 1},
    "MapAndBatchDataset": {"num_parallel_calls": 2, "batch_size": 2, "drop_remainder": True, "f": lambda i: i + 1},
    "ExperimentalMapAndBatchDataset": {
        "num_parallel_calls": 2,
        "batch_size": 2,
        "drop_remainder": False,
        "f": lambda i: i,
    },
    "ExperimentalTakeWhileDataset": {"predicate": lambda i: i < 1},
    "ParallelFilterDataset": {"predicate": lambda i: i < 3, "num_parallel_calls": 2, "deterministic": "true"},
}
for _op, _more in OLD.items():

    @graph_case(_op, _op=_op, _runs=1)
    def old(tf, op=_op, more=_more):
        more = {key: _function(tf, value) if callable(value) else value for key, value in more.items()}
        source = tf.data.Dataset.range(5)._variant_tensor
        dataset = raw(tf, op, source, other_arguments=[], kind={"output_shapes": [None]}, **more)
        first = raw(tf, "TakeDataset", dataset, count=1, kind={"output_shapes": [None]})
        return tf.raw_ops.DatasetToSingleElement(dataset=first, output_types=["int64"], output_shapes=[None])


for _op in ("ParallelInterleaveDatasetV2", "ParallelInterleaveDatasetV3", "LegacyParallelInterleaveDatasetV2"):

    @graph_case(_op, _op=_op)
    def old_interleave(tf, op=_op):
        function = _function(tf, lambda i: tf.data.Dataset.from_tensors(i).repeat(2)._variant_tensor)
        more = {"num_parallel_calls": 1}
        if op.startswith("Legacy"):
            more = {"buffer_output_elements": 1, "prefetch_input_elements": 0, "deterministic": "true"}
        source = tf.data.Dataset.range(4)._variant_tensor
        dataset = raw(tf, op, source, other_arguments=[], f=function, cycle_length=2, block_length=1,
                      kind={"output_shapes": [None]}, **more)  # fmt: skip
        batch = raw(tf, "BatchDataset", dataset, batch_size=20, kind={"output_shapes": [None]})
        return tf.raw_ops.DatasetToSingleElement(dataset=batch, output_types=["int64"], output_shapes=[None])


for _op in ("ExperimentalUnbatchDataset", "ExperimentalUniqueDataset", "ExperimentalIgnoreErrorsDataset"):

    @graph_case(_op, _op=_op)
    def old_single(tf, op=_op):
        source = tf.data.Dataset.range(1).batch(1)._variant_tensor
        dataset = raw(tf, op, source, kind={"output_shapes": [None]})
        return tf.raw_ops.DatasetToSingleElement(dataset=dataset, output_types=["int64"], output_shapes=[None])


@graph_case("PaddedBatchDataset", _op="PaddedBatchDataset")
def old_padded(tf):
    dataset = tf.raw_ops.PaddedBatchDataset(
        input_dataset=ragged_rows(tf, 3)._variant_tensor,
        batch_size=4,
        padded_shapes=[np.array([-1])],
        padding_values=[np.int64(7)],
        output_shapes=[None],
    )
    dataset = raw(tf, "TakeDataset", dataset, count=1)
    return _single(tf, dataset)


def _single(tf, dataset):
    return tf.raw_ops.DatasetToSingleElement(dataset=dataset, output_types=["int64"], output_shapes=[None])


@graph_case("shuffle_generations", _op="ShuffleDataset ShuffleDatasetV2 AnonymousSeedGenerator")
def shuffle_generations(tf):
    source = tf.data.Dataset.range(9)._variant_tensor
    kind = {"output_shapes": [[]]}
    seeds = {"seed": np.int64(3), "seed2": np.int64(4)}
    generator = tf.raw_ops.AnonymousSeedGenerator(**seeds, reshuffle=True)
    shuffled = [
        raw(tf, "ShuffleDataset", source, buffer_size=4, **seeds, kind=kind),
        raw(tf, "ShuffleDataset", source, buffer_size=4, **seeds, reshuffle_each_iteration=False, kind=kind),
        raw(tf, "ShuffleDatasetV2", source, buffer_size=4, seed_generator=generator.handle, kind=kind),
    ]
    return [_single(tf, raw(tf, "BatchDataset", dataset, batch_size=20)) for dataset in shuffled]


@graph_case("memory_cache", _op="AnonymousMemoryCache DummyMemoryCache CacheDatasetV2")
def memory_cache(tf):
    cache = tf.raw_ops.AnonymousMemoryCache()
    dummy = tf.raw_ops.DummyMemoryCache()
    source = tf.data.Dataset.range(3)._variant_tensor
    kept = raw(tf, "CacheDatasetV2", source, filename="", cache=cache.handle, kind={"output_shapes": [[]]})
    kept = raw(tf, "CacheDatasetV2", kept, filename="", cache=dummy, kind={"output_shapes": [[]]})
    return _single(tf, raw(tf, "BatchDataset", kept, batch_size=20))


@graph_case("shuffle_v3", _op="ShuffleDatasetV3 DummySeedGenerator")
def shuffle_v3(tf):
    source = tf.data.Dataset.range(9)._variant_tensor
    kind = {"output_shapes": [[]]}
    results = []
    for again in (True, False):
        shuffled = raw(
            tf,
            "ShuffleDatasetV3",
            source,
            buffer_size=4,
            seed=np.int64(3),
            seed2=np.int64(4),
            seed_generator=tf.raw_ops.DummySeedGenerator(),
            reshuffle_each_iteration=again,
            kind=kind,
        )
        results += _single(tf, raw(tf, "BatchDataset", shuffled, batch_size=20))
    return results


@graph_case("string_handle_v1", _op="IteratorFromStringHandle")
def string_handle_v1(tf):
    iterator = tf.compat.v1.data.make_initializable_iterator(plain(tf, numbers(tf)))
    again = tf.raw_ops.IteratorFromStringHandle(string_handle=iterator.string_handle())
    return tf.raw_ops.IteratorGetNext(iterator=again, output_types=["int64"], output_shapes=[[]]), [
        iterator.initializer
    ]


for _op in ("GroupByReducerDataset", "ExperimentalScanDataset"):

    @graph_case(_op, _op=_op)
    def functions_of_state(tf, op=_op):
        def traced(f, count):
            spec = [tf.TensorSpec([], tf.int64)] * count
            return tf.function(f, autograph=False).get_concrete_function(*spec)

        source = tf.data.Dataset.range(5)._variant_tensor
        if op == "GroupByReducerDataset":
            more = {
                **{f"{name}_func_other_arguments": [] for name in ("key", "init", "reduce", "finalize")},
                "key_func": traced(lambda i: i % 2, 1),
                "init_func": traced(lambda key: key * 10, 1),
                "reduce_func": traced(lambda state, i: state + i, 2),
                "finalize_func": traced(lambda state: -state, 1),
            }
        else:
            more = {"initial_state": [np.int64(7)], "other_arguments": []}
            more["f"] = traced(lambda state, i: (state + i, state * i), 2)
        dataset = raw(tf, op, source, kind={"output_shapes": [[]]}, **more)
        return _single(tf, raw(tf, "BatchDataset", dataset, batch_size=20))


CASES = graph_cases()

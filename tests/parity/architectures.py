"""Models of the kinds that people serve, small and with random weights, built alike with Keras 2 and 3.

Each builder takes tf and a keras, and returns a function of tensors, the specs of its inputs, and what to feed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np


class Model(NamedTuple):
    """serve: a function of the tensors in `feeds`, by name, whose batch may vary; parts: what it takes weights from."""

    serve: Callable[..., dict[str, Any]]
    feeds: dict[str, np.ndarray]
    parts: list[Any]


def _drawn(*shape: int) -> np.ndarray:
    return np.random.default_rng(len(shape)).standard_normal(shape).astype(np.float32)


def _blocks(layers: Any, x: Any, filters: int) -> Any:
    for _ in range(2):
        x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
    return x


def segmentation(tf: Any, keras: Any) -> Model:
    """A U-Net: classes of pixels."""
    layers = keras.layers
    start = keras.Input((24, 32, 3))
    first = _blocks(layers, start, 8)
    second = _blocks(layers, layers.MaxPooling2D()(first), 12)
    third = _blocks(layers, layers.MaxPooling2D()(second), 16)
    up = layers.Concatenate()([layers.Conv2DTranspose(12, 2, strides=2)(third), second])
    up = layers.Concatenate()([layers.UpSampling2D(interpolation="bilinear")(_blocks(layers, up, 12)), first])
    net = keras.Model(start, layers.Conv2D(5, 1)(up))

    def serve(image: Any) -> dict[str, Any]:
        scores = net(image)
        return {"scores": tf.nn.softmax(scores), "mask": tf.argmax(scores, -1, output_type=tf.int32)}

    return Model(serve, {"image": _drawn(2, 24, 32, 3)}, [net])


def detection(tf: Any, keras: Any) -> Model:
    """Anchors, boxes, and the suppression of overlapping ones, at once and class by class in a loop."""
    layers = keras.layers
    start = keras.Input((32, 32, 3))
    x = _blocks(layers, layers.Conv2D(8, 3, strides=4, padding="same")(start), 8)
    scores = layers.Reshape((64, 4))(layers.Conv2D(4, 1, activation="sigmoid")(x))
    shifts = layers.Reshape((64, 4))(layers.Conv2D(4, 1)(x))
    net = keras.Model(start, [scores, shifts])
    corner = (np.stack(np.meshgrid(np.arange(8), np.arange(8), indexing="ij"), -1).reshape(64, 2) / 8).astype(
        np.float32
    )
    anchors = np.concatenate([corner, corner + np.float32(0.25)], axis=1)

    def serve(image: Any) -> dict[str, Any]:
        scores, shifts = net(image)
        boxes = anchors + 0.05 * tf.tanh(shifts)
        joint = tf.image.combined_non_max_suppression(boxes[:, :, None], scores, 5, 10, 0.4, 0.1)

        def one(args: Any) -> Any:
            kept = tf.TensorArray(tf.int32, 4, element_shape=[6])
            for number in tf.range(4):
                chosen, count = tf.image.non_max_suppression_padded(args[0], args[1][:, number], 6, 0.3, 0.05, True)
                kept = kept.write(number, tf.where(tf.range(6) < count, chosen, -1))
            return kept.stack()

        kept = tf.map_fn(one, (boxes, scores), fn_output_signature=tf.int32)
        names = ("boxes", "scores", "classes", "count")
        return dict(zip(names, joint)) | {"kept": kept}

    return Model(serve, {"image": _drawn(3, 32, 32, 3)}, [net])


def gan(tf: Any, keras: Any) -> Model:
    """A generator from noise that the graph draws, and the judgement of a discriminator."""
    layers = keras.layers
    generator = keras.Sequential(
        [
            keras.Input((16,)),
            layers.Dense(4 * 4 * 16, use_bias=False),
            layers.BatchNormalization(),
            layers.LeakyReLU(0.2),
            layers.Reshape((4, 4, 16)),
            layers.Conv2DTranspose(12, 5, strides=2, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.LeakyReLU(0.2),
            layers.Conv2DTranspose(3, 5, strides=2, padding="same", activation="tanh"),
        ]
    )
    discriminator = keras.Sequential(
        [
            keras.Input((16, 16, 3)),
            layers.Conv2D(8, 5, strides=2, padding="same"),
            layers.LeakyReLU(0.2),
            layers.Dropout(0.3),
            layers.Flatten(),
            layers.Dense(1),
        ]
    )

    def serve(seed: Any, count: Any) -> dict[str, Any]:
        noise = tf.random.stateless_normal([count, 16], seed)
        images = generator(noise, training=False)
        return {
            "pixels": tf.cast(tf.round(images * 127.5 + 127.5), tf.uint8),
            "images": images,
            "real": tf.sigmoid(discriminator(images, training=False)),
        }

    return Model(serve, {"seed": np.array([3, 4], np.int32), "count": np.int32(3)}, [generator, discriminator])


def policy(tf: Any, keras: Any) -> Model:
    """An actor and critic: drawn, greedy and now and then random actions."""
    layers = keras.layers
    start = keras.Input((6,))
    x = layers.Dense(16, activation="tanh")(layers.Dense(16, activation="elu")(start))
    net = keras.Model(start, [layers.Dense(4)(x), layers.Dense(1)(x)])

    def serve(state: Any, seed: Any, epsilon: Any) -> dict[str, Any]:
        logits, value = net(state)
        drawn = tf.random.stateless_categorical(logits, 1, seed)[:, 0]
        best = tf.argmax(logits, -1)
        other = tf.random.stateless_uniform(tf.shape(best), seed, maxval=4, dtype=tf.int64)
        action = tf.cond(epsilon > 0.5, lambda: other, lambda: best)
        chance = tf.reduce_sum(tf.one_hot(action, 4) * tf.nn.log_softmax(logits), -1)
        return {"value": value, "drawn": drawn, "action": action, "log_probability": chance}

    feeds = {"state": _drawn(5, 6), "seed": np.array([1, 2], np.int32), "epsilon": np.float32(0.7)}
    return Model(serve, feeds, [net])


WORDS = ["<end>", "the", "cat", "dog", "sees", "a", "bird"]


def translation(tf: Any, keras: Any) -> Model:
    """Words to words: an encoder, and a decoder with attention that runs until all lines have ended."""
    layers = keras.layers
    lookup = layers.StringLookup(vocabulary=WORDS, mask_token="")
    size = len(WORDS) + 2
    embedding, encoder = layers.Embedding(size, 12, mask_zero=True), layers.GRU(12, return_sequences=True)
    cell, out = layers.GRUCell(12), layers.Dense(size)
    tokens = keras.Input((None,), dtype="int64")
    embedded = keras.Model(tokens, embedding(tokens))
    encoded = keras.Model(tokens, encoder(embedding(tokens)))
    first, memory = keras.Input((12,)), keras.Input((12,))
    after, _ = cell(first, [memory])
    step = keras.Model([first, memory], [after, out(after)])
    names = tf.constant(["", "[UNK]", *WORDS])

    def serve(text: Any) -> dict[str, Any]:
        ids = lookup(tf.strings.split(tf.strings.lower(text)).to_tensor(""))
        states = encoded(ids)
        mask = tf.cast(ids != 0, tf.float32)

        def going(i: Any, word: Any, state: Any, done: Any, said: Any) -> Any:
            return (i < 8) & ~tf.reduce_all(done)

        def go(i: Any, word: Any, state: Any, done: Any, said: Any) -> Any:
            score = tf.einsum("bsd,bd->bs", states, state) - 1e9 * (1 - mask)
            context = tf.einsum("bs,bsd->bd", tf.nn.softmax(score), states)
            state, logits = step([embedded(word[:, None])[:, 0] + context, state])
            word = tf.where(done, tf.constant(2, tf.int64), tf.argmax(logits[:, 1:], -1) + 1)
            return i + 1, word, state, done | (word == 2), said.write(i, word)

        batch = tf.shape(ids)[0]
        said = tf.TensorArray(tf.int64, 0, dynamic_size=True, element_shape=[None])
        start = (0, tf.fill([batch], tf.constant(2, tf.int64)), states[:, -1], tf.zeros([batch], tf.bool), said)
        end = tf.while_loop(going, go, start)
        ids = tf.transpose(end[4].stack())
        return {"ids": ids, "text": tf.strings.reduce_join(tf.gather(names, ids), -1, separator=" "), "state": end[2]}

    feeds = {"text": np.array([b"The cat sees a bird", b"dog", b"an unknown word"], object)}
    return Model(serve, feeds, [lookup, embedded, encoded, step])


def audio(tf: Any, keras: Any) -> Model:
    """Mel cepstra of a signal, and dilated causal convolutions over them."""
    layers = keras.layers
    start = keras.Input((None, 13))
    x = layers.Conv1D(16, 1)(start)
    skips = []
    for rate in (1, 2, 4):
        both = layers.Conv1D(32, 2, padding="causal", dilation_rate=rate)(x)
        gated = layers.Activation("tanh")(both[..., :16]) * layers.Activation("sigmoid")(both[..., 16:])
        skips.append(layers.Conv1D(16, 1)(gated))
        x = x + skips[-1]
    pooled = layers.GlobalMaxPooling1D()(layers.ReLU()(layers.Add()(skips)))
    net = keras.Model(start, layers.Dense(4, activation="softmax")(pooled))

    def serve(signal: Any) -> dict[str, Any]:
        spectrum = tf.abs(tf.signal.stft(signal, 256, 128, 256, pad_end=True))
        mel = spectrum @ tf.signal.linear_to_mel_weight_matrix(20, 129, 8000, 80.0, 3800.0)
        cepstra = tf.signal.mfccs_from_log_mel_spectrograms(tf.math.log(mel + 1e-3))[..., :13]
        return {"cepstra": cepstra, "scores": net(cepstra)}

    return Model(serve, {"signal": _drawn(2, 2000)}, [net])


def recommendation(tf: Any, keras: Any) -> Model:
    """Two towers: hashed and looked up features of a user, and the nearest of many things."""
    layers = keras.layers
    lookup = layers.StringLookup(vocabulary=["anna", "ben", "eva"], num_oov_indices=2)
    hashed = layers.Hashing(num_bins=50)
    bins = layers.Discretization(bin_boundaries=[18.0, 30.0, 60.0])
    user, place, age = (keras.Input((), dtype="int64") for _ in range(3))
    parts = [layers.Embedding(count, 8)(ids) for count, ids in ((6, user), (50, place), (5, age))]
    tower = keras.Model([user, place, age], layers.Dense(8)(layers.Concatenate()(parts)))
    things = tf.Variable(_drawn(40, 8))
    names = tf.constant([f"thing {i}" for i in range(40)])

    def serve(user: Any, place: Any, age: Any) -> dict[str, Any]:
        ids = [tf.cast(x, tf.int64) for x in (lookup(user), hashed(place), bins(age))]
        query = tf.math.l2_normalize(tower(ids), -1)
        scores, found = tf.math.top_k(tf.matmul(query, tf.math.l2_normalize(things, -1), transpose_b=True), 5)
        return {"scores": scores, "things": tf.gather(names, found)}

    feeds = {
        "user": np.array([b"eva", b"stranger"], object),
        "place": np.array([b"Oslo", b"Rome"], object),
        "age": np.array([29, 71], np.float32),
    }
    return Model(serve, feeds, [lookup, hashed, bins, tower, things])


def graph_network(tf: Any, keras: Any) -> Model:
    """Messages along the edges of a graph."""
    layers = keras.layers
    ends, node = keras.Input((16,)), keras.Input((16,))
    message = keras.Model(ends, layers.Dense(8, activation="relu")(ends))
    update = keras.Model(node, layers.LayerNormalization()(layers.Dense(8, activation="swish")(node)))

    def serve(nodes: Any, source: Any, target: Any) -> dict[str, Any]:
        count = tf.shape(nodes)[0]
        for _ in range(2):
            sent = message(tf.concat([tf.gather(nodes, source), tf.gather(nodes, target)], -1))
            total = tf.math.unsorted_segment_sum(sent, target, count)
            degree = tf.math.unsorted_segment_sum(tf.ones_like(target, tf.float32), target, count)
            nodes = update(tf.concat([nodes, tf.math.divide_no_nan(total, degree[:, None])], -1))
        return {"nodes": nodes, "largest": tf.math.unsorted_segment_max(nodes, tf.range(count) % 2, 2)}

    rng = np.random.default_rng(0)
    edges = {name: rng.integers(0, 7, 12).astype(np.int32) for name in ("source", "target")}
    return Model(serve, {"nodes": _drawn(7, 8), **edges}, [message, update])


def language_model(tf: Any, keras: Any) -> Model:
    """A causal transformer, and the search for the likeliest continuations along beams."""
    layers = keras.layers
    size, length = 20, 10
    tokens = keras.Input((length,), dtype="int32")
    x = layers.Embedding(size, 16)(tokens)
    for _ in range(2):
        attended = layers.MultiHeadAttention(2, 8)(layers.LayerNormalization()(x), x, use_causal_mask=True)
        x = x + attended
        x = x + layers.Dense(16)(layers.Dense(32, activation="gelu")(layers.LayerNormalization()(x)))
    net = keras.Model(tokens, layers.Dense(size)(x))

    def serve(prompt: Any) -> dict[str, Any]:
        begun = tf.shape(prompt)[1]
        beams = tf.repeat(tf.pad(prompt, [[0, 0], [0, length - begun]]), 3, axis=0)
        score = tf.constant([[0.0, -1e9, -1e9]])
        for i in tf.range(begun, length):
            tf.autograph.experimental.set_loop_options(
                shape_invariants=[(beams, tf.TensorShape([None, length])), (score, tf.TensorShape([1, 3]))]
            )
            logits = tf.nn.log_softmax(tf.gather(net(beams), i - 1, axis=1))
            score, best = tf.math.top_k(tf.reshape(score[0][:, None] + logits, [1, -1]), 3)
            beams = tf.gather(beams, best[0] // size)
            beams = tf.tensor_scatter_nd_update(
                beams, tf.stack([tf.range(3), tf.fill([3], i)], -1), tf.cast(best[0] % size, tf.int32)
            )
        return {"beams": beams, "score": score}

    return Model(serve, {"prompt": np.array([[3, 7, 2]], np.int32)}, [net])


BUILDERS = (
    segmentation,
    detection,
    gan,
    policy,
    translation,
    audio,
    recommendation,
    graph_network,
    language_model,
)

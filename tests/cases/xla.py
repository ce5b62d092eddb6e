"""XLA's gather, convolution and window reduction. TensorFlow runs them only inside a compiled function."""

from __future__ import annotations

import numpy as np

from tests.cases import graph_case, graph_cases
from tests.values import i32, i64, ramp

CUBE = ramp((3, 4, 5))
GATHERS = [
    # operand, start indices, offset_dims, collapsed, start_index_map, index_vector_dim, slice sizes
    (CUBE, i32([0], [2], [7]), [1, 2], [0], [0], 1, [1, 4, 5]),
    (CUBE, i64([0, 1], [2, 3]), [1], [0, 1], [0, 1], 1, [1, 1, 5]),
    (CUBE, i32([1, 0], [4, 4]), [0, 1, 2], [], [2, 1], 1, [3, 2, 2]),
    (CUBE, i32(1, 2, 0), [0, 2], [1], [1], 1, [3, 1, 5]),
    (CUBE, i32([[0, 1], [1, 2]], [[2, 9], [-4, 0]]), [0, 3], [1], [0, 1], 2, [2, 1, 3]),
    (CUBE, i32([0, 2], [1, 1]), [1], [0, 1], [0, 1], 0, [1, 1, 4]),
    (ramp((4,), "int32"), i32([1], [3]), [], [0], [0], 1, [1]),
]
for _operand, _starts, _offset, _collapsed, _map, _dim, _sizes in GATHERS:

    @graph_case("gather", _op="XlaGather", x=_operand, starts=_starts)
    def gather(
        tf,
        x,
        starts,
        offset=_offset,
        collapsed=_collapsed,
        mapped=_map,
        dim=_dim,
        sizes=_sizes,
        shape=_starts.shape,
        rows=_operand.shape,
    ):
        from tensorflow.compiler.tf2xla.python import xla
        from tensorflow.compiler.xla import xla_data_pb2

        numbers = xla_data_pb2.GatherDimensionNumbers(
            offset_dims=offset, collapsed_slice_dims=collapsed, start_index_map=mapped, index_vector_dim=dim
        )

        @tf.function(jit_compile=True)
        def compiled(x, starts):
            return xla.gather(x, starts, numbers, sizes, False)

        return compiled(tf.ensure_shape(x, rows), tf.ensure_shape(starts, shape))


WINDOWS = [
    # input, reducer, initial value, window, strides, base dilations, window dilations, padding
    (ramp((4, 5)), "add", 0.0, [2, 3], [1, 1], [1, 1], [1, 1], [[0, 0], [0, 0]]),
    (ramp((4, 5)), "max", -np.inf, [2, 2], [2, 2], [1, 1], [1, 1], [[0, 1], [1, 0]]),
    (ramp((6,), start=1), "mul", 1.0, [3], [1], [1], [2], [[2, 2]]),
    (ramp((3,), start=1), "add", 0.0, [2], [1], [3], [1], [[1, 0]]),
    (ramp((5,)), "add", 0.0, [2], [1], [1], [1], [[-1, -1]]),
    (ramp((5,)), "min", np.inf, [5], [1], [1], [1], [[4, 0]]),
    (ramp((2,)), "add", 0.0, [3], [1], [1], [1], [[0, 0]]),
]
for _x, _name, _init, _window, _strides, _base, _dilations, _padding in WINDOWS:

    @graph_case(f"window_{_name}", _op="XlaReduceWindow", x=_x, init=np.float32(_init))
    def window(
        tf,
        x,
        init,
        name=_name,
        size=_window,
        strides=_strides,
        base=_base,
        dilations=_dilations,
        pads=_padding,
        shape=_x.shape,
    ):
        from tensorflow.compiler.tf2xla.python import xla

        reducers = {"add": tf.add, "max": tf.maximum, "min": tf.minimum, "mul": tf.multiply}

        @tf.function
        def reducer(a, b):
            return reducers[name](a, b)

        function = reducer.get_concrete_function(tf.TensorSpec([], tf.float32), tf.TensorSpec([], tf.float32))

        @tf.function(jit_compile=True)
        def compiled(x, init):
            return xla.reduce_window(x, init, function, size, strides, base, dilations, padding=pads)

        return compiled(tf.ensure_shape(x, shape), tf.ensure_shape(init, []))


NCHW, NHWC = ((0, 1, 2, 3), (0, 1, 2, 3), (0, 1, 2, 3)), ((0, 3, 1, 2), (3, 2, 0, 1), (0, 3, 1, 2))
PLAIN = {"strides": [1, 1], "padding": [[0, 0], [0, 0]], "base": [1, 1], "dilations": [1, 1]}


def conv(label, lhs, rhs, dims=NCHW, dtype="float32", wanted=None, groups=1, batch_groups=1, **window):
    """dims: (batch, features, …), (output features, input features, …) and again of the output."""
    x, kernel = ramp(lhs, dtype, start=-7), ramp(rhs, dtype, start=-3)
    window = PLAIN | window

    for use_v2 in (False, True) if batch_groups == 1 and wanted is None else (True,):

        @graph_case(f"conv_{label}", _op="XlaConvV2" if use_v2 else "XlaConv", _rtol=1e-5, x=x, kernel=kernel)
        def build(tf, x, kernel, use_v2=use_v2):
            from tensorflow.compiler.tf2xla.python import xla
            from tensorflow.compiler.xla import xla_data_pb2

            (batch, feature, *spatial), (outs, ins, *kernel_spatial), (out_batch, out_feature, *out_spatial) = dims
            numbers = xla_data_pb2.ConvolutionDimensionNumbers(
                input_batch_dimension=batch,
                input_feature_dimension=feature,
                input_spatial_dimensions=spatial,
                kernel_output_feature_dimension=outs,
                kernel_input_feature_dimension=ins,
                kernel_spatial_dimensions=kernel_spatial,
                output_batch_dimension=out_batch,
                output_feature_dimension=out_feature,
                output_spatial_dimensions=out_spatial,
            )

            @tf.function(jit_compile=True)
            def compiled(x, kernel):
                return xla.conv(
                    x,
                    kernel,
                    window["strides"],
                    window["padding"],
                    window["base"],
                    window["dilations"],
                    numbers,
                    groups,
                    preferred_element_type=None if wanted is None else tf.as_dtype(wanted),
                    use_v2=use_v2,
                    batch_group_count=batch_groups,
                )

            return compiled(tf.ensure_shape(x, lhs), tf.ensure_shape(kernel, rhs))


conv("plain", (2, 3, 5, 6), (4, 3, 2, 3))
conv("last", (2, 5, 6, 3), (2, 3, 3, 4), NHWC)
conv("strides", (2, 3, 5, 6), (4, 3, 2, 3), strides=[2, 3], padding=[[1, 0], [2, 1]])
conv("cut", (1, 2, 5, 6), (4, 2, 2, 2), padding=[[-1, 0], [0, -2]])
conv("dilated", (1, 2, 7, 6), (3, 2, 2, 3), dilations=[3, 2])
conv("spread", (1, 2, 4, 3), (3, 2, 3, 3), base=[2, 3], padding=[[2, 2], [1, 2]])
conv("groups", (1, 4, 4, 3), (6, 2, 2, 2), groups=2)
conv("depthwise", (1, 4, 4, 3), (4, 1, 2, 2), groups=4)
conv("batch_groups", (4, 2, 4, 3), (6, 2, 2, 2), batch_groups=2)
LINE, VOLUME = ((0, 1, 2),) * 3, ((0, 4, 1, 2, 3), (4, 3, 0, 1, 2), (0, 4, 1, 2, 3))
conv("line", (2, 3, 6), (4, 3, 2), LINE, strides=[2], padding=[[1, 1]], base=[1], dilations=[1])
conv(
    "volume",
    (1, 3, 4, 3, 2),
    (2, 2, 2, 2, 3),
    VOLUME,
    strides=[1] * 3,
    padding=[[0, 0]] * 3,
    base=[1] * 3,
    dilations=[1] * 3,
)
for _dtype in ("float64", "int32"):
    conv(_dtype, (1, 2, 4, 3), (3, 2, 2, 2), dtype=_dtype)
conv("int8", (1, 2, 4, 3), (3, 2, 2, 2), dtype="int8", wanted="int32")


CASES = graph_cases()

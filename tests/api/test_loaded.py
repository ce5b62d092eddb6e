"""smcli.load on models of fixtures/: signatures, functions with several traces, shared state, structure in and out."""

from __future__ import annotations

import pickle
import subprocess
import sys
import threading
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest

import smcli
from smcli.api import ConcreteFunction, LoadedModel, RestoredFunction, Variable
from smcli.errors import NotFoundError, SmcliError

MODELS = Path(__file__).resolve().parents[2] / "fixtures" / "models"
X = np.array([1, 2, 3], np.float32)
Pair = namedtuple("Pair", ["left", "right"])


@pytest.fixture
def polymorphic() -> LoadedModel:
    return smcli.load(MODELS / "polymorphic")


def test_signature_takes_inputs_by_name_and_gives_outputs_by_name():
    model = smcli.load(MODELS / "half_plus_two")
    outputs = model.signatures["serving_default"](x=X)
    assert list(outputs) == ["y"]
    assert outputs["y"].tolist() == [2.5, 3.0, 3.5]


@pytest.mark.parametrize("value", [[1, 2], np.array([1.0, 2.0]), (np.float64(1), 2)])
def test_signature_converts_numbers_of_the_same_kind(value):
    signature = smcli.load(MODELS / "half_plus_two").signatures["serving_default"]
    assert signature(value)["y"].tolist() == [2.5, 3.0]
    assert signature(value)["y"].dtype == np.float32


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "takes the inputs x; got none"),
        ({"z": X}, "got z"),
        ({"x": X, "y": X}, "got x, y"),
        ({"x": [[1.0]]}, r"got shape \(1, 1\)"),
        ({"x": ["a"]}, "expected TensorSpec"),
        ({"x": [1j]}, "complex128"),
        ({"x": None}, "expected TensorSpec"),
    ],
)
def test_signature_refuses_what_does_not_fit(arguments, message):
    signature = smcli.load(MODELS / "half_plus_two").signatures["serving_default"]
    with pytest.raises(SmcliError, match=message) as caught:
        signature(**arguments)
    assert caught.value.shown_as == "TypeError"


def test_strings_go_in_as_str_and_come_out_as_bytes():
    outputs = smcli.load(MODELS / "module_signatures").signatures["shout"](text=["abc", "ß"])
    assert outputs["upper"].tolist()[0] == b"ABC"
    assert outputs["length"].tolist() == [3, 2]


def test_tensorflow_1_model_has_signatures_and_variables():
    model = smcli.load(MODELS / "dynamic_rnn_tf1")
    assert list(model.signatures) == ["serving_default"]
    assert len(model.variables) == 2
    assert all(np.isfinite(variable.numpy()).all() for variable in model.variables)


def test_trace_is_picked_by_dtype_value_and_keyword(polymorphic):
    assert polymorphic.polynomial(X).tolist() == [1, 4, 9]
    assert polymorphic.polynomial(X, 3).tolist() == [1, 8, 27]
    assert polymorphic.polynomial(X, power=3).tolist() == [1, 8, 27]
    assert polymorphic.polynomial(x=X, negate=True).tolist() == [-1, -4, -9]
    integers = polymorphic.polynomial(np.array([5], np.int32))
    assert integers.dtype == np.int32
    assert integers.tolist() == [25]


def test_error_for_no_fitting_trace_lists_all(polymorphic):
    with pytest.raises(SmcliError) as caught:
        polymorphic.polynomial(X, 9)
    assert caught.value.shown_as == "ValueError"
    assert "(array(shape=(3,), dtype=float32), 9, negate=False)" in caught.value.message
    assert caught.value.message.count("TensorSpec(") == 4


@pytest.mark.parametrize(
    ("args", "kwargs", "message"),
    [
        ((), {}, "missing arguments: x"),
        ((X, 2, 3), {}, "takes 2 positional arguments but 3 were given"),
        ((X,), {"x": X}, "multiple values for argument 'x'"),
        ((X,), {"foo": 1}, "unexpected keyword arguments: foo"),
    ],
)
def test_calls_are_bound_as_python_binds_them(polymorphic, args, kwargs, message):
    with pytest.raises(SmcliError, match=message) as caught:
        polymorphic.polynomial(*args, **kwargs)
    assert caught.value.shown_as == "TypeError"


def test_structures_go_in_and_come_out(polymorphic):
    result = polymorphic.structured(Pair(X, X + 1), {"a": [X], "b": X * 2})
    assert sorted(result) == ["n", "rest", "swapped", "total"]
    assert result["total"].tolist() == [3, 5, 7]
    assert type(result["swapped"]).__name__ == "Pair"
    assert result["swapped"].left.tolist() == [2, 3, 4]
    assert [type(result["rest"]), type(result["rest"][1])] == [tuple, list]
    assert result["rest"][1][0].tolist() == [2, 4, 6]


def test_ragged_values_go_in_as_lists_or_as_ragged_tensors(polymorphic):
    rows = [[1.0, 2.0], [], [3.5]]
    doubled, sums = polymorphic.ragged(rows)
    assert isinstance(doubled, smcli.RaggedTensor)
    assert doubled.to_list() == [[2, 4], [], [7]]
    assert sums.tolist() == [3, 0, 3.5]
    again, _ = polymorphic.ragged(doubled)
    assert again.to_list() == [[4, 8], [], [14]]


def test_sparse_values_go_in_and_come_out(polymorphic):
    given = smcli.SparseTensor(np.array([[0, 1]]), np.array([2], np.float32), np.array([2, 3]))
    transposed, dense = polymorphic.sparse(given)
    assert transposed.indices.tolist() == [[1, 0]]
    assert transposed.dense_shape.tolist() == [3, 2]
    assert dense.tolist() == [[0, 2, 0], [0, 0, 0]]


def test_functions_and_signatures_share_their_state(polymorphic):
    assert polymorphic.step() == 1
    assert polymorphic.signatures["step"]()["output_0"] == 2
    assert polymorphic.count.numpy() == 2
    polymorphic.count.assign(40)
    assert polymorphic.step() == 41
    assert polymorphic.look_up(["b", "?"]).tolist() == [2, -1]


def test_assigned_variable_changes_results_that_were_folded(polymorphic):
    assert polymorphic.scale(X).tolist() == [2, 4, 6]
    polymorphic.scale.factor.assign(10)
    assert polymorphic.scale(X).tolist() == [10, 20, 30]


def test_objects_in_lists_and_dicts_are_found(polymorphic):
    assert polymorphic.scalers[1](X).tolist() == [4, 8, 12]
    assert polymorphic.named["five"](X).tolist() == [5, 10, 15]
    assert "scalers" in dir(polymorphic)
    assert isinstance(polymorphic.polynomial, RestoredFunction)
    assert isinstance(polymorphic.count, Variable)


def test_captured_constants_are_found(polymorphic):
    assert polymorphic.shift(X[:2]).tolist() == [11, 22]


def test_concrete_function_is_callable(polymorphic):
    trace = polymorphic.polynomial.get_concrete_function(X, 3)
    assert isinstance(trace, ConcreteFunction)
    assert trace in polymorphic.polynomial.concrete_functions
    assert trace(X, 3, negate=False).tolist() == [1, 8, 27]
    with pytest.raises(SmcliError, match="expected 3"):
        trace(X, 4, negate=False)


def test_unknown_attribute_says_what_there_is(polymorphic):
    with pytest.raises(AttributeError, match=r"no 'polynomal' here; it has: count, look_up"):
        polymorphic.polynomal  # noqa: B018
    assert not hasattr(polymorphic, "__array__")


def test_object_without_call_is_not_callable(polymorphic):
    with pytest.raises(SmcliError, match="can not be called"):
        polymorphic(X)


def test_variables_are_lazy_read_only_and_assignable(polymorphic):
    count = next(variable for variable in polymorphic.variables if variable.name == "count:0")
    assert (count.dtype, count.shape, count.trainable) == (np.int64, (), False)
    with pytest.raises(ValueError, match="read-only"):
        count.numpy()[...] = 5
    with pytest.raises(SmcliError, match="has shape"):
        count.assign([1, 2])
    assert np.asarray(count) == 0


def test_prune_runs_any_part_of_the_graph():
    model = smcli.load(MODELS / "half_plus_two_tf1")
    info = model._meta_graph.signatures["serving_default"]
    x, y = info.inputs["x"].name, info.outputs["y"].name
    assert model.prune(x, y)([2.0]).tolist() == [3.0]
    assert model.prune({"x": x}, {"out": [y, (x,)]})(x=[2.0])["out"][0].tolist() == [3.0]
    half = model.prune([y], y)  # any tensor can be fed
    assert half([[7.0]]).tolist() == [[7.0]]
    with pytest.raises(NotFoundError):
        model.prune(x, "nothing")
    with pytest.raises(SmcliError, match="Takes 1 positional"):
        model.prune(x, y)()


def test_graph_can_be_looked_at(polymorphic):
    assert polymorphic.graph.nodes["count"].op == "VarHandleOp"
    assert any("polynomial" in name for name in polymorphic.graph.functions)
    copy = polymorphic.graph.as_graph_def()
    copy.Clear()
    assert polymorphic.graph.nodes


def test_pickled_model_is_loaded_anew(polymorphic):
    polymorphic.step()
    copy = pickle.loads(pickle.dumps(polymorphic))
    assert copy.step() == 1
    assert copy.tags == ["serve"]


def test_context_manager_lets_go():
    with smcli.load(MODELS / "half_plus_two", tags=["serve"]) as model:
        signature = model.signatures["serving_default"]
        assert signature(x=[0.0])["y"].tolist() == [2.0]
    with pytest.raises(SmcliError):
        signature(x=[0.0])


def test_threads_take_turns(polymorphic):
    results = []

    def work() -> None:
        results.extend(int(polymorphic.step()) for _ in range(50))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == list(range(1, 201))


@pytest.mark.parametrize(
    ("tags", "message"), [("train", "could not be found"), (["serve", "gpu"], "could not be found")]
)
def test_unknown_tags_are_refused(tags, message):
    with pytest.raises(SmcliError, match=message):
        smcli.load(MODELS / "half_plus_two", tags=tags)


def test_every_object_of_the_fixture_models_can_be_reached():
    reached = 0
    for directory in sorted(MODELS.iterdir()):
        model = smcli.load(directory)
        for name in dir(model):
            if name not in ("signatures", "variables"):
                assert getattr(model, name) is not None
                reached += 1
    assert reached > 100


def test_importing_the_package_loads_neither_numpy_nor_the_executor():
    code = "import smcli, sys; assert 'numpy' not in sys.modules and 'smcli.runtime' not in sys.modules; smcli.load"
    subprocess.run([sys.executable, "-c", code + "; assert 'numpy' in sys.modules"], check=True)


def test_unknown_name_in_the_package():
    with pytest.raises(AttributeError, match="has no attribute 'lode'"):
        smcli.lode  # noqa: B018

"""Every recorded command line of saved_model_cli gets the same answer, apart from the deviations listed here.

Each deviation stands on docs/compatibility.md too, which says why in more words.
"""

from __future__ import annotations

import re
import sys
from typing import NamedTuple

import pytest

from tests.cli import golden


class Deviation(NamedTuple):
    """What smcli answers instead: the exit code, and patterns found in stdout and stderr."""

    reason: str
    exit_code: int
    stdout: str = ""
    stderr: str = ""


_HELP = Deviation(
    "help is click's, and asking for it is no error", 0, stdout=r"^Usage: saved_model_cli.*\n[^$]*Examples:"
)
_CPB = Deviation("the proto-split format is read", 1, stderr=r"DataLossError: models/cpb/saved_model.cpb: ")

DEVIATIONS = {
    **dict.fromkeys(
        (
            "arg_help",
            "arg_h",
            "arg_single_dash_help",
            "arg_helpfull",
            "arg_qmark",
            "arg_show_help",
            "arg_show_h",
            "arg_run_help",
            "arg_scan_help",
            "arg_convert_help",
            "arg_freeze_help",
        ),
        _HELP,
    ),
    "arg_version": Deviation(
        "--version exists", 0, stdout=r"^saved_model_cli \d.*\(answers as saved_model_cli 0\.1\.0"
    ),
    **dict.fromkeys(("show_cpb", "show_all_cpb", "scan_cpb"), _CPB),
    "show_all_custom_op_tf2": Deviation(
        "functions of models with custom ops are listed", 0, stdout=r"Concrete Functions:\n  Function Name: 'bump'"
    ),
    **dict.fromkeys(
        ("run_exprs_np_array", "run_exprs_arith"),
        Deviation("expressions are evaluated, as documented", 0, stdout=r"z:\n\[\[22. 28.\]\]"),
    ),
    "run_exprs_semicolon_in_value": Deviation("strings may hold semicolons", 0, stdout=r"out:\nb'a;b'"),
    "run_cpb": _CPB,
    **dict.fromkeys(
        ("run_ex_parse", "run_ex_parse_outdir"),
        Deviation("the features of a serialised example are sorted", 0, stdout=r"raw:\n\[b.*x01f.*x01i.*x01s.*key s:"),
    ),
    "run_tf2_noarg_plain": Deviation("a signature without inputs needs no input flag", 0, stdout=r"\[2. 4. 6.\]"),
    "run_custom_op_tf2": Deviation("only the ops that the signature needs must exist", 0, stdout=r"y:\n\[\["),
    **dict.fromkeys(
        ("run_out_second", "run_out_second_zk", "run_out_nooverwrite"),
        Deviation(
            "existing outputs are reported before the model runs", 1, r"^$", r"RuntimeError: Output file o/zk?.npy"
        ),
    ),
    "run_out_is_file": Deviation(
        "a file in place of --outdir is reported before the model runs", 1, r"^$", r"FileExistsError: .*: 'o'$"
    ),
    "run_keys_slash": Deviation("keys with slashes get their subdirectory", 0, stdout=r"saved to o/a/b.npy\n"),
    **dict.fromkeys(
        ("run_read_file", "run_read_file_missing"),
        Deviation("ops that touch files must be allowed", 1, r"^$", r"PermissionDeniedError: ReadFile .*--allow_ops"),
    ),
    "run_write_file": Deviation(
        "ops that touch files must be allowed", 1, r"^$", r"PermissionDeniedError: WriteFile .*--allow_ops"
    ),
    "run_worker_bad": Deviation(
        "there are no remote workers", 0, r"28", r"^--worker grpc://127.0.0.1:1 has no meaning"
    ),
    "run_init_tpu": Deviation("there is no TPU", 0, r"28", r"^--init_tpu has no meaning here"),
    "freeze_rng": Deviation("a graph that TensorFlow's optimiser can not import is frozen", 0, stdout=r"^$"),
    "aot_ok": Deviation("there is no XLA", 1, stderr=r"UnimplementedError: aot_compile_cpu needs XLA"),
}

# Recorded with the words of Python's own error, which Python 3.14 has changed.
NEWER_WORDS = ("run_pickle_int_var",) if sys.version_info >= (3, 14) else ()

_RECORDS = {record["id"]: record for record in golden.records()}


def _not_listed() -> list[str]:
    return [name for name in _RECORDS if name not in {*DEVIATIONS, *NEWER_WORDS}]


@pytest.mark.parametrize("name", _not_listed())
def test_as_recorded(name: str) -> None:
    found = golden.differences(_RECORDS[name], golden.run(_RECORDS[name]))
    assert not found, "\n".join(found)


@pytest.mark.parametrize("name", DEVIATIONS)
def test_deviations_are_as_listed(name: str) -> None:
    deviation = DEVIATIONS[name]
    outcome = golden.run(_RECORDS[name])
    assert golden.differences(_RECORDS[name], outcome), "no deviation any more: take it off the list and the page"
    assert outcome.exit_code == deviation.exit_code
    assert re.search(deviation.stdout, outcome.stdout, re.DOTALL)
    assert re.search(deviation.stderr, outcome.stderr)


@pytest.mark.parametrize(
    "name",
    [
        "arg_none",
        "arg_unknown_close",
        "arg_all_true",
        "show_all_tf2_sigs",
        "show_sig_nope",
        "show_bad_pb",
        "scan_scan_tf1",
    ],
)
def test_in_a_process_of_its_own(name: str) -> None:
    found = golden.differences(_RECORDS[name], golden.run(_RECORDS[name], in_process=False))
    assert not found, "\n".join(found)


# The comparison itself.


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("ops: {'B', 'A'}", "ops: {'A', 'B'}"),
        ("Please choose from: b, a", "Please choose from: a, b"),
        ("following tag-sets: ['train', 'gpu,serve']", "following tag-sets: ['train', 'serve,gpu']"),
        (
            "{'s': 'x, y', 'a': {'d': 5, 'c': T(shape=(1, 2), name='n')}, \b\b}",
            "{'a': {'c': T(shape=(1, 2), name='n'), 'd': 5}, 's': 'x, y', \b\b}",
        ),
    ],
)
def test_order_of_sets_does_not_count(a: str, b: str) -> None:
    assert golden.in_any_order(a) == golden.in_any_order(b)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("ops: {'A', 'B'}", "ops: {'A', 'C'}"),
        ("Value: [1, 2, \b\b]", "Value: [2, 1, \b\b]"),
        ("tag set ['gpu', 'serve']", "tag set ['serve', 'gpu']"),
        ("{'a': 1, 'b': 2}", "{'a': 2, 'b': 1}"),
        ("x {", "x"),
    ],
)
def test_all_else_counts(a: str, b: str) -> None:
    assert golden.in_any_order(a) != golden.in_any_order(b)


def test_a_difference_is_seen_in_each_part() -> None:
    record = _RECORDS["run_out_dot"]
    files = {path: golden.base64_of(about) for path, about in record["files_written"].items()}
    good = golden.Outcome(0, record["stdout"], "", files)
    assert golden.differences(record, good) == []
    assert golden.differences(record, golden.Outcome(1, good.stdout, "", files))
    assert golden.differences(record, golden.Outcome(0, good.stdout + "\n", "", files))
    assert golden.differences(record, golden.Outcome(0, good.stdout, "", {**files, "more": b""}))
    assert golden.differences(record, golden.Outcome(0, good.stdout, "", {**files, "z.npy": files["zk.npy"]}))

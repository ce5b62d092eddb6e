"""`check`: one smoke test of a SavedModel, for CI."""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Sequence

import click

from smcli.analysis.check import FAILED, SKIPPED, Golden, Result
from smcli.analysis.check import check as run_check
from smcli.cli.limited import bounded
from smcli.cli.own import find_meta_graph, model_directory, tag_set
from smcli.cli.progress import Shown
from smcli.inputs.arguments import load_inputs
from smcli.report.tables import write_json

_FAILED = 1  # the exit code
_MARKS = {"passed": "ok  ", "failed": "FAIL", "skipped": "-   "}


@click.command()
@model_directory
@tag_set
@click.option(
    "--signature_def", "signatures", multiple=True, help="Run only this signature; may be given several times."
)
@click.option("--inputs", default="", help="Inputs from files, as for run; what is missing is made up.")
@click.option("--input_exprs", default="", help="Inputs as expressions, as for run.")
@click.option("--input_examples", default="", help="Inputs as tf.Examples, as for run.")
@click.option("--seed", default=0, show_default=True, help="Of the made-up inputs.")
@click.option("--golden", "golden", metavar="DIR", help="Compare with the inputs and outputs recorded in DIR.")
@click.option("--update", is_flag=True, help="Record inputs and outputs in the directory of --golden.")
@click.option("--rtol", default=1e-5, show_default=True, help="Relative tolerance of the comparison.")
@click.option("--atol", default=1e-6, show_default=True, help="Absolute tolerance of the comparison.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "junit"]),
    default="text",
    show_default=True,
    help="text for people, json for scripts, junit for CI.",
)
@click.option("-q", "--quiet", is_flag=True, help="Print only what failed.")
@bounded
@click.pass_context
def check(
    context: click.Context,
    directory: str,
    tag_set: str | None,
    signatures: Sequence[str],
    inputs: str,
    input_exprs: str,
    input_examples: str,
    seed: int,
    golden: str | None,
    update: bool,
    rtol: float,
    atol: float,
    form: str,
    quiet: bool,
) -> None:
    """Smoke-test a SavedModel.

    Reads every variable and checks its checksum, looks for the assets, sees whether all ops are known, loads the model,
    runs each signature on made-up or given inputs, and replays the requests in assets.extra/tf_serving_warmup_requests.
    Ends with 0 when all is well, with 1 when a step failed, with 2 when there is no such model.
    """
    if update and not golden:
        raise click.UsageError("--update needs --golden DIR.")
    meta_graph = find_meta_graph(directory, tag_set)
    given = load_inputs(inputs, input_exprs, input_examples, lambda text: print(f"Warning: {text}", file=sys.stderr))
    recorded = Golden(golden, update, rtol, atol) if golden else None
    results = []
    shown = Shown(quiet)
    steps = run_check(meta_graph, signatures, given, recorded, seed, shown.progress)
    for result in _worked(steps, shown):
        results.append(result)
        if form == "text" and (result.status == FAILED or not quiet):
            sys.stdout.write(f"{_MARKS[result.status]} {result.name}: {result.detail}\n")
            sys.stdout.flush()
    if form == "json":
        write_json({"directory": directory, "tags": meta_graph.tags, "results": [_as_dict(item) for item in results]})
    elif form == "junit":
        sys.stdout.write(junit(directory, results))
    context.exit(_FAILED if any(result.status == FAILED for result in results) else 0)


def _worked(steps: Iterator[Result], shown: Shown) -> Iterator[Result]:
    """The same results; while each of them is found, its progress is shown."""
    while True:
        with shown.working():
            result = next(steps, None)
        if result is None:
            return
        yield result


def _as_dict(result: Result) -> dict[str, object]:
    return {"name": result.name, "status": result.status, "detail": result.detail, "seconds": result.seconds}


def junit(directory: str, results: Sequence[Result]) -> str:
    """The results as JUnit XML: a suite with a test case for each step."""
    suite = ET.Element(
        "testsuite",
        name=f"smcli check {_xml_text(directory)}",
        tests=str(len(results)),
        failures=str(sum(result.status == FAILED for result in results)),
        errors="0",
        skipped=str(sum(result.status == SKIPPED for result in results)),
        time=f"{sum(result.seconds for result in results):.3f}",
    )
    for result in results:
        case = ET.SubElement(
            suite, "testcase", classname="smcli.check", name=_xml_text(result.name), time=f"{result.seconds:.3f}"
        )
        if result.status == FAILED:
            ET.SubElement(case, "failure", message=_xml_text(result.detail)).text = _xml_text(result.detail)
        elif result.status == SKIPPED:
            ET.SubElement(case, "skipped", message=_xml_text(result.detail))
        else:
            ET.SubElement(case, "system-out").text = _xml_text(result.detail)
    ET.indent(suite)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(suite, encoding="unicode")}\n'


def _xml_text(text: str) -> str:
    """Without the characters that XML can not hold."""
    return "".join(
        [char if char in "\t\n" or (char.isprintable() and not "\ud800" <= char <= "\udfff") else "?" for char in text]
    )

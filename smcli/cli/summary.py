"""`summary`: layers, parameters, floating point operations and memory of a signature, as people know it from Keras."""

from __future__ import annotations

import sys
from dataclasses import asdict

import click

from smcli.analysis.summary import Summary, summarise
from smcli.cli.limited import bounded
from smcli.cli.own import find_meta_graph, model_directory, output_format, signature_key, tag_set
from smcli.cli.progress import Shown
from smcli.report.tables import Table, bytes_text, write, write_json
from smcli.savedmodel.meta_graph import find_signature


@click.command()
@model_directory
@tag_set
@click.option("--signature_def", help="The signature; not needed if there is one, or serving_default.")
@click.option("--batch", default=1, show_default=True, type=click.IntRange(1), help="Unknown first dims are this long.")
@click.option("--size", default=8, show_default=True, type=click.IntRange(1), help="Other unknown dims are this long.")
@click.option("--depth", default=1, show_default=True, type=click.IntRange(1), help="Scopes that make a layer.")
@output_format
@bounded
def summary(
    directory: str, tag_set: str | None, signature_def: str | None, batch: int, size: int, depth: int, form: str
) -> None:
    """Show the layers of a signature with their output shapes, parameters and floating point operations.

    The signature runs once on made-up inputs. A layer is a name scope of the graph.
    """
    meta_graph = find_meta_graph(directory, tag_set)
    key = signature_key(meta_graph, signature_def)
    signature, shown = find_signature(meta_graph, key), Shown()
    with shown.working():
        found = summarise(meta_graph, signature, (batch, size), depth, shown.progress)
    if form == "json":
        write_json({"signature": key, **asdict(found)})
        return
    _print(key, found)


def _print(key: str, found: Summary) -> None:
    rows = [
        [layer.name, None if layer.shape is None else str(list(layer.shape)), layer.parameters, layer.flops]
        for layer in found.layers
        if layer.shape is not None or layer.parameters
    ]
    write(Table(f"Signature {key}", ["layer", "output shape", "parameters", "FLOPs"], rows))
    inputs, outputs = (
        ", ".join(f"{name} {list(shape)}" for name, shape in shapes.items()) for shapes in (found.inputs, found.outputs)
    )
    sys.stdout.write(
        f"\nInputs: {inputs or 'none'}\n"
        f"Outputs: {outputs or 'none'}\n"
        f"Parameters: {found.parameters:,} ({bytes_text(found.parameter_bytes)})\n"
        f"FLOPs: {found.flops:,}\n"
        f"Peak memory of tensors: {bytes_text(found.peak_bytes)}\n"
    )

"""`summary`: layers, parameters, floating point operations and memory of a signature, as people know it from Keras."""

from __future__ import annotations

import sys
from dataclasses import asdict

import click

from smcli.analysis.check import HIDDEN
from smcli.analysis.summary import Summary, summarise
from smcli.cli.own import find_meta_graph, model_directory, output_format, tag_set
from smcli.errors import SmcliError
from smcli.report.tables import Table, bytes_text, write, write_json
from smcli.savedmodel.meta_graph import MetaGraph, find_signature

_DEFAULT = "serving_default"


@click.command()
@model_directory
@tag_set
@click.option("--signature_def", help="The signature; not needed if there is one, or serving_default.")
@click.option("--batch", default=1, show_default=True, type=click.IntRange(1), help="Unknown first dims are this long.")
@click.option("--size", default=8, show_default=True, type=click.IntRange(1), help="Other unknown dims are this long.")
@click.option("--depth", default=1, show_default=True, type=click.IntRange(1), help="Scopes that make a layer.")
@output_format
def summary(
    directory: str, tag_set: str | None, signature_def: str | None, batch: int, size: int, depth: int, form: str
) -> None:
    """Show the layers of a signature with their output shapes, parameters and floating point operations.

    The signature runs once on made-up inputs. A layer is a name scope of the graph.
    """
    meta_graph = find_meta_graph(directory, tag_set)
    key = _signature_key(meta_graph, signature_def)
    found = summarise(meta_graph, find_signature(meta_graph, key), (batch, size), depth)
    if form == "json":
        write_json({"signature": key, **asdict(found)})
        return
    _print(key, found)


def _signature_key(meta_graph: MetaGraph, wanted: str | None) -> str:
    keys = sorted(set(meta_graph.signatures) - HIDDEN)
    if wanted is not None:
        return wanted
    if len(keys) != 1 and _DEFAULT not in keys:
        raise SmcliError(f"Say which signature with --signature_def: {', '.join(keys) or 'the model has none'}")
    return keys[0] if len(keys) == 1 else _DEFAULT


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

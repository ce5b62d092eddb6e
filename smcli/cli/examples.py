"""`examples`: tf.Examples from the rows of a JSON or CSV file, as a TFRecord file."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import click

from smcli.cli.own import find_meta_graph, output_format, signature_key, tag_set
from smcli.errors import SmcliError
from smcli.inputs.features import Column, Encoder, encoder, parse_types
from smcli.inputs.records import write_records
from smcli.inputs.rows import FORMATS, CsvForm, open_rows
from smcli.report.outputs import Writing, check_free
from smcli.report.tables import Table, write, write_json


@click.command()
@click.argument("rows")
@click.option("-o", "--output", required=True, metavar="FILE", help="The TFRecord file; .gz and .zlib compress it.")
@click.option("--overwrite", is_flag=True, help="Replace the file if it exists.")
@click.option(
    "--type",
    "types",
    multiple=True,
    metavar="NAME=TYPE",
    help="Type of a feature: int64, float, bytes, base64 (bytes written so), file (the bytes of the file of that name);"
    " may be given several times.",
)
@click.option("--dir", "directory", help="Take names, types and shapes from the SavedModel that parses the Examples.")
@tag_set
@click.option("--signature_def", help="Its signature; not needed if there is one, or serving_default.")
@click.option(
    "--from",
    "source_format",
    type=click.Choice(FORMATS),
    help="Format of ROWS, where its name does not say it.",
)
@click.option("--delimiter", metavar="CHAR", help="Between the cells of a CSV file, instead of a comma.")
@click.option("--split", metavar="TEXT", help="Between the values of one cell; a cell is one value when not given.")
@click.option("--columns", metavar="NAMES", default="", help="Names of the columns of a CSV file without a header.")
@output_format
def examples(
    rows: str,
    output: str,
    overwrite: bool,
    types: Sequence[str],
    directory: str | None,
    tag_set: str | None,
    signature_def: str | None,
    source_format: str | None,
    delimiter: str | None,
    split: str | None,
    columns: str,
    form: str,
) -> None:
    """Write tf.Examples from rows of JSON or CSV to a TFRecord file.

    ROWS is a .jsonl file with an object on each line, a .json file with a list of objects, a .csv or .tsv file with a
    header, each also with .gz, or "-" for stdin. A feature is of the type that --type says, else that the model parses,
    else that its values have: integers, numbers, or bytes. {"b64": "..."} stands for bytes in JSON. An empty cell and
    null are no value.
    """
    check_free(".", {"": output}, overwrite)
    names = [name.strip() for name in columns.split(",")] if columns else []
    source = open_rows(rows, source_format, CsvForm(delimiter, split or None, names))
    made = encoder(source, parse_types(types), _specs(directory, tag_set, signature_def))
    with Writing(overwrite) as files:
        files.add_file(output, lambda file: write_records(file, made.encoded(source), output))
        files.finish()
    for name in made.unknown():
        print(f"Warning: the model does not parse {name!r}; it parses {', '.join(sorted(made.specs))}", file=sys.stderr)
    _report(made, output, form)


def _specs(directory: str | None, tags: str | None, signature: str | None) -> dict[str, Any]:
    """What the model parses; nothing without a model. Raises SmcliError for one that parses no Examples."""
    if directory is None:
        return {}
    from smcli.cli.values import nodes_of
    from smcli.inputs.parse_specs import feature_specs
    from smcli.savedmodel.meta_graph import find_signature

    meta_graph = find_meta_graph(directory, tags)
    key = signature_key(meta_graph, signature)
    specs = feature_specs(nodes_of(meta_graph, find_signature(meta_graph, key)))
    if not specs:
        raise SmcliError(f"The signature {key} of {directory} parses no tf.Examples of known features")
    return specs


def _report(made: Encoder, output: str, form: str) -> None:
    columns = sorted(made.columns.values(), key=lambda column: column.name)
    if form == "json":
        write_json({"file": output, "examples": made.rows, "features": [asdict(column) for column in columns]})
        return
    write(Table("", ["feature", "type", "from", "values", "rows"], [_cells(column) for column in columns]))
    sys.stdout.write(f"\n{made.rows} examples in {output}\n")


def _cells(column: Column) -> list[str | int]:
    count = f"{column.fewest}" if column.fewest == column.most else f"{column.fewest} to {column.most}"
    return [column.name, column.type, column.source, count, column.present]

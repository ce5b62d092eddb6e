"""The values of one command line, as every command receives them.

saved_model_cli has one flag namespace for all its commands: each command accepts every flag and ignores those that mean
nothing to it. `Flags` is that namespace; smcli.cli.app fills it.
"""

from __future__ import annotations

from typing import Any


class Flags:
    """Flag values by name; the class attributes are the defaults. None means not given.

    dir, tag_set and signature_def are not None by the time `run` is called, since they are required there. Values are
    the strings of the command line, unstripped; bytes that are not UTF-8 are surrogate-escaped. A plain class, because
    making a data class of this many fields costs milliseconds at every start.
    """

    dir: str | None = None
    all: bool = False
    tag_set: str | None = None
    signature_def: str | None = None
    list_ops: bool = False
    format: str = "text"
    color: str = "auto"
    inputs: str | None = ""
    input_exprs: str | None = ""
    input_examples: str | None = ""
    input_json: str | None = ""
    input_random: bool = False
    input_seed: int = 0
    outdir: str | None = None
    overwrite: bool = False
    output_format: str | None = None
    outfile: str | None = ""
    quiet: bool = False
    print_options: str | None = ""
    fetch: str | None = ""
    feed: str | None = ""
    watch: str | None = ""
    dump_dir: str | None = ""
    stop_at_nan: bool = False
    tf_debug: bool = False
    worker: str | None = None
    init_tpu: bool = False
    use_tfrt: bool = False
    allow_ops: str | None = ""
    profile: bool = False
    profile_trace: str | None = ""
    num_threads: int = 0
    timeout: str | None = ""
    memory_limit: str | None = ""
    op_denylist: str | None = None
    output_dir: str | None = None
    max_workspace_size_bytes: int = 2 << 20
    precision_mode: str = "FP32"
    minimum_segment_size: int = 3
    convert_tf1_model: bool = False
    output_prefix: str | None = None
    signature_def_key: str | None = "serving_default"
    checkpoint_path: str | None = None
    variables_to_feed: str | None = ""
    target_triple: str | None = "x86_64-pc-linux"
    target_cpu: str | None = ""
    cpp_class: str | None = None
    multithreading: str | None = "False"

    def __init__(self, **values: Any) -> None:
        """Sets the flags given by name. Raises TypeError for a name that is not a flag's."""
        for name, value in values.items():
            if name.startswith("_") or not hasattr(Flags, name):
                raise TypeError(f"there is no flag {name!r}")
            setattr(self, name, value)

    def __repr__(self) -> str:
        return f"Flags({', '.join(f'{name}={value!r}' for name, value in vars(self).items())})"

"""The flags and commands of saved_model_cli, as data: what exists, of which kind, and which command reads it.

Defaults are those of `Flags`. Every command accepts every flag, as in the original; `commands` says where a flag has
an effect, which is what `--help` shows.
"""

from __future__ import annotations

from typing import NamedTuple

SAVED_MODEL_CLI_VERSION = "0.1.0"  # what saved_model_cli of TensorFlow 2.21 calls itself

STRING, BOOL, INT, FLOAT, ENUM = "string", "bool", "int", "float", "enum"

_GRAPH_COMMANDS = ("show", "run", "scan", "convert", "freeze_model", "aot_compile_cpu")
_FREEZING = ("freeze_model", "aot_compile_cpu")


class FlagSpec(NamedTuple):
    """A flag. commands: those that read it. choices: of an ENUM. own: smcli's, the original does not know it."""

    name: str
    kind: str
    help: str
    commands: tuple[str, ...]
    choices: tuple[str, ...] = ()
    own: bool = False


class CommandSpec(NamedTuple):
    """A command. required: flags without which it does not start. examples: whole command lines, without the
    program."""

    name: str
    summary: str
    required: tuple[str, ...]
    examples: tuple[tuple[str, str], ...]
    methods: tuple[str, ...] = ()


FLAGS = (
    FlagSpec("dir", STRING, "Directory of the SavedModel.", _GRAPH_COMMANDS),
    FlagSpec("all", BOOL, "Show everything: signatures, ops and functions of every MetaGraph.", ("show",)),
    FlagSpec("tag_set", STRING, "Tags of the MetaGraph, separated by commas; all of them.", _GRAPH_COMMANDS),
    FlagSpec("signature_def", STRING, "Key of the signature.", ("show", "run")),
    FlagSpec("list_ops", BOOL, "List the ops that the MetaGraph of --tag_set uses.", ("show",)),
    FlagSpec(
        "format",
        ENUM,
        "text as the original prints it; json for scripts; table for people.",
        ("show",),
        ("text", "json", "table"),
        own=True,
    ),
    FlagSpec(
        "color",
        ENUM,
        "Colour the text: auto is on a terminal, unless NO_COLOR is set.",
        ("show", "run"),
        ("auto", "always", "never"),
        own=True,
    ),
    FlagSpec(
        "inputs",
        STRING,
        "Inputs from files: 'KEY=FILE' or 'KEY=FILE[NAME]', separated by ';'. Files are .npy, .npz or pickle; for"
        " inputs of strings also any other file, several with a pattern, '-' for stdin, and .tfrecord[2:5].",
        ("run",),
    ),
    FlagSpec(
        "input_exprs",
        STRING,
        "Inputs as Python literals or NumPy expressions: 'KEY=EXPR', separated by ';'. Wins over --inputs.",
        ("run",),
    ),
    FlagSpec(
        "input_examples",
        STRING,
        "Inputs as tf.train.Example: 'KEY=[{\"FEATURE\": [VALUES]}]', or 'KEY=@FILE' with rows of JSON or CSV,"
        " separated by ';'. Wins over the other two.",
        ("run",),
    ),
    FlagSpec(
        "input_json",
        STRING,
        'Inputs as JSON, a file with it, or - for stdin: {"instances": [row, ...]} or {"inputs": {"KEY": column}}.',
        ("run",),
        own=True,
    ),
    FlagSpec("input_random", BOOL, "Make up the inputs that are not given.", ("run",), own=True),
    FlagSpec("input_seed", INT, "Seed of --input_random.", ("run",), own=True),
    FlagSpec("outdir", STRING, "Save each output there as KEY.npy.", ("run",)),
    FlagSpec("overwrite", BOOL, "Replace existing output files.", ("run",)),
    FlagSpec(
        "output_format",
        ENUM,
        "npy (a file for each output in --outdir), or npz, json or csv for all of them in one: --outfile, or stdout.",
        ("run",),
        ("npy", "npz", "json", "csv"),
        own=True,
    ),
    FlagSpec("outfile", STRING, "Save all outputs in this .npz, .json, .csv or .npy file.", ("run",), own=True),
    FlagSpec("quiet", BOOL, "Do not print the outputs. Also -q.", ("run",), own=True),
    FlagSpec(
        "print_options",
        STRING,
        "How NumPy prints: 'precision=3,suppress=true,threshold=20,edgeitems=2,linewidth=100'.",
        ("run",),
        own=True,
    ),
    FlagSpec("fetch", STRING, "Tensors to print instead of the outputs, separated by commas.", ("run",), own=True),
    FlagSpec(
        "feed",
        STRING,
        "Tensors to set, beside the inputs: 'TENSOR=FILE' or 'TENSOR=EXPR', separated by ';'.",
        ("run",),
        own=True,
    ),
    FlagSpec(
        "watch",
        STRING,
        "Describe on stderr each tensor, as it is computed, whose name this regular expression matches.",
        ("run",),
        own=True,
    ),
    FlagSpec("dump_dir", STRING, "Save the watched tensors there, or all of them.", ("run",), own=True),
    FlagSpec("stop_at_nan", BOOL, "Stop at the first tensor with a NaN or infinity and name it.", ("run",), own=True),
    FlagSpec("tf_debug", BOOL, "Accepted; tfdbg does not exist without TensorFlow.", ("run",)),
    FlagSpec("worker", STRING, "Accepted when empty; there are no remote workers.", ("run",)),
    FlagSpec("init_tpu", BOOL, "Accepted; there is no TPU.", ("run",)),
    FlagSpec("use_tfrt", BOOL, "Accepted; has no effect.", ("run",)),
    FlagSpec(
        "allow_ops",
        STRING,
        "Ops that may read or write files outside of the model, separated by commas.",
        ("run",),
        own=True,
    ),
    FlagSpec("profile", BOOL, "Show on stderr where the time went, by op and by node.", ("run",), own=True),
    FlagSpec(
        "profile_trace", STRING, "Write each node's times to this file, in Chrome's trace format.", ("run",), own=True
    ),
    FlagSpec(
        "num_threads", INT, "Threads to compute with; those of the processors, or OMP_NUM_THREADS.", ("run",), own=True
    ),
    FlagSpec(
        "timeout", STRING, "Seconds after which the command is ended, with exit code 124.", _GRAPH_COMMANDS, own=True
    ),
    FlagSpec(
        "memory_limit",
        STRING,
        "Bytes that may be taken, such as 500M or 4G, 0 for no bound; what is free when not given. Exit code 125.",
        _GRAPH_COMMANDS,
        own=True,
    ),
    FlagSpec(
        "op_denylist",
        STRING,
        "Ops to look for, separated by commas; WriteFile,ReadFile,PrintV2 when not given, ',' for none.",
        ("scan",),
    ),
    FlagSpec("output_dir", STRING, "Directory for the converted SavedModel.", ("convert",)),
    FlagSpec("max_workspace_size_bytes", INT, "GPU memory that a TensorRT engine may use.", ("convert",)),
    FlagSpec("precision_mode", ENUM, "Precision of TensorRT.", ("convert",), ("FP32", "FP16", "INT8")),
    FlagSpec("minimum_segment_size", INT, "Fewest nodes that TensorRT replaces.", ("convert",)),
    FlagSpec("convert_tf1_model", BOOL, "The model is one of TensorFlow 1.", ("convert",)),
    FlagSpec("output_prefix", STRING, "Directory and prefix of the files to write.", _FREEZING),
    FlagSpec("signature_def_key", STRING, "Key of the signature to freeze.", _FREEZING),
    FlagSpec("checkpoint_path", STRING, "Take the variables from this checkpoint.", _FREEZING),
    FlagSpec(
        "variables_to_feed", STRING, "Variables not to freeze: names separated by commas, 'all', or none.", _FREEZING
    ),
    FlagSpec("target_triple", STRING, "Target of the compiler.", ("aot_compile_cpu",)),
    FlagSpec("target_cpu", STRING, "CPU name for LLVM.", ("aot_compile_cpu",)),
    FlagSpec("cpp_class", STRING, "Name of the C++ class to generate, with namespaces.", ("aot_compile_cpu",)),
    FlagSpec("multithreading", STRING, "Compile with threads.", ("aot_compile_cpu",)),
)

# Flags that Abseil and TensorFlow define in the original's process. They are accepted and do nothing.
IGNORED_FLAGS = {
    "logtostderr": BOOL,
    "alsologtostderr": BOOL,
    "log_dir": STRING,
    "v": INT,
    "verbosity": INT,
    "logger_levels": STRING,
    "stderrthreshold": STRING,
    "showprefixforinfo": BOOL,
    "run_with_pdb": BOOL,
    "pdb_post_mortem": BOOL,
    "pdb": BOOL,
    "run_with_profiling": BOOL,
    "profile_file": STRING,
    "use_cprofile_for_profiling": BOOL,
    "only_check_args": BOOL,
    "op_conversion_fallback_to_while_loop": BOOL,
    "delta_threshold": FLOAT,
    "tt_check_filter": BOOL,
    "tt_single_core_summaries": BOOL,
    "runtime_oom_exit": BOOL,
    "hbm_oom_exit": BOOL,
    "test_srcdir": STRING,
    "test_tmpdir": STRING,
    "test_random_seed": INT,
    "test_randomize_ordering_seed": STRING,
    "xml_output_file": STRING,
}
HELP_FLAGS = ("?", "help", "helpshort", "helpfull", "helpxml")

COMMANDS = (
    CommandSpec(
        "show",
        "Show the tag-sets, signatures, ops and functions of a SavedModel.",
        ("dir",),
        (
            ("its tag-sets", "show --dir model"),
            ("the signatures of a MetaGraph", "show --dir model --tag_set serve"),
            ("inputs and outputs of one", "show --dir model --tag_set serve --signature_def serving_default"),
            ("its ops", "show --dir model --tag_set serve --list_ops"),
            ("everything", "show --dir model --all"),
        ),
    ),
    CommandSpec(
        "run",
        "Run a signature on inputs; print the outputs or save them.",
        ("dir", "tag_set", "signature_def"),
        (
            (
                "values typed in",
                "run --dir model --tag_set serve --signature_def serving_default --input_exprs 'x=np.ones((1, 3))'",
            ),
            (
                "values from files, outputs to files",
                "run --dir model --tag_set serve --signature_def serving_default"
                " --inputs 'x=a.npy;y=b.npz[y]' --outdir out",
            ),
            (
                "tf.train.Examples",
                "run --dir model --tag_set serve --signature_def classify"
                ' --input_examples \'inputs=[{"age": [22], "job": ["cook"]}]\'',
            ),
        ),
    ),
    CommandSpec(
        "scan",
        "Look for ops that touch the world outside of the model.",
        ("dir",),
        (
            ("the default denylist", "scan --dir model"),
            ("ops of your own choice", "scan --dir model --tag_set serve --op_denylist ReadFile,PyFunc"),
        ),
    ),
    CommandSpec(
        "convert",
        "Convert with TensorRT (needs TensorRT: checks its arguments only).",
        ("dir", "output_dir", "tag_set"),
        (("for TensorRT", "convert --dir model --output_dir out --tag_set serve tensorrt"),),
        ("tensorrt",),
    ),
    CommandSpec(
        "aot_compile_cpu",
        "Compile a signature with XLA (needs XLA: checks its arguments only).",
        ("cpp_class",),
        (("a signature", "aot_compile_cpu --dir model --tag_set serve --output_prefix out/m --cpp_class ns::Model"),),
    ),
    CommandSpec(
        "freeze_model",
        "Write a signature's graph with its variables as constants.",
        ("dir", "output_prefix", "tag_set"),
        (("for tfcompile", "freeze_model --dir model --tag_set serve --output_prefix out/frozen"),),
    ),
)

"""TensorFlow in a process of its own, which may die: drawn input makes some of its kernels abort.

`python -m tests.parity.referee` imports TensorFlow once and forks a child that answers questions; when the child dies
of a question, that is the answer, and the next child is forked in milliseconds. `Referee` is the other end.

A question is a graph (serialised GraphDef), what to run first, what to feed and what to fetch; all that travels between
the two processes is pickled between processes of one program.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import pickle
import resource
import signal
import struct
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

ROOT = Path(__file__).resolve().parent.parent.parent
SECONDS = 10  # of processor time for one question
MEMORY = 4 << 30
LARGE = 1 << 28


@dataclass(frozen=True)
class Question:
    """A graph to import and run `runs` times in one session, `init` before that."""

    graph: bytes
    feeds: dict[str, np.ndarray]
    fetches: list[str]
    targets: list[str] = field(default_factory=list)
    init: list[str] = field(default_factory=list)
    runs: int = 1


@dataclass(frozen=True)
class Answer:
    """What came out of each run, or how it failed.

    error: a class name of tf.errors; "import" for a graph that TensorFlow does not take; "crash" for a process that
    died, "hang" for one that took too long, "large" for a result that is too large to compare.
    """

    runs: list[list[np.ndarray]] = field(default_factory=list)
    error: str | None = None
    message: str = ""


class Referee:
    """Asks questions of a child process; starts it when first asked.

    It works in a folder of its own: a drawn graph may have TensorFlow write files of any name.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def ask(self, question: Question) -> Answer:
        if self._process is None:
            self._folder = tempfile.TemporaryDirectory(prefix="referee-")
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd=self._folder.name,
                env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])},
            )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        _send(self._process.stdin, question)
        answer: Answer = _receive(self._process.stdout)
        return answer

    def close(self) -> None:
        if self._process is not None:
            self._process.communicate()
            self._process = None
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None


def _send(file: BinaryIO, thing: Any) -> None:
    data = pickle.dumps(thing, protocol=pickle.HIGHEST_PROTOCOL)
    file.write(struct.pack("<Q", len(data)) + data)
    file.flush()


def _read(file: BinaryIO, size: int) -> bytes:
    parts = []
    while size:
        part = file.read(size)  # of a pipe without a buffer, this may be less
        if not part:
            raise EOFError
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _receive(file: BinaryIO) -> Any:
    return pickle.loads(_read(file, struct.unpack("<Q", _read(file, 8))[0]))


def _fed(tf: Any, array: np.ndarray, dtype: Any) -> np.ndarray:
    """Quantised values travel as plain integers; TensorFlow wants its own dtypes."""
    wanted = np.dtype(dtype.as_numpy_dtype)
    if array.dtype == wanted or array.dtype == object:
        return array
    return np.ascontiguousarray(array).view(wanted).reshape(array.shape)


def _fetched(value: Any) -> np.ndarray:
    array = np.asarray(value, dtype=object) if isinstance(value, bytes) else np.asarray(value)
    if array.dtype.fields:
        array = np.ascontiguousarray(array).view(array.dtype[0]).reshape(array.shape)
    return array


def _told(message: str) -> str:
    """The sentence in an error's message, without the stack trace before and the nodes after it."""
    text = message.split("\n\t [[")[0].split("\nOriginal stack trace")[0].strip()
    if text.startswith("Graph execution error"):
        lines = text.split("\n")
        place = next((i for i, line in enumerate(lines) if line.startswith("Node: ")), 0)
        text = " ".join(lines[place:])
    return text[:500]


def answer(tf: Any, question: Question) -> Answer:
    graph = tf.Graph()
    try:
        with graph.as_default():
            tf.graph_util.import_graph_def(tf.compat.v1.GraphDef.FromString(question.graph), name="")
        fetches = [graph.get_tensor_by_name(name) for name in question.fetches]
        targets = [graph.get_operation_by_name(name) for name in question.targets]
        init = [graph.get_operation_by_name(name) for name in question.init]
    except (ValueError, KeyError, TypeError, tf.errors.OpError) as error:
        return Answer(error="import", message=str(error)[:500])
    feeds = {}
    for name, array in question.feeds.items():
        tensor = graph.get_tensor_by_name(name)
        feeds[tensor] = _fed(tf, array, tensor.dtype.base_dtype)
    config = tf.compat.v1.ConfigProto(intra_op_parallelism_threads=2, inter_op_parallelism_threads=2)
    config.graph_options.rewrite_options.disable_meta_optimizer = True
    config.graph_options.optimizer_options.opt_level = -1
    config.operation_timeout_in_ms = 1000 * SECONDS  # a queue may wait for ever
    with tf.compat.v1.Session(graph=graph, config=config) as session:
        try:
            if init:
                session.run(init)
            runs = []
            for _ in range(question.runs):
                values = session.run(fetches + targets, feeds)
                runs.append([_fetched(value) for value in values[: len(fetches)]])
            size = sum(value.nbytes for values in runs for value in values)
            return Answer(runs) if size <= LARGE else Answer(error="large", message=f"{size} bytes")
        except (ValueError, TypeError) as error:  # a feed that misfits its placeholder
            return Answer(error="import", message=str(error)[:500])
        except tf.errors.OpError as error:
            return Answer(error=type(error).__name__, message=_told(error.message))


def _answer_all(tf: Any, questions: BinaryIO, answers: BinaryIO, busy: mmap.mmap) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))
    while True:
        try:
            question = _receive(questions)
        except EOFError:
            return
        busy[0] = 1
        used = sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
        limit = int(used) + SECONDS
        resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.RLIM_INFINITY))
        signal.alarm(4 * SECONDS)
        try:
            reply = answer(tf, question)
        except Exception as error:  # TensorFlow's Python has no better word for some graphs
            reply = Answer(error="import", message=f"{type(error).__name__}: {error}"[:500])
        signal.alarm(0)
        busy[0] = 0
        _send(answers, reply)


def main() -> None:
    os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1")
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    questions = os.fdopen(0, "rb", buffering=0)
    import tensorflow as tf

    busy = mmap.mmap(-1, 1)  # shared with the children: whether a question is being answered
    while True:
        busy[0] = 0
        child = os.fork()
        if child == 0:
            with contextlib.suppress(BrokenPipeError):
                _answer_all(tf, questions, answers, busy)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if os.WIFEXITED(status):
            sys.exit(os.WEXITSTATUS(status))
        if not busy[0]:  # a thread of its own came to grief after the answer was given
            continue
        number = os.WTERMSIG(status)
        late = number in (signal.SIGALRM, signal.SIGXCPU)
        _send(answers, Answer(error="hang" if late else "crash", message=f"signal {number}"))


if __name__ == "__main__":
    from tests.parity import referee  # what is pickled belongs to the module, not to __main__

    referee.main()

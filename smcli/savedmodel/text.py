"""Parses the text form of a SavedModel (saved_model.pbtxt).

A small parser made for speed: it knows the ordinary syntax of the text format and gives up on everything else, and then
protobuf's own parser has the word, slower but complete, which also words the errors. What protobuf can not do without
TensorFlow's own messages, messages packed into an Any, is done here.
(https://protobuf.dev/reference/protobuf/textformat-spec/)
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from smcli.errors import SmcliError
from smcli.proto.saved_model_pb2 import AssetFileDef, SavedModel

if TYPE_CHECKING:
    from google.protobuf.descriptor import Descriptor, FieldDescriptor
    from google.protobuf.message import Message

_MAX_DEPTH = 100  # as protobuf's binary format has it

# Fields of TensorFlow's messages that protos/ leaves out because nothing here reads them. The binary reader skips them
# by itself; the text reader would take them for mistakes.
_UNREAD_FIELDS = frozenset(
    {
        "any_info",
        "control_output",
        "debug_info",
        "experimental_full_type",
        "experimental_ints",
        "experimental_type",
        "handle_data",
        "snapshot_name",
    }
)
_PACKED = {"AssetFileDef": AssetFileDef}

_STRING = r"""\"[^"\\\n]*(?:\\.[^"\\\n]*)*\"|'[^'\\\n]*(?:\\.[^'\\\n]*)*'"""
_WHOLE_STRING = re.compile(_STRING)
# words, marks, strings, strings without an end, comments; any other character fits only in the name of a packed message
_TOKEN = re.compile(r"""\s*(-?[\w.]+(?:(?<=[eE])[-+]\d+)?|[{}<>\[\]:,;]|""" + _STRING + r"""|["'][^\n]*|\#[^\n]*|\S)""")


def parse_saved_model(text: str, path: str) -> SavedModel:
    """The message that `text` stands for. Raises SmcliError in the original's words; `path` is shown in them."""
    message = SavedModel()
    try:
        _fill(message, _tokens(text))
        return message
    except _GiveUp:
        pass
    # Slow to import, and few models are text; fewer still come here.
    from google.protobuf import text_format

    message = SavedModel()
    try:
        try:
            text_format.Merge(text, message)
        except text_format.ParseError as error:
            if not any(f'no field named "{name}"' in str(error) for name in _UNREAD_FIELDS):
                raise
            message = SavedModel()
            text_format.Merge(text, message, allow_unknown_field=True)
    except text_format.ParseError as error:
        reason = str(error).replace('"smcli.', '"tensorflow.')
        raise SmcliError(f"Cannot parse pbtxt file {path}: {reason}.", shown_as="OSError") from error
    except RecursionError:  # protobuf's parser calls itself for each message in a message
        reason = "messages are nested too deeply"
        raise SmcliError(f"Cannot parse pbtxt file {path}: {reason}.", shown_as="OSError") from None
    return message


class _GiveUp(Exception):
    """The text is wrong, or uses syntax that is not known here."""


def _tokens(text: str) -> Iterator[str]:
    """All tokens but comments. Without space at the end, no part of the text is looked at twice."""
    tokens = _TOKEN.findall(text.rstrip())
    return iter(tokens if "#" not in text else [token for token in tokens if token[0] != "#"])


class _Field:
    """How a field is filled. read: makes its value from a token; None for messages."""

    __slots__ = ("is_map", "is_repeated", "kind", "name", "read")

    def __init__(self, field: FieldDescriptor) -> None:
        self.name = field.name
        self.is_repeated = _is_repeated(field)
        self.kind: Descriptor | None = field.message_type
        self.is_map = self.is_repeated and self.kind is not None and _is_map_entry(self.kind)
        self.read = None if self.kind is not None else _reader(field)


def _is_repeated(field: FieldDescriptor) -> bool:
    # Newer protobuf has no labels, older no is_repeated.
    is_repeated: bool | None = getattr(field, "is_repeated", None)
    if is_repeated is None:
        return bool(getattr(field, "label", None) == field.LABEL_REPEATED)
    return is_repeated


def _is_map_entry(kind: Descriptor) -> bool:
    # Its options say so too, but reading options loads the description of descriptors.
    return kind.name.endswith("Entry") and [field.name for field in kind.fields] == ["key", "value"]


def _reader(field: FieldDescriptor) -> Callable[[str], Any]:
    if field.enum_type is not None:
        numbers = {name: value.number for name, value in field.enum_type.values_by_name.items()}
        return lambda token: numbers[token] if token in numbers else int(token)
    if field.type == field.TYPE_STRING:
        return _text
    if field.type == field.TYPE_BYTES:
        return _unquoted
    if field.type == field.TYPE_BOOL:
        return {"true": True, "false": False, "1": True, "0": False}.__getitem__
    if field.type in (field.TYPE_FLOAT, field.TYPE_DOUBLE):
        return float
    return lambda token: int(token, 0)


def _unquoted(token: str) -> bytes:
    if token[0] not in "\"'" or not _WHOLE_STRING.fullmatch(token):
        raise ValueError("not a string")
    content = token[1:-1].encode("utf-8")
    return codecs.escape_decode(content)[0] if b"\\" in content else content


def _text(token: str) -> str:
    if "\\" in token or not _WHOLE_STRING.fullmatch(token):
        return _unquoted(token).decode("utf-8")
    return token[1:-1]


_FIELDS: dict[str, dict[str, _Field]] = {}  # by message, made when first met


def _fields(kind: Descriptor) -> dict[str, _Field]:
    fields = _FIELDS.get(kind.full_name)
    if fields is None:
        fields = _FIELDS[kind.full_name] = {field.name: _Field(field) for field in kind.fields}
    return fields


def _fill(message: Message, tokens: Iterator[str]) -> None:
    """Merges the fields that the tokens say into `message`. Raises _GiveUp."""
    try:
        _Filler(message, tokens).run()
    except (ValueError, TypeError, KeyError, StopIteration) as error:
        raise _GiveUp from error


class _Filler:
    """A stack of open messages, and what to do when each is closed."""

    def __init__(self, message: Any, tokens: Iterator[str]) -> None:
        self._tokens = tokens
        self._message: Any = message
        self._fields = _fields(message.DESCRIPTOR)
        self._end = ""
        self._when_closed: Callable[[], None] | None = None
        self._outer: list[tuple[Any, dict[str, _Field], str, Callable[[], None] | None]] = []

    def run(self) -> None:
        token = next(self._tokens, "")
        while token:
            if token in (",", ";"):
                token = next(self._tokens, "")
            elif token == self._end:
                self._close()
                token = next(self._tokens, "")
            elif token == "[":
                token = self._packed_message()
            elif token in self._fields:
                token = self._field(self._fields[token], next(self._tokens))
            elif token in _UNREAD_FIELDS:
                token = self._skip()
            else:
                raise _GiveUp
        if self._outer:
            raise _GiveUp

    def _field(self, field: _Field, token: str) -> str:
        """Reads what follows a field's name, `token` first. Returns the token after it."""
        if field.kind is not None:
            if token == ":":
                token = next(self._tokens)
            if field.is_map:
                self._open_map_entry(field, token)
            else:
                value = getattr(self._message, field.name)
                self._open(value.add() if field.is_repeated else value, token)
            return next(self._tokens)
        if token != ":":
            raise _GiveUp
        token = next(self._tokens)
        if token == "[":
            return self._list(field)
        return self._scalar(field, token)

    def _skip(self) -> str:
        """Passes over the value of a field. Returns the token after it."""
        token, depth = next(self._tokens), 0
        if token == ":":
            token = next(self._tokens)
        while True:
            depth += (token in ("{", "<", "[")) - (token in ("}", ">", "]"))
            token = next(self._tokens, "")
            if depth == 0 and not token.startswith(("'", '"')):
                return token
            if not token:
                raise _GiveUp

    def _scalar(self, field: _Field, token: str) -> str:
        assert field.read is not None
        value = field.read(token)
        following = next(self._tokens, "")
        while following.startswith(("'", '"')):  # strings side by side are one
            value += field.read(following)
            following = next(self._tokens, "")
        if field.is_repeated:
            getattr(self._message, field.name).append(value)
        else:
            setattr(self._message, field.name, value)
        return following

    def _list(self, field: _Field) -> str:
        token = next(self._tokens)
        while token != "]":
            token = self._scalar(field, token)
            if token == ",":
                token = next(self._tokens)
            elif token != "]":
                raise _GiveUp
        return next(self._tokens, "")

    def _open(self, message: Any, bracket: str, when_closed: Callable[[], None] | None = None) -> None:
        if bracket not in ("{", "<") or len(self._outer) >= _MAX_DEPTH:
            raise _GiveUp
        message.SetInParent()
        self._outer.append((self._message, self._fields, self._end, self._when_closed))
        self._message, self._fields = message, _fields(message.DESCRIPTOR)
        self._end = "}" if bracket == "{" else ">"
        self._when_closed = when_closed

    def _close(self) -> None:
        if self._when_closed is not None:
            self._when_closed()
        self._message, self._fields, self._end, self._when_closed = self._outer.pop()

    def _open_map_entry(self, field: _Field, bracket: str) -> None:
        entries = getattr(self._message, field.name)
        entry = entries.GetEntryClass()()

        def keep() -> None:
            value = entry.value
            if hasattr(value, "CopyFrom"):
                entries[entry.key].CopyFrom(value)
            else:
                entries[entry.key] = value

        self._open(entry, bracket, keep)

    def _packed_message(self) -> str:
        """`[type.googleapis.com/tensorflow.NAME] { … }` after its first bracket."""
        if "type_url" not in self._fields:
            raise _GiveUp
        url = ""
        token = next(self._tokens)
        while token != "]":
            url += token
            token = next(self._tokens)
        packed, message = self._message, _PACKED[url.rpartition(".")[2]]()

        def keep() -> None:
            packed.type_url = url
            packed.value = message.SerializeToString()

        token = next(self._tokens)
        self._open(message, next(self._tokens) if token == ":" else token, keep)
        return next(self._tokens)

from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class SentencePieceModel(_message.Message):
    __slots__ = ("pieces", "normalizer_spec", "denormalizer_spec")
    class Piece(_message.Message):
        __slots__ = ("piece", "score", "type")
        PIECE_FIELD_NUMBER: _ClassVar[int]
        SCORE_FIELD_NUMBER: _ClassVar[int]
        TYPE_FIELD_NUMBER: _ClassVar[int]
        piece: bytes
        score: float
        type: int
        def __init__(self, piece: _Optional[bytes] = ..., score: _Optional[float] = ..., type: _Optional[int] = ...) -> None: ...
    class Normalizer(_message.Message):
        __slots__ = ("precompiled_charsmap",)
        PRECOMPILED_CHARSMAP_FIELD_NUMBER: _ClassVar[int]
        precompiled_charsmap: bytes
        def __init__(self, precompiled_charsmap: _Optional[bytes] = ...) -> None: ...
    PIECES_FIELD_NUMBER: _ClassVar[int]
    NORMALIZER_SPEC_FIELD_NUMBER: _ClassVar[int]
    DENORMALIZER_SPEC_FIELD_NUMBER: _ClassVar[int]
    pieces: _containers.RepeatedCompositeFieldContainer[SentencePieceModel.Piece]
    normalizer_spec: SentencePieceModel.Normalizer
    denormalizer_spec: SentencePieceModel.Normalizer
    def __init__(self, pieces: _Optional[_Iterable[_Union[SentencePieceModel.Piece, _Mapping]]] = ..., normalizer_spec: _Optional[_Union[SentencePieceModel.Normalizer, _Mapping]] = ..., denormalizer_spec: _Optional[_Union[SentencePieceModel.Normalizer, _Mapping]] = ...) -> None: ...

class SentencePieceText(_message.Message):
    __slots__ = ("text", "pieces")
    class Piece(_message.Message):
        __slots__ = ("piece", "id", "begin", "end")
        PIECE_FIELD_NUMBER: _ClassVar[int]
        ID_FIELD_NUMBER: _ClassVar[int]
        BEGIN_FIELD_NUMBER: _ClassVar[int]
        END_FIELD_NUMBER: _ClassVar[int]
        piece: bytes
        id: int
        begin: int
        end: int
        def __init__(self, piece: _Optional[bytes] = ..., id: _Optional[int] = ..., begin: _Optional[int] = ..., end: _Optional[int] = ...) -> None: ...
    TEXT_FIELD_NUMBER: _ClassVar[int]
    PIECES_FIELD_NUMBER: _ClassVar[int]
    text: bytes
    pieces: _containers.RepeatedCompositeFieldContainer[SentencePieceText.Piece]
    def __init__(self, text: _Optional[bytes] = ..., pieces: _Optional[_Iterable[_Union[SentencePieceText.Piece, _Mapping]]] = ...) -> None: ...

class NBestSentencePieceText(_message.Message):
    __slots__ = ("nbests",)
    NBESTS_FIELD_NUMBER: _ClassVar[int]
    nbests: _containers.RepeatedCompositeFieldContainer[SentencePieceText]
    def __init__(self, nbests: _Optional[_Iterable[_Union[SentencePieceText, _Mapping]]] = ...) -> None: ...

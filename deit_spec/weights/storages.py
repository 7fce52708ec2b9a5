"""What the pickle of a torch file says of its storages, without making a tensor.

torch maps as many numbers as the pickle says, whatever the record of a storage has:
those of a record that is too short would be its neighbour's.
"""

import io
import pickle
from typing import Any

_WIDTHS = {
    **dict.fromkeys(("Untyped", "Bool", "Byte", "Char", "QInt8", "QUInt8"), 1),
    **dict.fromkeys(("QUInt4x2", "QUInt2x4"), 1),
    **dict.fromkeys(("Short", "Half", "BFloat16"), 2),
    **dict.fromkeys(("Int", "Float", "QInt32"), 4),
    **dict.fromkeys(("Long", "Double", "ComplexFloat"), 8),
    "ComplexDouble": 16,
}
"""The bytes of one number, by what torch calls its storage."""


def storages_of(pickled: bytes) -> dict[str, int]:
    """The bytes of each storage that a scanned pickle refers to, by its key.

    Raises:
        ValueError: A reference is not as torch writes it.
    """
    reader = _References(io.BytesIO(pickled))
    try:
        reader.load()
    except Exception as error:
        raise ValueError("its pickle ends or errs") from error
    return reader.found


class _Anything(dict[Any, Any]):
    """Stands for whatever a pickle makes: arguments, states and items say nothing."""

    def __init__(self, *_: Any) -> None:
        super().__init__()

    def __setitem__(self, *_: Any) -> None: ...

    def __setstate__(self, *_: Any) -> None: ...

    def __hash__(self) -> int:  # type: ignore[override]
        return id(self)


class _References(pickle.Unpickler):
    """Collects the references to storages; nothing that is named is imported."""

    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file)
        self.found: dict[str, int] = {}

    def find_class(self, module: str, name: str) -> Any:  # noqa: ARG002
        return type(name, (_Anything,), {})

    def persistent_load(self, reference: Any) -> Any:
        kind, storage, key, _, count = reference
        if kind != "storage" or not isinstance(key, str) or type(count) is not int:
            raise ValueError("a reference is to no storage")
        self.found[key] = max(self.found.get(key, 0), count * _width(storage.__name__))
        return _Anything()


def _width(storage: str) -> int:
    """The bytes of one number of a storage, such as `FloatStorage`."""
    return _WIDTHS[storage.removesuffix("Storage")]

"""Files that appear under their names whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from redgen.errors import SinkError


@contextmanager
def whole(path: Path) -> Iterator[BinaryIO]:
    """A stream that becomes the file ``path`` when the block ends well; SinkError when that cannot be done.

    It is written beside the file and renamed. A device or a pipe, such as /dev/stdout, is written to as it is.
    """
    writable(path)
    try:
        if _special(path):
            with path.open("ab") as out:
                yield out
            return
        number, half = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(number, "wb") as out:
                yield out
            Path(half).chmod(0o666 & ~_umask())
            Path(half).replace(path)
        finally:
            Path(half).unlink(missing_ok=True)
    except BrokenPipeError:
        raise  # who read the other end has seen enough
    except OSError as error:
        raise SinkError(f"{path}: cannot be written ({error.strerror}); {_remedy(path)}") from None


def writable(path: Path) -> None:
    """SinkError when it can be told beforehand that no file can be written there."""
    if path.is_dir():
        raise SinkError(f"{path}: is a directory; name a file in it")
    if _special(path):
        return
    if not path.parent.is_dir() or not os.access(path.parent, os.W_OK):
        raise SinkError(f"{path}: cannot be written; {_remedy(path)}")


def _special(path: Path) -> bool:
    """Whether it is a device or a pipe, or a name for one: /dev/stdout may stand for a file, and stays what it is."""
    return path.exists() and (not path.is_file() or path.absolute().is_relative_to("/dev"))


def _remedy(path: Path) -> str:
    if not path.parent.is_dir():
        return f"make the directory {path.parent} first"
    if not os.access(path.parent, os.W_OK):
        return f"allow writing into {path.parent}, or name another file"
    return "free some space, or name another file"


def _umask() -> int:
    known = os.umask(0)
    os.umask(known)
    return known

"""Compile the renderer beside the plan, on a machine where it was never compiled: two cores make one wait of two."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

_COMPILE = "from redgen.pipeline.ahead import compile_renderer; compile_renderer()"


def compile_renderer() -> None:
    """Render one row, which compiles the kernel for good, wherever numba keeps compiled code."""
    import numpy as np

    from redgen.render.holes import Int
    from redgen.render.template import Template

    Template(["@{n}\n"], {"n": Int("n")}).render({"n": np.zeros(1, dtype=np.int64)})


def renderer_is_compiled() -> bool:
    """Whether numba keeps compiled code of the kernel (if it is of an older source, numba will compile again)."""
    from redgen.render import kernel

    name = f"{kernel.__name__.rpartition('.')[2]}.{kernel.render.py_func.__name__}-*.nbi"
    return any(Path(kernel.render.stats.cache_path or ".").glob(name))


@contextmanager
def renderer_compiling() -> Generator[None, None, None]:
    """Let the body run while another process compiles the renderer; leaving the body waits for it.

    Nothing but time depends on it: if that process cannot run, the kernel is compiled when it is first needed.
    """
    helper = None
    if sys.executable and not renderer_is_compiled():
        try:
            helper = subprocess.Popen(  # noqa: S603  # our own interpreter, our own words
                [sys.executable, "-c", _COMPILE], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL)
        except OSError:
            helper = None
    try:
        yield
    except BaseException:
        if helper:
            helper.kill()
        raise
    finally:
        if helper:
            helper.wait()

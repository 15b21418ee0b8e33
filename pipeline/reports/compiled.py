"""Our templates as they were compiled, beside them in ``__pycache__`` as Python keeps its modules: compiling takes longer
than a small report. What cannot be read or written is compiled anew, in silence; a user's templates are never kept.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
from contextlib import suppress
from pathlib import Path

import jinja2
from jinja2 import nodes
from jinja2.bccache import Bucket
from jinja2.compiler import CodeGenerator, Frame


class AsWritten(CodeGenerator):
    """Compiles a template to what its text says alone: Jinja would pass constants through filters as they are just now.

    A template compiled so is the same in every locale, and after a filter was changed. ``optimized=False`` goes with it.
    """

    def _output_child_to_const(self, node: nodes.Expr, frame: Frame, finalize: CodeGenerator._FinalizeInfo) -> str:
        if not isinstance(node, nodes.TemplateData):
            raise nodes.Impossible
        return super()._output_child_to_const(node, frame, finalize)


class Compiled(jinja2.BytecodeCache):
    """What templates in a folder of ours were compiled to, one file each.

    Args:
        folder: whose templates are kept.
        made_with: the options that a template is compiled with.
    """

    def __init__(self, folder: Path, made_with: object) -> None:
        self.folder = folder
        self.tag = hashlib.sha256(repr((jinja2.__version__, made_with)).encode()).hexdigest()[:12]

    def get_cache_key(self, name: str, filename: str | None = None) -> str:
        """Return the path of the file, or nothing where a template is not kept."""
        if filename is None or not Path(filename).is_relative_to(self.folder):
            return ""
        return os.fspath(Path(importlib.util.cache_from_source(filename, optimization=self.tag)).with_suffix(".j2c"))

    def load_bytecode(self, bucket: Bucket) -> None:
        """Read a file, if there is one of this very text."""
        if not bucket.key:
            return
        try:
            bucket.bytecode_from_string(Path(bucket.key).read_bytes())
        except Exception:  # it is not there, or no such file: whatever is wrong with it, the template is there
            bucket.reset()

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Write a file in one step, unless Python writes none either."""
        if not bucket.key or sys.dont_write_bytecode:
            return
        path = Path(bucket.key)
        with suppress(OSError):  # such as an installation that this user may not write to
            path.parent.mkdir(parents=True, exist_ok=True)
            written = path.with_name(f"{path.name}.{os.getpid()}")
            written.write_bytes(bucket.bytecode_to_string())
            written.replace(path)

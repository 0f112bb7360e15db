# SPDX-License-Identifier: GPL-2.0-or-later
"""Where does a run keep what it found?  A directory that is right at every moment, also after a crash.

    results/<UTC>-<host>-<id>/run.json results.jsonl junit.xml report.html console/ dmesg/ traces/
    results/latest -> the newest

A result is appended to results.jsonl and handed to the kernel before the next program starts; a line that a crash or a
full disk tore is tolerated at the end of the file (and said), nowhere else.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from hwtests.results.record import Result
from hwtests.trace import Trace, write_trace

#: Where traces of programs that have no region are kept.
NO_REGION = "no-region"

_decoder = msgspec.json.Decoder(Result)
_encoder = msgspec.json.Encoder()


class ResultsError(Exception):
    """A results directory cannot be made, read or written: one line for people."""


@dataclass(frozen=True, slots=True)
class Written:
    """What results.jsonl holds: in order, the last result of a key counts; `torn` says what was cut off at the end."""

    results: tuple[Result, ...]
    torn: str | None = None
    whole: int = 0  # bytes of whole lines

    def latest(self) -> dict[tuple[str, str, str], Result]:
        return {result.key: result for result in self.results}


class ResultsDir:
    """One results directory, open for writing. Every method that writes raises ResultsError when it cannot."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd = -1
        self._folders: set[Path] = set()

    @classmethod
    def create(cls, root: Path, host: str) -> ResultsDir:
        """Make a new one under `root`, and let `latest` point to it."""
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        name = f"{stamp}-{re.sub('[^A-Za-z0-9.-]', '_', host) or 'host'}-{secrets.token_hex(3)}"
        self = cls(root / name)
        with _saying(self.path):
            self.path.mkdir(parents=True)
            for part in ("console", "dmesg", "traces"):
                (self.path / part).mkdir()
            self._open()
            _point(root / "latest", name)
        return self

    @classmethod
    def resume(cls, path: Path) -> tuple[ResultsDir, Written]:
        """Open an existing one to go on with; a torn last line is cut off first."""
        written = read_results(path)
        self = cls(path.resolve())
        with _saying(path):
            self._open()
            os.ftruncate(self._fd, written.whole)
        return self, written

    def _open(self) -> None:
        self._fd = os.open(self.path / "results.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)

    def append(self, result: Result) -> None:
        """Write one result; when it does not fit, the file stays as it was."""
        data = _encoder.encode(result) + b"\n"
        size = os.fstat(self._fd).st_size
        with _saying(self.path / "results.jsonl"):
            try:
                done = 0
                while done < len(data):
                    done += os.write(self._fd, data[done:])
            except OSError:
                with contextlib.suppress(OSError):
                    os.ftruncate(self._fd, size)
                raise

    def write_json(self, name: str, value: dict[str, Any]) -> None:
        """Write `run.json` and its like, whole or not at all."""
        self.write_text(name, json.dumps(value, indent=2, ensure_ascii=False) + "\n")

    def write_text(self, name: str, text: str) -> str:
        """Write a file of the directory, whole or not at all; returns its name."""
        path = self.path / name
        aside = path.with_name(path.name + ".part")
        with _saying(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                aside.write_text(text, encoding="utf-8")
                aside.replace(path)
            except OSError:
                with contextlib.suppress(OSError):
                    aside.unlink()
                raise
        return name

    def write_trace(self, kind: str, trace: Trace, region: str) -> str:
        """Keep a trace (`kind` is `observed` or `allowed`); returns its name within the directory."""
        # No detour over another name: what counts is results.jsonl, and it names the file only once it is written.
        parts = (trace.header.target, region or NO_REGION, trace.header.program.name)
        name = f"traces/{'/'.join(map(safe, parts))}.{kind}.jsonl"
        path = self.path / name
        with _saying(path):
            if path.parent not in self._folders:
                path.parent.mkdir(parents=True, exist_ok=True)
                self._folders.add(path.parent)
            write_trace(path, trace)
        return name

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def read_results(path: Path) -> Written:
    """Read results.jsonl of a results directory. Raises ResultsError, naming the line, for anything but a torn end."""
    file = path / "results.jsonl"
    try:
        data = file.read_bytes()
    except FileNotFoundError:
        raise ResultsError(f"{path}: expected a results directory, found no results.jsonl in it") from None
    except OSError as error:
        raise ResultsError(f"{file}: {error.strerror}") from None
    results: list[Result] = []
    *lines, rest = data.split(b"\n")
    for number, line in enumerate(lines, 1):
        try:
            results.append(_decoder.decode(line))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ResultsError(f"{file}:{number}: expected a result: {error}") from None
    torn = f"{file}:{len(lines) + 1}: the last line is torn ({len(rest)} bytes) and left out" if rest else None
    return Written(tuple(results), torn, len(data) - len(rest))


def read_run(path: Path) -> dict[str, Any]:
    """run.json of a results directory. Raises ResultsError."""
    file = path / "run.json"
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ResultsError(f"{path}: expected a results directory, found no run.json in it") from None
    except OSError as error:
        raise ResultsError(f"{file}: {error.strerror}") from None
    except ValueError as error:
        raise ResultsError(f"{file}: expected JSON: {error}") from None
    if not isinstance(value, dict) or value.get("run") != 1:
        raise ResultsError(f'{file}: expected an object with "run": 1')
    try:
        msgspec.convert(value, _Read)
    except msgspec.ValidationError as error:
        raise ResultsError(f"{file}: {error}") from None
    return value


class _Inventory(msgspec.Struct):
    cpu: dict[str, Any] = {}


class _Target(msgspec.Struct):
    name: str


class _Read(msgspec.Struct):
    # What is read from run.json again, and so must have its form.
    targets: list[_Target] = []
    planned: list[tuple[str, str, str]] = []
    inventory: _Inventory = msgspec.field(default_factory=_Inventory)


def safe(text: str) -> str:
    """A text as a file name: `uml:6.12` → `uml-6.12`."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-.") or "-"


def _point(link: Path, name: str) -> None:
    # A file system without links costs the convenience, not the run.
    aside = link.with_name(f".latest-{secrets.token_hex(4)}")
    try:
        aside.symlink_to(name)
        aside.replace(link)
    except OSError:
        with contextlib.suppress(OSError):
            aside.unlink()


@contextlib.contextmanager
def _saying(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ResultsError(f"{path}: cannot write results: {error.strerror}") from error

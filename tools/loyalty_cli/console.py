# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What the command says, and how it runs other programs."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

SECONDS_BETWEEN_LINES = 20
"""How often a long step speaks where the output is not a terminal."""


class Failure(Exception):
    """What is missing and what to do, in one line."""


def say(text: str) -> None:
    print(text, flush=True)


class Step:
    """A step under way: its :attr:`note` is shown beside the time taken so far."""

    def __init__(self, what: str):
        self.what = what
        self.note = ""
        self._start = time.monotonic()
        self._last_line = self._start
        self._done = threading.Event()
        self._live = sys.stdout.isatty()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._start

    def _show(self) -> None:
        note = f" {self.note}" if self.note else ""
        text = f"· {self.what} …{note} ({self.seconds:.0f} s)"
        if self._live:
            width = os.get_terminal_size().columns
            print(f"\r\033[K{text[: width - 1]}", end="", flush=True)
        elif time.monotonic() - self._last_line >= SECONDS_BETWEEN_LINES:
            self._last_line = time.monotonic()
            say(text)

    def watch(self) -> None:
        while not self._done.wait(0.5):
            self._show()

    def say(self, text: str) -> None:
        """Say something while the step goes on."""
        say(f"\r\033[K{text}" if self._live else text)

    def finish(self, mark: str) -> None:
        self._done.set()
        self.say(f"{mark} {self.what} ({self.seconds:.0f} s)")


@contextmanager
def step(what: str) -> Iterator[Step]:
    """Announce a long step, keep showing that it goes on, and say how long it took."""
    current = Step(what)
    if not sys.stdout.isatty():
        say(f"· {what} …")
    watcher = threading.Thread(target=current.watch, daemon=True)
    watcher.start()
    try:
        yield current
    except BaseException:
        current.finish("✗")
        raise
    current.finish("✓")


def run(
    command: Sequence[str | Path],
    *,
    what: str,
    log: Path | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdin: str | None = None,
    on_line: Callable[[str], None] | None = None,
    advice: str = "",
) -> str:
    """Run a program to its end and return what it printed.

    :param what: the words that name it when it fails
    :param log: a file that keeps its output
    :param on_line: called with each line as it is printed
    :param advice: what to do when it fails
    :raise Failure: it is not there, or did not end with 0; the message has its last
        words
    """
    lines: list[str] = []
    try:
        with (
            _open_log(log) as record,
            subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                env=dict(env) if env is not None else None,
                cwd=cwd,
            ) as process,
        ):
            try:
                if stdin is not None:
                    process.stdin.write(stdin)
                    process.stdin.close()
                for line in process.stdout:
                    lines.append(line)
                    record.write(line)
                    if on_line:
                        on_line(line.rstrip("\n"))
            except BaseException:
                end(process)
                raise
    except FileNotFoundError as error:
        raise Failure(
            f"{what}: the program {command[0]} is missing. {advice}".strip()
        ) from error
    if process.returncode:
        last = next(
            (line.strip() for line in reversed(lines) if line.strip()),
            "it printed nothing",
        )
        where = f" Everything it said: {log}." if log is not None else ""
        raise Failure(f"{what} failed: {last}.{where} {advice}".strip())
    return "".join(lines)


def _open_log(log: Path | None) -> TextIO:
    path = Path(os.devnull) if log is None else log
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.open("w", buffering=1)


def end(process: subprocess.Popen, patience: float = 15) -> None:
    """Ask a program to end, and make it end when it does not."""
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def run_in_foreground(
    command: Sequence[str | Path], env: Mapping[str, str], cwd: Path | None = None
) -> int:
    """Run a program that talks to the user itself, and return its exit status.

    Ctrl-C reaches it, and it is waited for.
    """
    with subprocess.Popen(
        [str(part) for part in command], env=dict(env), cwd=cwd
    ) as process:
        try:
            return process.wait()
        except KeyboardInterrupt:
            # The terminal has told the program as well.
            try:
                return process.wait(30)
            except subprocess.TimeoutExpired:
                end(process)
                raise
        except BaseException:
            end(process)
            raise

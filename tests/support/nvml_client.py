"""A process that uses NVML through the real binding and does what it is told over a pipe.

One JSON line in, one out. `[FUNCTION, ARGUMENT...]` calls a function of the binding. Arguments:
`"#3"` stands for the handle of index 3 (fetched once and kept), `{"by": FUNCTION, "name": NAME}`
for the one that function finds, `"$set"` for the event set, `"&NAME"` for a fresh structure of
the binding that the call fills and the answer returns. The answer is `{"value": ...}` or
`{"error": CODE}`.
"""

import ctypes
import importlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Self

from simulator.world import Server

_ROOT = Path(__file__).parent.parent.parent
_DEADLINE_SECONDS = 20.0


class NvmlClient:
    """The parent's side: a child that holds NVML of a simulated server."""

    def __init__(self, server: Server) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.nvml_client"],
            cwd=_ROOT,
            env={"PYTHONPATH": str(_ROOT), **server.environment()},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        """Kill the child, by pid, and wait for it."""
        self.process.kill()
        self.process.communicate(timeout=_DEADLINE_SECONDS)

    def send(self, function: str, *arguments: object) -> None:
        """Ask for a call without waiting for the answer."""
        assert self.process.stdin
        self.process.stdin.write(json.dumps([function, *arguments]) + "\n")
        self.process.stdin.flush()

    def answer(self) -> Any:  # noqa: ANN401 - whatever the binding returns
        """The answer to the oldest call not yet answered; `error N` for NVML's error N."""
        assert self.process.stdout
        answer = json.loads(self.process.stdout.readline())
        return f"error {answer['error']}" if "error" in answer else answer["value"]

    def call(self, function: str, *arguments: object) -> Any:  # noqa: ANN401 - likewise
        """Call a function of the binding and wait for what it returns."""
        self.send(function, *arguments)
        return self.answer()

    def fields(self, gpu: int, *ids: int) -> list[Any]:
        """Batched field values of a GPU: the value, or `error N` in its place."""
        return [
            f"error {code}" if code else value
            for code, value in self.call("nvmlDeviceGetFieldValues", f"#{gpu}", ids)
        ]


def _plain(value: Any) -> Any:  # noqa: ANN401 - turns anything the binding returns into JSON
    if isinstance(value, ctypes.Structure):
        return {name: _field(value, name) for name, *_ in value._fields_}
    if isinstance(value, ctypes.Array):
        return [_plain(item) for item in value]
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, ctypes._SimpleCData):
        return _plain(value.value)
    return value if isinstance(value, int | float | str | dict | None) else repr(value)


def _field(structure: ctypes.Structure, name: str) -> Any:  # noqa: ANN401 - a ctypes field
    """A field of a structure; characters that are no text come as hex."""
    try:
        return _plain(getattr(structure, name))
    except UnicodeDecodeError:
        descriptor = getattr(type(structure), name)
        raw = bytes(structure)[descriptor.offset : descriptor.offset + descriptor.size]
        return raw.hex()


class _Child:
    """The child's side."""

    def __init__(self) -> None:
        self.binding = importlib.import_module("pynvml")
        self.kept: dict[str, Any] = {}

    def argument(self, given: Any) -> Any:  # noqa: ANN401 - JSON in, a binding's object out
        if isinstance(given, str) and given.startswith("#"):
            if given not in self.kept:
                self.kept[given] = self.binding.nvmlDeviceGetHandleByIndex(int(given[1:]))
            return self.kept[given]
        if isinstance(given, str) and given.startswith("&"):
            self.filled = getattr(self.binding, given[1:])()
            return ctypes.byref(self.filled)
        if isinstance(given, dict):
            return getattr(self.binding, given["by"])(given["name"].encode())
        if given == "$set":
            if given not in self.kept:
                self.kept[given] = self.binding.nvmlEventSetCreate()
            return self.kept[given]
        return given

    def do(self, request: list[Any]) -> dict[str, Any]:
        """Call, and turn what comes back into JSON."""
        function, *given = request
        try:
            arguments = [self.argument(item) for item in given]
            value = getattr(self.binding, function)(*arguments)
        except self.binding.NVMLError as error:
            return {"error": error.value}
        if any(isinstance(item, str) and item.startswith("&") for item in given):
            value = self.filled
        if function == "nvmlDeviceGetFieldValues":
            value = [(item.nvmlReturn, self._field_value(item)) for item in value]
        if function.startswith("nvmlEventSetWait"):
            value = {**self._event(value), "handle_kept": self._known(value.device)}
        return {"value": _plain(value)}

    def _field_value(self, item: Any) -> int:  # noqa: ANN401 - a binding's structure
        wide = item.valueType == self.binding.NVML_VALUE_TYPE_UNSIGNED_LONG_LONG
        return int(item.value.ullVal if wide else item.value.siVal)

    @staticmethod
    def _event(data: Any) -> dict[str, int]:  # noqa: ANN401 - a binding's structure
        return {"type": data.eventType, "data": data.eventData, "instance": data.gpuInstanceId}

    def _known(self, device: Any) -> str:  # noqa: ANN401 - a binding's handle
        address = ctypes.cast(device, ctypes.c_void_p).value
        for name, handle in self.kept.items():
            if ctypes.cast(handle, ctypes.c_void_p).value == address:
                return name
        return ""


def _main() -> None:
    child = _Child()
    for line in sys.stdin:
        sys.stdout.write(json.dumps(child.do(json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _main()

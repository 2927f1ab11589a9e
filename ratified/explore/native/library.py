"""A compiled model as a loaded library: the C structures and functions, declared once.

Guarantees: what is declared here is what the library was compiled with (sizes are compared when it is loaded).
"""

from __future__ import annotations

import ctypes
from pathlib import Path

from ratified.explore.native.compile import Compiled, ExplorerAhead, compile_text
from ratified.language.errors import RatifiedError


class NativeError(RatifiedError):
    """The explorer cannot begin or cannot go on: memory, disk, a checkpoint of something else."""


class ConfigStruct(ctypes.Structure):
    """`rx_config`."""

    _fields_ = (
        ("threads", ctypes.c_uint32),
        ("deadlock", ctypes.c_uint32),
        ("depth_max", ctypes.c_uint64),
        ("states_max", ctypes.c_uint64),
        ("memory_max", ctypes.c_uint64),
        ("seconds_max", ctypes.c_double),
        ("checkpoint_seconds", ctypes.c_double),
        ("spill", ctypes.c_char_p),
        ("checkpoint", ctypes.c_char_p),
        ("witness_wanted", ctypes.c_uint64),
        ("witness_step_wanted", ctypes.c_uint64),
        ("untraced", ctypes.c_uint32),
        ("unused", ctypes.c_uint32),
    )


class ProgressStruct(ctypes.Structure):
    """`rx_progress`."""

    _fields_ = tuple(
        (name, ctypes.c_uint64) for name in ("distinct", "generated", "depth", "queue", "on_disk")
    )


class WalksStruct(ctypes.Structure):
    """`rx_walks`."""

    _fields_ = (
        ("seed", ctypes.c_uint64),
        ("walks", ctypes.c_uint64),
        ("depth", ctypes.c_uint64),
        ("deadlock", ctypes.c_uint32),
        ("unused", ctypes.c_uint32),
    )


class RankStatusStruct(ctypes.Structure):
    """`rx_rank_status`."""

    _fields_ = (
        *((name, ctypes.c_uint64) for name in ("left", "distinct", "generated")),
        *((name, ctypes.c_uint32) for name in ("stopping", "abandoned")),
    )


def _structures(words: int) -> tuple[type[ctypes.Structure], type[ctypes.Structure]]:
    """`rx_finding` and `rx_result`, whose sizes depend on the width of a state."""

    class BuiltLibrary(ctypes.Structure):
        _fields_ = (
            *((name, ctypes.c_uint32) for name in ("kind", "property", "instance", "has_state")),
            ("length", ctypes.c_uint64),
            ("state", ctypes.c_uint64 * words),
            ("after", ctypes.c_uint64 * words),
        )

    wide = (
        *(
            "distinct",
            "generated",
            "depth",
            "expanded",
            "degree_min",
            "degree_max",
            "witness_missing",
            "witness_step_missing",
        ),
        *("table_bytes", "states_bytes", "first_bytes", "worker_bytes", "disk_bytes"),
    )

    class Counted(ctypes.Structure):
        _fields_ = (
            *((name, ctypes.c_uint64) for name in wide),
            ("seconds", ctypes.c_double),
            *(
                (name, ctypes.c_uint32)
                for name in ("stopped", "on_disk", "threads", "disk_errno", "resumed", "unused")
            ),
            ("finding", BuiltLibrary),
        )

    return BuiltLibrary, Counted


class NativeLibrary:
    """A compiled model, loaded."""

    def __init__(self, path: Path) -> None:
        try:
            self.library = ctypes.CDLL(str(path))
        except OSError as error:
            raise NativeError(
                f"cannot load the compiled model {path}: {error}",
                remedy="remove it, and it will be compiled again",
            ) from error
        pointer = ctypes.c_void_p
        for name, result, arguments in (
            ("rx_new", pointer, [ctypes.POINTER(ConfigStruct)]),
            ("rx_open", ctypes.c_int, [pointer]),
            ("rx_explore", None, [pointer]),
            ("rx_free", None, [pointer]),
            ("rx_ask_to_stop", None, [pointer]),
            ("rx_message", ctypes.c_char_p, [pointer]),
            ("rx_read_progress", None, [pointer, ctypes.POINTER(ProgressStruct)]),
            ("rx_read_result", None, [pointer, pointer]),
            ("rx_read_counts", None, [pointer] * 5),
            ("rx_simulate", None, [pointer, ctypes.POINTER(WalksStruct)]),
            ("rx_read_walks", None, [pointer] * 4),
            ("rx_state", ctypes.POINTER(ctypes.c_uint64), [pointer, ctypes.c_uint64]),
            ("rx_read_levels", None, [pointer] * 2),
            ("rx_graph_count", ctypes.c_uint64, [pointer] * 2),
            ("rx_graph_fill", None, [pointer] * 4),
            ("rx_trace_now", None, [pointer]),
            (
                "rx_layer",
                ctypes.c_uint64,
                [pointer, ctypes.c_uint64, pointer, ctypes.c_uint64, ctypes.c_uint64],
            ),
            ("rx_layer_states", ctypes.POINTER(ctypes.c_uint64), [pointer]),
            ("rx_canonical", None, [pointer]),
            ("rx_trace_length", ctypes.c_uint64, [pointer]),
            ("rx_trace_states", ctypes.POINTER(ctypes.c_uint64), [pointer]),
            ("rx_trace_instances", ctypes.POINTER(ctypes.c_uint32), [pointer]),
            ("rx_describe", None, [pointer, ctypes.POINTER(ctypes.c_char_p)]),
            ("rx_rank_open", ctypes.c_int, [pointer, ctypes.c_uint32, ctypes.c_uint32, ctypes.c_uint64]),
            ("rx_rank_box", ctypes.c_uint64, [pointer, ctypes.c_uint32, ctypes.c_uint32]),
            ("rx_rank_counts", ctypes.POINTER(ctypes.c_uint64), [pointer, ctypes.c_uint32]),
            ("rx_rank_record", ctypes.c_uint64, []),
            ("rx_rank_read", None, [pointer, ctypes.POINTER(RankStatusStruct)]),
            ("rx_rank_stop", None, [pointer, ctypes.c_uint32]),
            ("rx_rank_initial", None, [pointer]),
            ("rx_rank_begin", None, [pointer, ctypes.c_uint32, ctypes.c_uint32]),
            ("rx_rank_expand", None, [pointer, ctypes.c_uint32]),
            ("rx_rank_receive", None, [pointer, pointer, ctypes.c_uint64]),
            ("rx_rank_give", None, [pointer, ctypes.c_uint32, ctypes.c_char_p, ctypes.c_uint64]),
            ("rx_rank_again", None, [pointer, ctypes.c_uint32]),
            ("rx_rank_finish", ctypes.c_uint64, [pointer]),
            ("rx_rank_keep", None, [pointer, ctypes.c_uint64]),
            ("rx_rank_forget", None, [pointer]),
            ("rx_rank_finding", pointer, [pointer]),
            ("rx_rank_adopt", None, [pointer, ctypes.c_char_p]),
            ("rx_rank_back", ctypes.c_int, [pointer, ctypes.c_uint64, pointer]),
            ("rx_rank_forward", ctypes.c_int, [pointer, pointer]),
            ("rx_rank_counters", None, [pointer] * 6),
            ("rx_rank_checksum", ctypes.c_uint64, [ctypes.c_uint64, ctypes.c_char_p, ctypes.c_uint64]),
            (
                "rx_rank_save",
                ctypes.c_int,
                [pointer, ctypes.c_uint64, ctypes.c_char_p, pointer, ctypes.c_uint64],
            ),
        ):
            function = getattr(self.library, name)
            function.restype, function.argtypes = result, arguments
        self._declare_liveness(pointer)
        self._declare_reduction(pointer)
        numbers, digest = (ctypes.c_uint64 * 11)(), ctypes.c_char_p()
        self.library.rx_describe(numbers, ctypes.byref(digest))
        self.words, self.instances, self.bounds, self.constraints = (
            numbers[0],
            numbers[1],
            numbers[2],
            numbers[3],
        )
        self.invariants, self.step_invariants, self.goals = numbers[4], numbers[5], numbers[6]
        self.symmetry = bool(numbers[7])
        self.digest = (digest.value or b"").decode()
        self.counts = tuple(numbers[:7])
        self.found_type, self.counted_type = _structures(self.words)
        sizes = (
            ctypes.sizeof(ConfigStruct),
            ctypes.sizeof(self.counted_type),
            ctypes.sizeof(self.found_type),
        )
        assert sizes == tuple(numbers[8:11]), (
            f"driver.py and the C structures differ: {sizes}, {tuple(numbers[8:11])}"
        )

    def _declare_reduction(self, pointer: type[ctypes.c_void_p]) -> None:
        """What is there only of a program that leaves out steps."""
        if hasattr(self.library, "rx_reduce"):
            self.library.rx_reduce.restype, self.library.rx_reduce.argtypes = None, [pointer] * 4
            self.library.rx_sensitive.restype = ctypes.c_uint32
            self.library.rx_sensitive.argtypes = [pointer]

    def _declare_liveness(self, pointer: type[ctypes.c_void_p]) -> None:
        """What is there only of a model with claims of liveness."""
        if not hasattr(self.library, "rx_live_open"):
            return
        cell, goal = ctypes.c_uint32, ctypes.c_uint32
        for name, result, arguments in (
            ("rx_live_open", ctypes.c_int, [pointer, ctypes.c_uint64, cell, pointer, ctypes.c_int]),
            ("rx_live_bytes", ctypes.c_uint64, [pointer, ctypes.c_uint32]),
            ("rx_live_fault", ctypes.c_uint64, [pointer, ctypes.c_uint32]),
            ("rx_live_tested", ctypes.c_int, [pointer, goal, ctypes.c_int]),
            ("rx_live_fails", ctypes.c_int, [pointer, goal, ctypes.c_int]),
            ("rx_live_loops", ctypes.c_int64, [pointer, goal, ctypes.c_int]),
            ("rx_live_ways", None, [pointer, goal, pointer, pointer]),
            ("rx_live_before", None, [pointer, pointer]),
            ("rx_live_view", None, [pointer, pointer]),
        ):
            function = getattr(self.library, name)
            function.restype, function.argtypes = result, arguments


def load(text: str, *, flags: tuple[str, ...] = ()) -> NativeLibrary:
    """Compiles (or finds) and loads a program. Raises CompilerMissing, CompilerFailed, NativeError."""
    return loaded(text, flags)[0]


def loaded(
    text: str,
    flags: tuple[str, ...] = (),
    memory: int | None = None,
    explorer: str | None = None,
    ahead: ExplorerAhead | None = None,
) -> tuple[NativeLibrary, Compiled]:
    """The same, and what was compiled; of a program that comes apart if the `explorer`'s text is given (see `compile_text`)."""
    compiled = compile_text(text, flags=flags, memory=memory, explorer=explorer, ahead=ahead)
    try:
        return NativeLibrary(compiled.path), compiled
    except NativeError:
        # A cache file that something else damaged: once more from the text.
        compiled.path.unlink(missing_ok=True)
        compiled = compile_text(text, flags=flags, memory=memory, explorer=explorer)
        return NativeLibrary(compiled.path), compiled

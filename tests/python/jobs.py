"""What a worker process can be asked to do (see process.py). Test support.

Run as a program it reads calls, one JSON line each, and answers each with one line: the
value, or in `trouble` the traceback of an exception that no call should raise.
"""

import ctypes
import gc
import json
import mmap
import os
import random
import shutil
import signal
import sys
import tempfile
import threading
import time
import traceback
import zlib
from collections.abc import Sequence
from typing import Any

import lazyimage as li
from lazyimage.errors import LazyImageError

_INVERT = bytes(range(255, -1, -1))
_WHOLE_PIXELS = 4_000_000


def _refusal(error: LazyImageError) -> dict[str, Any]:
    return {
        "error": error.code,
        "name": error.name,
        "class": type(error).__name__,
        "category": error.category,
        "message": str(error),
    }


def native_crc(path: str, mode: str | None = None, deep: bool = False) -> dict[str, Any]:
    """CRC-32 of the samples as the codec has them: no orientation, CMYK as stored, 16 bits
    big-endian; or of what `mode` makes of them."""
    source = li._core.Source.from_path(os.fsencode(path), "auto")
    request = {"output": "pixels", "type": li._core.Pixels, "auto_orient": False}
    if mode:
        request["mode"] = mode
    if deep:
        request["dtype"] = "uint16"
    try:
        native = li._core.inspect(source, request)["mode"]
        if native == "CMYK":  # 255 is full ink; to_pixels() speaks RGB
            request["mode"] = "CMYK"
        pixels, _ = li._core.run(source, request)
    except LazyImageError as error:
        return _refusal(error)
    samples = memoryview(pixels).cast("B")
    if deep and sys.byteorder == "little":
        swapped = bytearray(len(samples))
        swapped[0::2], swapped[1::2] = samples[1::2], samples[0::2]
        samples = memoryview(swapped)
    inks = native == "CMYK"
    crc32 = zlib.crc32(samples.tobytes().translate(_INVERT) if inks else samples)
    return {"crc32": f"{crc32:08x}", "mode": native, "shape": list(pixels.shape)}


def sweep(path: str) -> dict[str, Any]:
    """Everything that a server would do with an upload; a refusal is an answer."""
    try:
        engine = li.Engine.from_path(path)
        info = engine.info
        small = engine.resize(80).to_buffer("jpeg", 80)
        if info.width * info.height <= _WHOLE_PIXELS:
            engine.to_buffer("png")
    except LazyImageError as error:
        return _refusal(error)
    return {"bytes": len(small)}


def _meter() -> Any:
    library = ctypes.CDLL(None)
    for name in ("live", "peak", "reset"):
        getattr(library, f"heap_meter_{name}").restype = ctypes.c_longlong
    return library


def meter_of_known_blocks() -> dict[str, int]:
    """What the heap meter says of 1 MB of malloc and 5 MB of mmap."""
    meter = _meter()
    start = meter.heap_meter_reset()
    block = bytearray(1_000_000)
    with_block = meter.heap_meter_live()
    mapping = mmap.mmap(-1, 5_000_000)
    with_mapping = meter.heap_meter_live()
    mapping.close()
    del block
    return {
        "block": with_block - start,
        "mapping": with_mapping - with_block,
        "after": meter.heap_meter_live() - start,
        "peak": meter.heap_meter_peak() - start,
    }


def heap_of_jobs(
    path: str, jobs: list[list[Any]], directory: str, compression: int | None
) -> list[dict[str, Any]]:
    """Measured and foretold peak heap of each (format, target or 0) job on one file; to a
    file in `directory`, or to a buffer, whose bytes then count on both sides. A job that
    is refused is not in the answer: it has no peak."""
    gc.disable()
    found = []
    for format, target in jobs:
        options: dict[str, Any] = {"compression": compression} if format == "png" else {}
        try:
            job = _heap_of_job(path, format, target, directory, options)
            if job["measured"] > job["foretold"]:
                # CPython rebuilds its table of interned strings once in some thousand
                # jobs, a quarter of a MB; a bound that is not true is passed again.
                job = _heap_of_job(path, format, target, directory, options)
        except LazyImageError:
            continue
        found.append(job)
    return found


def _heap_of_job(
    path: str, format: str, target: int, directory: str, options: dict[str, Any]
) -> dict[str, Any]:
    meter = _meter()
    engine = li.Engine.from_path(path)
    engine = engine.resize(target, target) if target else engine
    estimate = engine.estimate(format, **options)
    start = meter.heap_meter_reset()
    if directory:
        out = f"{directory}/{os.getpid()}.{format}"
        result: Any = engine.to_file(out, format, durable=False, **options)
    else:
        result = engine.to_buffer(format, **options)
    measured = meter.heap_meter_peak() - start
    return {
        "path": path,
        "job": f"{format} {target or 'whole'}",
        "measured": measured,
        "foretold": estimate.peak_bytes + (0 if directory else estimate.out_bytes),
        "metrics": result.metrics.peak_bytes,
    }


def heap_of_chain(chain: str, directory: str) -> dict[str, int]:
    """Measured and foretold peak heap of an expression that ends in .explain(…)."""
    gc.disable()
    os.chdir(directory)
    meter = _meter()
    estimate = eval(chain.replace(".explain(", ".estimate("), {"li": li})
    start = meter.heap_meter_reset()
    result = eval(chain.replace(".explain(", ".to_buffer("), {"li": li})
    measured = meter.heap_meter_peak() - start
    assert len(result) <= estimate.out_bytes
    return {"measured": measured, "foretold": estimate.peak_bytes + estimate.out_bytes}


def make_gray_pictures(
    directory: str, side: int, formats: Sequence[str] = ("png", "jpeg"), seeds: int = 32
) -> dict[str, str]:
    """Gray pictures of side × side, one of each format, from seeds × seeds mixed bytes."""
    mixed = memoryview(bytes(i * i * 37 % 251 for i in range(seeds * seeds)))
    engine = (
        li.Engine.from_pixels(mixed.cast("B", (seeds, seeds, 1)))
        .limits(max_pixels=0, max_output_pixels=0, max_input_bytes=0)
        .resize(side, side, kernel="box")
    )
    paths = {}
    for format in formats:
        paths[format] = f"{directory}/gray.{format}"
        options = {"compression": 1} if format == "png" else {}
        engine.to_file(paths[format], format, durable=False, **options)
    return paths


def interrupt(
    path: str, target: int, after: float, how: str, format: str = "png"
) -> dict[str, Any]:
    """Stop a job on a large file `after` seconds from its start; how long it then took."""
    directory = tempfile.mkdtemp()
    engine = li.Engine.from_path(path).limits(max_pixels=0, max_output_pixels=0, max_input_bytes=0)
    engine = engine.resize(target, target) if target else engine
    out = f"{directory}/out.{format}"
    options = {"compression": 6} if format == "png" else {}
    stopped: list[float] = []
    if how == "timeout":
        engine = engine.limits(timeout=after)
    flag = li._core.Cancel()
    act = {
        "signal": lambda: os.kill(os.getpid(), signal.SIGINT),
        "cancel": flag.set,
        "timeout": lambda: None,
    }[how]

    def stop() -> None:
        time.sleep(after)
        stopped.append(time.monotonic())
        act()

    thread = threading.Thread(target=stop)
    thread.start()
    raised, code = "nothing", None
    try:
        if how == "cancel":
            _run_with_cancel(path, out, format, flag)
        else:
            engine.to_file(out, shrink="exact", durable=False, **options)
    except (KeyboardInterrupt, LazyImageError) as error:
        raised, code = type(error).__name__, getattr(error, "code", None)
    ended = time.monotonic()
    thread.join()
    left = os.listdir(directory)
    shutil.rmtree(directory)
    return {"raised": raised, "code": code, "seconds": ended - stopped[0], "left": left}


def _run_with_cancel(path: str, out: str, format: str, flag: Any) -> None:
    """The engine's job by the core's own call: only it takes a cancel flag as yet."""
    source = li._core.Source.from_path(os.fsencode(path), "auto")
    request = {
        "limits": {"max_pixels": 0, "max_output_pixels": 0},
        "cancel": flag,
        "output": "file",
        "format": format,
        "path": os.fsencode(out),
        "durable": False,
    }
    li._core.run(source, request)


def _samples(engine: li.Engine) -> int:
    return zlib.crc32(memoryview(engine.to_pixels(shrink="exact")).cast("B"))


_CHANGES = {
    "truncate": lambda path, size: os.truncate(path, size),
    "empty": lambda path, size: os.truncate(path, 0),
    "overwrite": lambda path, size: _write_over(path, size),
    "replace": lambda path, size: os.replace(f"{path}-other", path),
}


def _write_over(path: str, size: int) -> None:
    with open(path, "r+b") as file:
        file.seek(size)
        file.write(bytes(4096))


def _samples_together(engine: li.Engine) -> int:
    """The same beside a second output of the same decode."""
    outputs = [engine.output(), engine.resize(50).output()]
    first = li.run(outputs, workers=2, on_error="raise")[0].result
    return zlib.crc32(memoryview(first).cast("B"))


def change_under(
    path: str, change: str, io: str, trials: int, seed: int, together: bool = False
) -> dict[str, Any]:
    """Decode copies of a file that change during the decode, beside a witness that decodes
    the file itself: how often it was right, how often E103, and what else there was."""
    directory = tempfile.mkdtemp()
    chance = random.Random(seed)
    copy = f"{directory}/copy"
    engine = li.Engine.from_path(path)
    right = _samples(engine)
    started = time.monotonic()
    _samples(engine)
    whole = time.monotonic() - started
    done = threading.Event()
    wrong_witnesses: list[int] = []

    def witness() -> None:
        while not done.is_set():
            found = _samples(engine)
            if found != right:
                wrong_witnesses.append(found)

    beside = threading.Thread(target=witness)
    beside.start()
    found: dict[str, Any] = {"right": 0, "E103": 0, "other": []}
    for _ in range(trials):
        for name in (copy, f"{copy}-other"):
            shutil.copyfile(path, name)
            os.utime(name, (1_500_000_000, 1_500_000_000))
        at, size = chance.random() * 1.5 * whole, chance.randrange(os.path.getsize(path))
        timer = threading.Timer(at, _CHANGES[change], (copy, size))
        try:
            with li.Engine.from_path(copy, io=io) as held:  # type: ignore[arg-type]
                timer.start()
                same = (_samples_together if together else _samples)(held) == right
            if same:
                found["right"] += 1
            else:
                found["other"].append("wrong samples")
        except LazyImageError as error:
            if error.code == "E103":
                found["E103"] += 1
            else:
                found["other"].append(str(error))
        timer.join()
    done.set()
    beside.join()
    shutil.rmtree(directory)
    return {**found, "witness": len(wrong_witnesses), "faults": li.stats()["source_faults"]}


def interrupt_beside_a_thread(path: str) -> dict[str, Any]:
    """Ctrl-C while the main thread waits in Python and another thread runs a job."""
    outcome: list[str] = []

    def work() -> None:
        try:
            li.Engine.from_path(path).limits(
                max_pixels=0, max_output_pixels=0, max_input_bytes=0
            ).resize(64).to_buffer("png")
            outcome.append("done")
        except BaseException as error:
            outcome.append(repr(error))

    worker = threading.Thread(target=work)
    worker.start()
    sent: list[float] = []

    def send() -> None:
        time.sleep(0.05)
        sent.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    sender = threading.Thread(target=send)
    sender.start()
    raised = "nothing"
    try:
        time.sleep(30)
    except KeyboardInterrupt:
        raised = "KeyboardInterrupt"
    seconds = time.monotonic() - sent[0]
    worker.join()
    sender.join()
    return {"main": raised, "main_seconds": seconds, "thread": outcome[0]}


def _noise_png(path: str, width: int, height: int) -> None:
    """Rows of noise that deflate cannot shrink, written one by one."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        crc = zlib.crc32(kind + body)
        return len(body).to_bytes(4, "big") + kind + body + crc.to_bytes(4, "big")

    deflate = zlib.compressobj(0)
    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n")
        size = width.to_bytes(4, "big") + height.to_bytes(4, "big")
        file.write(chunk(b"IHDR", size + bytes([8, 2, 0, 0, 0])))
        for _ in range(height):
            file.write(chunk(b"IDAT", deflate.compress(b"\0" + os.urandom(3 * width))))
        file.write(chunk(b"IDAT", deflate.flush()) + chunk(b"IEND", b""))


def _memory(name: str) -> int:
    """VmRSS or VmHWM of this process, in bytes."""
    with open("/proc/self/status", encoding="ascii") as file:
        line = next(line for line in file if line.startswith(name))
    return int(line.split()[1]) * 1024


def stream_growth(directory: str, format: str) -> dict[str, Any]:
    """Growth of the peak RSS while a PNG of 100 MB streams through a pipeline, whole."""
    path, temp = f"{directory}/noise.png", f"{directory}/temp"
    os.mkdir(temp)
    tempfile.tempdir = temp
    _noise_png(path, 6000, 5600)
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")  # the peak starts anew
    before = _memory("VmRSS")
    with li.StreamingPipeline(format) as pipeline:
        with open(path, "rb", buffering=0) as source:
            while piece := source.read(1 << 20):
                pipeline.write(piece)
        pipeline.close()
        out = sum(len(piece) for piece in pipeline)
    growth = _memory("VmHWM") - before
    taken = {"bytes_in": pipeline.bytes_in, "bytes_out": out, "growth": growth}
    return {**taken, "left": os.listdir(temp)}


def grid_growth(directory: str, width: int, height: int) -> dict[str, int]:
    """Growth of the peak RSS, and the foretold one, while a large JPEG of large soft spots
    becomes an AVIF."""
    path, out = f"{directory}/large.jpg", f"{directory}/large.avif"
    spots = memoryview(random.Random(4).randbytes(60 * 40 * 3)).cast("B", [40, 60, 3])
    small = li.Engine.from_pixels(spots)
    small.resize(width, height, fit="fill", kernel="bilinear").to_file(path)
    small.to_buffer("avif")  # the codec is loaded
    engine = li.Engine.from_path(path)
    foretold = engine.estimate("avif", speed=10).peak_bytes
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")  # the peak starts anew
    before = _memory("VmRSS")
    engine.to_file(out, speed=10)
    return {"growth": _memory("VmHWM") - before, "foretold": foretold}


def main() -> None:
    """Answer calls until standard input ends. Answers leave by a descriptor of their
    own, so that nothing that a library prints can be taken for one."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    for line in sys.stdin:
        function, arguments = json.loads(line)
        try:
            answer = {"value": globals()[function](**arguments)}
        except BaseException:
            answer = {"trouble": traceback.format_exc()}
        answers.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()

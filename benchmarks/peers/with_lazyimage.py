"""The jobs in lazyimage. `pace` is its own option shrink=."""

import meter

import lazyimage as li

JPEG = {"effort": 1, "subsampling": "4:2:0"}
"""Baseline, with libjpeg-turbo's tables and optimised Huffman codes: what the others write."""


def options_of(job: meter.Job) -> dict[str, object]:
    """Output options: nothing in the defaults."""
    if job["pace"] == "default":
        return {}
    options: dict[str, object] = {"shrink": "exact" if job["pace"] == "exact" else job["pace"]}
    options |= JPEG if job["format"] == "jpeg" else {}
    options |= {"method": 4} if job["format"] == "webp" else {}
    options |= {"subsampling": "4:2:0"} if job["format"] == "avif" else {}
    return options


def make(job: meter.Job) -> meter.Work:
    """The job as a call."""
    if job["op"] == "probe":
        return lambda source, output: li.inspect_file(source).width
    kind = job["source"].rsplit(".", 1)[1].replace("jpg", "jpeg")
    if kind not in li.supported_input_formats():
        raise meter.Unsupported(f"not built: reads no {kind}")
    if job["format"] and job["format"] not in li.supported_output_formats():
        raise meter.Unsupported(f"not built: writes no {job['format']}")
    width, height, quality = int(job["width"]), int(job["height"]), int(job["quality"]) or None
    options = options_of(job)

    def engine(source: str) -> li.Engine:
        opened = li.Engine.from_path(source)
        if height:
            return opened.resize(width, height, fit="cover")
        return opened.resize(width) if width else opened

    def pixels(source: str, output: str) -> object:
        return engine(source).to_pixels(mode="RGB", **options)

    def convert(source: str, output: str) -> object:
        return engine(source).to_file(output, job["format"], quality, durable=False, **options)

    return pixels if job["op"] == "pixels" else convert


def versions() -> dict[str, str]:
    """lazyimage and the codecs that it runs."""
    found = {name: runs for name, (_, runs) in li.features().items()}
    return {"lazyimage": li.__version__, **{k: str(v) for k, v in found.items()}}


if __name__ == "__main__":
    meter.main(make, versions)

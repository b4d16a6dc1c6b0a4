"""The jobs in Pillow. fast: draft() to no less than the target; safe: to no less than twice
the target, which is what thumbnail() does by itself."""

import meter
import PIL
from PIL import Image, ImageOps


def options_of(job: meter.Job) -> dict[str, object]:
    """Output options: nothing in the defaults."""
    options: dict[str, object] = {"quality": int(job["quality"])} if int(job["quality"]) else {}
    if job["pace"] == "default":
        return {}
    if job["format"] == "jpeg":
        options |= {"optimize": True, "subsampling": "4:2:0", "progressive": False}
    if job["format"] == "webp":
        options |= {"method": 4}
    if job["format"] == "png":
        options |= {"compress_level": int(job.get("level", 6))}
    if job["format"] == "avif":
        options |= {"speed": int(job.get("speed", 6)), "subsampling": "4:2:0"}
    return options


def limit_threads(job: meter.Job, options: dict[str, object]) -> None:
    """AVIF is the only codec of Pillow that takes threads."""
    if int(job["threads"]) and ".avif" in job["source"] + job["output"]:
        from PIL import AvifImagePlugin

        AvifImagePlugin.DEFAULT_MAX_THREADS = int(job["threads"])
        if job["format"] == "avif":
            options["max_threads"] = int(job["threads"])


def make(job: meter.Job) -> meter.Work:
    """The job as a call."""
    width, height = int(job["width"]), int(job["height"])
    factor = 2 if job["pace"] == "safe" else 1
    options = options_of(job)
    limit_threads(job, options)

    def probe(source: str, output: str) -> object:
        with Image.open(source) as opened:
            return opened.size

    def resized(opened: Image.Image) -> Image.Image:
        if height:
            if job["pace"] == "default":
                return ImageOps.fit(opened, (width, height))
            scale = max(width / opened.width, height / opened.height) * factor
            opened.draft("RGB", (int(opened.width * scale), int(opened.height * scale)))
            return ImageOps.fit(opened, (width, height), Image.Resampling.LANCZOS)
        if job["pace"] == "default":
            opened.thumbnail((width, width))
            return opened
        size = width, round(opened.height * width / opened.width)
        opened.draft(None, (size[0] * factor, size[1] * factor))
        return opened.resize(size, Image.Resampling.LANCZOS)

    def pixels(source: str, output: str) -> object:
        with Image.open(source) as opened:
            return resized(opened).tobytes()

    def convert(source: str, output: str) -> object:
        with Image.open(source) as opened:
            picture = resized(opened) if width else opened
            return picture.save(output, job["format"].upper(), **options)

    return {"probe": probe, "pixels": pixels}.get(job["op"], convert)


def versions() -> dict[str, str]:
    """Pillow and its codecs."""
    from PIL import features

    names = ("libjpeg_turbo", "zlib", "webp", "avif")
    return {"Pillow": PIL.__version__, **{n: str(features.version(n)) for n in names}}


if __name__ == "__main__":
    meter.main(make, versions)

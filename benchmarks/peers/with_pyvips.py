"""The jobs in pyvips. fast: thumbnail(), which shrinks while it loads; safe: a load that
leaves a factor of two, then thumbnail_image(). One thread is VIPS_CONCURRENCY=1, set by
bench.py, since libvips reads it when it starts."""

import meter
import pyvips

pyvips.cache_set_max(0)  # or a repeated job would be a look-up


def save_options(job: meter.Job) -> dict[str, object]:
    """Output options: nothing in the defaults."""
    if job["pace"] == "default":
        return {}
    options: dict[str, object] = {"Q": int(job["quality"])} if int(job["quality"]) else {}
    if job["format"] == "jpeg":
        options |= {"optimize_coding": True, "subsample_mode": "on", "interlace": False}
    if job["format"] == "webp":
        options |= {"effort": 4}
    if job["format"] == "png":
        options |= {"compression": int(job.get("level", 6)), "filter": job.get("filter", "all")}
    if job["format"] == "avif":
        options |= {"effort": int(job.get("effort", 4)), "subsample_mode": "on", "bitdepth": 8}
    return options


def load_options(source: str, width: int, height: int) -> dict[str, object]:
    """For safe: how much the loader may shrink and still leave a factor of two."""
    header = pyvips.Image.new_from_file(source)
    scale = max(width / header.width, height / header.height)
    if source.endswith(".jpg"):
        return {"shrink": max(s for s in (1, 2, 4, 8) if s == 1 or s * 2 <= 1 / scale)}
    return {"scale": min(1.0, scale * 2)} if source.endswith(".webp") else {}


def make(job: meter.Job) -> meter.Work:
    """The job as a call."""
    width, height = int(job["width"]), int(job["height"])
    size = {"height": height, "crop": "centre"} if height else {}
    options = save_options(job)

    def probe(source: str, output: str) -> object:
        return pyvips.Image.new_from_file(source).width

    def resized(source: str) -> pyvips.Image:
        if not width:
            return pyvips.Image.new_from_file(source, access="sequential")
        if job["pace"] != "safe":
            return pyvips.Image.thumbnail(source, width, **size)
        loaded = load_options(source, width, height)
        image = pyvips.Image.new_from_file(source, access="sequential", **loaded)
        return image.thumbnail_image(width, **size)

    def pixels(source: str, output: str) -> object:
        return resized(source).write_to_memory()

    def convert(source: str, output: str) -> object:
        return resized(source).write_to_file(output, **options)

    return {"probe": probe, "pixels": pixels}.get(job["op"], convert)


def versions() -> dict[str, str]:
    """pyvips and libvips; its codecs are not to be asked."""
    libvips = ".".join(str(pyvips.version(i)) for i in range(3))
    return {"pyvips": pyvips.__version__, "libvips": libvips}


if __name__ == "__main__":
    meter.main(make, versions)

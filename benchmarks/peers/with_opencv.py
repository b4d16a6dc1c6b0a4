"""The jobs in OpenCV. Its Lanczos does not widen with the ratio, so the nearest kernel is
INTER_AREA. fast: IMREAD_REDUCED_COLOR_n to no less than the target; safe: to no less than
twice the target. Alpha is filtered without premultiplying, as it does."""

import cv2
import meter

REDUCED = {
    1: cv2.IMREAD_COLOR,
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}


def save_options(job: meter.Job) -> list[int]:
    """Output options: nothing in the defaults."""
    quality = int(job["quality"])
    if job["pace"] == "default":
        return []
    if job["format"] == "jpeg":
        options = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_OPTIMIZE, 1]
        options += [cv2.IMWRITE_JPEG_PROGRESSIVE, 0, cv2.IMWRITE_JPEG_SAMPLING_FACTOR]
        return [*options, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420]
    if job["format"] == "webp":
        return [cv2.IMWRITE_WEBP_QUALITY, quality]
    if job["format"] == "avif":
        speed = int(job.get("speed", 9))
        return [cv2.IMWRITE_AVIF_QUALITY, quality, cv2.IMWRITE_AVIF_SPEED, speed]
    options = [cv2.IMWRITE_PNG_COMPRESSION, int(job.get("level", 6))]
    options += [cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_DEFAULT]
    if job.get("filter", "all") == "all":
        options += [cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_ALL_FILTERS]
    return options


def load_flag(job: meter.Job, width: int, height: int) -> int:
    """Which reduced load leaves enough pixels; the size is the caller's knowledge."""
    if job["format"] == "png" and ".png" in job["source"]:
        return cv2.IMREAD_UNCHANGED
    if ".jpg" not in job["source"] or job["pace"] not in ("fast", "safe") or not width:
        return cv2.IMREAD_COLOR
    factor = 2 if job["pace"] == "safe" else 1
    ratio = min(int(job["source_width"]) / width, int(job["source_height"]) / (height or 1))
    return REDUCED[max(s for s in REDUCED if s == 1 or s * factor <= ratio)]


def make(job: meter.Job) -> meter.Work:
    """The job as a call."""
    if job["op"] == "probe":
        raise meter.Unsupported("has no call that reads a header alone")
    if int(job["threads"]):
        cv2.setNumThreads(int(job["threads"]))
    width, height = int(job["width"]), int(job["height"])
    flag, options = load_flag(job, width, height), save_options(job)

    def resized(source: str) -> cv2.typing.MatLike:
        picture = cv2.imread(source, flag)
        if picture is None:
            raise meter.Unsupported(f"does not read {source.rsplit('.', 1)[1]}")
        rows, columns = picture.shape[:2]
        if height:
            side = min(rows * width // height, columns), min(columns * height // width, rows)
            y, x = (rows - side[1]) // 2, (columns - side[0]) // 2
            picture = picture[y : y + side[1], x : x + side[0]]
        if not width:
            return picture
        size = width, height or round(rows * width / columns)
        return cv2.resize(picture, size, interpolation=cv2.INTER_AREA)

    def pixels(source: str, output: str) -> object:
        return cv2.cvtColor(resized(source), cv2.COLOR_BGR2RGB)

    def convert(source: str, output: str) -> object:
        if not cv2.imwrite(output, resized(source), options):
            raise meter.Unsupported(f"does not write {job['format']}")
        return None

    return pixels if job["op"] == "pixels" else convert


def versions() -> dict[str, str]:
    """OpenCV and what its build says of codecs."""
    found = {"OpenCV": cv2.__version__}
    for line in cv2.getBuildInformation().splitlines():
        name, _, value = line.strip().partition(":")
        if name in ("JPEG", "PNG", "WEBP", "AVIF", "ZLib") and "ver" in value:
            found[name.lower()] = value.split("(")[1].removeprefix("ver ").rstrip(")")
    return found


if __name__ == "__main__":
    meter.main(make, versions)

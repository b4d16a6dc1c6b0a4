"""What a server would do with an upload, in Pillow: its header, a thumbnail and, up to 4 MP,
the whole picture. Speaks as jobs.py: a call a line in, an answer a line out."""

import io
import json
import sys
import warnings

from PIL import Image

WHOLE_PIXELS = 4_000_000


def sweep(path: str) -> None:
    with Image.open(path) as picture:
        width, height = picture.size
        picture.draft("RGB", (80, 80))
        picture.thumbnail((80, 80))
        picture.convert("RGB").save(io.BytesIO(), "JPEG", quality=80)
    if width * height <= WHOLE_PIXELS:
        with Image.open(path) as picture:
            picture.convert("RGBA").save(io.BytesIO(), "PNG", compress_level=1)


def main() -> None:
    warnings.simplefilter("ignore")
    for line in sys.stdin:
        _, arguments = json.loads(line)
        value = {}
        try:
            sweep(arguments["path"])
        except Exception as error:  # whatever it says is its answer
            value = {"error": f"{type(error).__name__}: {error}"[:200]}
        print(json.dumps({"value": value}), flush=True)


if __name__ == "__main__":
    main()

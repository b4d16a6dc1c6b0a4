"""The steps and settings as methods: what Recipe and Engine have in common.

Layer: above steps and settings, below recipe and engine. The idea: every method returns a
new object of the same class, so a chain can be shared, branched and kept.
"""

from __future__ import annotations

from lazyimage import steps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, Literal, Self

    from lazyimage.colors import Color

    Fit = Literal["inside", "cover", "fill", "outside", "contain"]
    Kernel = Literal["nearest", "bilinear", "cubic", "box", "lanczos3", "mitchell", "lanczos2"]
    Position = Literal[
        "top-left",
        "top",
        "top-right",
        "left",
        "center",
        "right",
        "bottom-left",
        "bottom",
        "bottom-right",
    ]
    Place = Position | tuple[int, int]
    Mode = Literal["L", "LA", "RGB", "RGBA"]
    Policy = Literal["strict", "lenient", "public-upload"]

UNSET: Any = type("Unset", (), {"__slots__": (), "__repr__": lambda self: "unchanged"})()
"""Default of a keyword of limits() that leaves a limit as it is; None switches it off."""


class Chain:
    """Steps run in the order in which they are written; settings hold wherever written.

    A wrong type is a TypeError; a wrong value is an InvalidArgumentError, raised by the
    call itself wherever no picture is needed to know.
    """

    __slots__ = ()

    def _step(self, step: steps.Step) -> Self:
        raise TypeError(f"{type(self).__name__} holds no steps")

    def _setting(self, **changes: Any) -> Self:
        raise TypeError(f"{type(self).__name__} holds no settings")

    def resize(
        self,
        width: int | None = None,
        height: int | None = None,
        *,
        fit: Fit = "inside",
        kernel: Kernel = "lanczos3",
        enlarge: bool = True,
        linear: bool = False,
        position: Position | Literal["attention"] = "center",
        background: Color = "white",
    ) -> Self:
        """Scale to width × height pixels (1 to 65535; one of them may be left out).

        fit: "inside" keeps the ratio, and the tighter side decides; the other is rounded,
        half away from zero, and never below 1. "outside" keeps the ratio, and the wider side
        decides: no side is below the box. "cover" keeps the ratio, fills the box and cuts
        what sticks out. "contain" is "inside", padded with background to the whole box.
        "fill" stretches. With one side all but "fill" are the same.
        position: what "cover" keeps, or where in its box "contain" puts the picture:
        "center", "top", "top-right", …; of an odd rest the smaller half is left or above.
        "attention", of "cover" alone, keeps the most salient window (local contrast, vivid
        colour, tones of skin): the pixels are looked at first, in a small preview, and
        estimate() and explain() do so, too.
        background: a colour as of pad().
        kernel: "nearest", "bilinear", "cubic" (Catmull-Rom), "mitchell", "box", "lanczos2"
        or "lanczos3"; all but "nearest" widen when they shrink, so that nothing aliases. A
        side that stays as it is is copied. Alpha is premultiplied around filtering.
        enlarge=False leaves a smaller picture as it is ("contain" pads it to the box).
        linear=True filters light instead of samples of sRGB: half black, half white becomes
        188, not 128. The decoder then never shrinks, whatever shrink= says, and no planes
        are filtered: right at the price of speed. "nearest" mixes nothing: no difference.

        Raises InvalidArgumentError: E203 for sizes, E204 for fit, E400 for the rest.

        >>> lazyimage.Recipe().resize(800, 600, fit="cover")
        Recipe().resize(800, 600, fit="cover")
        """
        return self._step(
            steps.resize(width, height, fit, kernel, enlarge, position, background, linear)
        )

    def crop(self, x: int, y: int, width: int, height: int) -> Self:
        """Keep a rectangle: x, y of its upper left corner, in pixels of the frame so far.

        It must lie inside the frame: otherwise InvalidArgumentError E200 when an output is
        asked for, or at once where no picture could hold it; E201 for a side below 1.

        >>> lazyimage.Recipe().crop(10, 20, 300, 200)
        Recipe().crop(10, 20, 300, 200)
        """
        return self._step(steps.crop(x, y, width, height))

    def rotate(
        self,
        degrees: float,
        *,
        background: Color = "white",
        kernel: Literal["nearest", "bilinear", "cubic"] = "cubic",
    ) -> Self:
        """Turn clockwise: by a multiple of 90 degrees without loss, else by any angle.

        Another angle gives the box that holds the turned picture, filled with background (a
        colour as of pad()), and holds the whole picture while it runs; it does not widen its
        kernel, because nothing shrinks.

        >>> lazyimage.Recipe().rotate(-90)
        Recipe().rotate(270)
        >>> lazyimage.Recipe().rotate(12.5, background="black")
        Recipe().rotate(12.5, background="#000000")
        """
        return self._step(steps.rotate(degrees, background, kernel))

    def flip_h(self) -> Self:
        """Mirror: left becomes right."""
        return self._step(("flip_h",))

    def flip_v(self) -> Self:
        """Mirror: top becomes bottom."""
        return self._step(("flip_v",))

    def transpose(self) -> Self:
        """Mirror at the diagonal from the upper left: rows become columns."""
        return self._step(("transpose",))

    def grayscale(self) -> Self:
        """Rec. 709 luma, 0.2126 R + 0.7152 G + 0.0722 B, of encoded values; keeps alpha."""
        return self._step(("grayscale",))

    def brightness(self, value: float) -> Self:
        """Add value · 2.55 to each sample (value −100 to 100); alpha is untouched.

        >>> lazyimage.Recipe().brightness(12.5)
        Recipe().brightness(12.5)
        """
        return self._step(steps.adjustment("brightness", value))

    def contrast(self, value: float) -> Self:
        """Scale samples by ((100 + value) / 100)² about 127.5 (value −100 to 100)."""
        return self._step(steps.adjustment("contrast", value))

    def saturation(self, value: float) -> Self:
        """Mix each pixel with its Rec. 709 luma (value −100 to 100); alpha is untouched.

        −100 leaves gray, 0 changes nothing, 100 doubles the distance to gray. Rounded once.
        """
        return self._step(steps.adjustment("saturation", value))

    def gamma(self, value: float) -> Self:
        """255 · (sample / 255)^(1 / value), rounded once (value 0.01 to 100): above 1 lighter.

        >>> lazyimage.Recipe().gamma(2.2)
        Recipe().gamma(2.2)
        """
        return self._step(steps.gamma(value))

    def flatten(self, background: Color = "white") -> Self:
        """Lay the picture over an opaque colour; what has no alpha stays as it is.

        Gray with alpha stays gray over a gray, and becomes RGB over any other colour. A
        colour that is not opaque is E400.

        >>> lazyimage.Recipe().flatten("navy")
        Recipe().flatten(background="#000080")
        """
        return self._step(steps.flatten(background))

    def pad(
        self,
        *sides: int,
        left: int | None = None,
        top: int | None = None,
        right: int | None = None,
        bottom: int | None = None,
        background: Color = "white",
    ) -> Self:
        """Put rows and columns (0 to 65535) of a colour around the picture.

        sides: one number for all four; two for left and right, top and bottom; or left, top,
        right, bottom. A side that is named is what it is named, one not given at all is 0.
        background: "#rrggbb", "#rrggbbaa", "#rgb", a name of CSS, "transparent", or three or
        four numbers 0 to 255. A picture that cannot hold the colour gets the layout that can:
        RGB for one that is no gray, alpha for one that is not opaque.

        >>> lazyimage.Recipe().pad(10, 20, background="transparent")
        Recipe().pad(10, 20, 10, 20, background="#00000000")
        """
        named = {"left": left, "top": top, "right": right, "bottom": bottom}
        return self._step(steps.pad(*steps.sides_of(sides, named), background))

    def blur(self, sigma: float) -> Self:
        """A Gaussian blur (sigma 0.1 to 100 pixels), cut off at three sigmas.

        Past an edge the last row or column goes on. Alpha is premultiplied around it. It
        streams: 6 sigma + 9 rows are held.

        >>> lazyimage.Recipe().blur(2)
        Recipe().blur(2)
        """
        return self._step(steps.blur(sigma))

    def sharpen(self, amount: float = 1, radius: float = 1, threshold: int = 0) -> Self:
        """Add amount (0 to 10) times what blur(radius) takes away: an unsharp mask.

        Samples that differ from the blur by no more than threshold levels (0 to 255) stay.
        Alpha is untouched.

        >>> lazyimage.Recipe().sharpen(0.5, radius=2)
        Recipe().sharpen(amount=0.5, radius=2)
        """
        return self._step(steps.sharpen(amount, radius, threshold))

    def trim(self, threshold: int = 10) -> Self:
        """Cut off the border: what is as the upper left pixel, on all four sides.

        A pixel is border if each of its channels is within threshold levels (0 to 254) of
        that pixel's; colours count by their alpha. It is libvips' find_trim without its
        median filter: one other pixel ends the border. A picture that is nothing but border
        stays as it is. The size is known only once the pixels have been looked at, in a
        run of its own that streams: estimate() and explain() make it, too.

        >>> lazyimage.Recipe().trim(20)
        Recipe().trim(threshold=20)
        """
        return self._step(steps.trim(threshold))

    def overlay(
        self,
        source: Any,
        *,
        position: Place = "center",
        opacity: float = 1.0,
        tile: bool = False,
    ) -> Self:
        """Lay a picture over this one: a watermark, a logo.

        source: an Engine, with its steps, or what lazyimage.open() takes. position: one of
        the nine of resize(), or (x, y) of its upper left corner; what sticks out is cut off.
        opacity: 0 to 1, times its alpha. tile=True repeats it in all directions from there.
        "Over" in encoded values, rounded once; colours over gray make RGB.
        Its rows are pulled beside those below, so neither is held: for tiles it is held up
        to 4 MiB of pixels, and decoded again for each row of tiles above that. The limits of
        both hold for it. A recipe names it by its path, or holds its bytes.

        >>> logo = lazyimage.Engine.from_path("photo.jpg").resize(64)
        >>> engine = lazyimage.Engine.from_path("photo.jpg")
        >>> engine.overlay(logo, position="bottom-right", opacity=0.5).to_buffer("png").width
        640
        """
        return self._step(steps.overlay(source, position, opacity, tile))

    def convert(self, mode: Mode) -> Self:
        """Change the samples to "L", "LA", "RGB" or "RGBA"; others are E210.

        Gray is Rec. 709 luma; alpha that is dropped is dropped, alpha that is new is 255.

        >>> lazyimage.Recipe().convert("RGBA")
        Recipe().convert("RGBA")
        """
        return self._step(steps.convert(mode))

    def ensure_rgb(self) -> Self:
        """convert("RGB")."""
        return self.convert("RGB")

    def normalize_pixel_format(self) -> Self:
        """convert("RGB"), under the name that it has in lazy-image."""
        return self.convert("RGB")

    def auto_orient(self, enabled: bool = True) -> Self:
        """Apply the file's EXIF orientation before the first step: on unless set False.

        >>> lazyimage.Recipe().auto_orient(False)
        Recipe().auto_orient(False)
        """
        return self._setting(auto_orient=enabled)

    def keep_metadata(
        self, icc: bool = True, exif: bool = False, xmp: bool = False, strip_gps: bool = True
    ) -> Self:
        """Carry metadata into outputs; without this call all of it is stripped.

        icc: the colour profile, and colours as it has them; where it no longer fits (of a
        picture that became gray, of inks) they become sRGB instead. exif: the EXIF block, and
        how dense pixels are (JFIF, pHYs). xmp: the XMP packet. EXIF and XMP are written
        anew: orientation becomes 1 where it was applied, sizes are the output's, thumbnails,
        maker notes and what nothing points to are left out. strip_gps removes the position
        itself, from both. What is damaged, or has no place in the format, is left out with
        a warning. The last call wins; keep_metadata(icc=False) is the default again.

        >>> lazyimage.Recipe().keep_metadata(exif=True)
        Recipe().keep_metadata(exif=True)
        """
        return self._setting(keep={"icc": icc, "exif": exif, "xmp": xmp, "strip_gps": strip_gps})

    def sanitize(self, policy: Policy = "strict") -> Self:
        """Set the limits of a policy for files that strangers send.

        "strict": 40 MP, sides to 16384, 32 MiB of file, 1 MiB of metadata, 256 MiB of
        memory, 5 s, no ICC profile. "public-upload": the same, but a profile that is valid
        and at most 512 KiB is kept, another stripped. "lenient": 75 MP, 48 MiB, 30 s, a
        profile of 512 KiB at most. "strict" and "public-upload" read the file privately
        instead of mapping it, and let no other metadata through, whatever keep_metadata()
        says. What limits() has set for the same thing before is replaced; limits()
        afterwards changes the policy. Unknown policy: E402.

        >>> lazyimage.Recipe().sanitize("strict").limits(timeout=10)
        Recipe().sanitize("strict").limits(timeout=10.0)
        """
        return self._setting(policy=policy)

    def limits(
        self,
        *,
        max_input_bytes: int | None = UNSET,
        max_pixels: int | None = UNSET,
        max_side: int | None = UNSET,
        max_metadata: int | None = UNSET,
        max_memory: int | None = UNSET,
        timeout: float | None = UNSET,
        formats: Iterable[str] | None = UNSET,
        max_output_pixels: int | None = UNSET,
        max_pixels_per_byte: int | None = UNSET,
        max_scans: int | None = UNSET,
        max_segments: int | None = UNSET,
        max_items: int | None = UNSET,
    ) -> Self:
        """What a job refuses; a value equal to its limit passes.

        None or 0 switches a limit off, one that is left out stays as it is. Defaults: 1 GiB
        of input, 268402689 pixels in and out, sides to 65535, 10 MiB of each metadata,
        100 scans, 4096 segments, 1024 items, half of the memory that the process may use
        (in run() its budget instead), no timeout (in seconds), every format.
        max_pixels_per_byte (off) is looked at above 4 MP. A refusal is a LimitError (E121
        to E125) that names the value and the limit. docs/notes/limits.md has them all.

        >>> lazyimage.Recipe().limits(max_pixels=50_000_000, formats=["jpg", "png"])
        Recipe().limits(formats=['jpeg', 'png'], max_pixels=50000000)
        """
        given = {
            "max_input_bytes": max_input_bytes,
            "max_pixels": max_pixels,
            "max_side": max_side,
            "max_metadata": max_metadata,
            "max_memory": max_memory,
            "timeout": timeout,
            "formats": formats,
            "max_output_pixels": max_output_pixels,
            "max_pixels_per_byte": max_pixels_per_byte,
            "max_scans": max_scans,
            "max_segments": max_segments,
            "max_items": max_items,
        }
        named = {name: value for name, value in given.items() if value is not UNSET}
        return self._setting(limits=named)

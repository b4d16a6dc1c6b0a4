"""Layers: the second picture of an overlay, as a value that a recipe can hold.

Layer: above recipe and source; loaded on use. The idea: what an Engine is to a user, a Layer is
to a recipe: equal, hashed and written down by what the picture is, not by which object it is.
"""

from __future__ import annotations

from lazyimage import source as sources
from lazyimage.checks import type_name
from lazyimage.errors import InvalidArgumentError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Never, Self

    from lazyimage import _core
    from lazyimage.recipe import Recipe


HINT = "its source is as Recipe.to_json() writes it: with a path, bytes or pixels"


class Layer:
    """A source with a recipe. Paths are named, bytes and pixels are held."""

    __slots__ = ("_digest", "origin", "recipe")

    origin: sources.Origin
    recipe: Recipe
    _digest: bytes | None

    def __new__(cls, origin: sources.Origin, recipe: Recipe) -> Self:
        """The origin and the recipe of an Engine."""
        self = super().__new__(cls)
        object.__setattr__(self, "origin", origin)
        object.__setattr__(self, "recipe", recipe)
        object.__setattr__(self, "_digest", None)
        return self

    def __setattr__(self, name: str, value: object) -> Never:
        raise AttributeError(f"a Layer does not change; {name} cannot be set")

    @property
    def depth(self) -> int:
        """How many overlays lie on each other here, this one among them."""
        layers = (step[1].depth for step in self.recipe.steps if step[0] == "overlay")
        return 1 + max(layers, default=0)

    def native(self) -> tuple[_core.Source, dict[str, Any]]:
        """What the core opens and does."""
        from lazyimage import request

        return self.origin.core, request.pixels_request(self.recipe, None)

    @property
    def key(self) -> tuple[Any, ...]:
        """Equal for equal pictures: a path by its name, bytes and pixels by their digest."""
        origin = self.origin
        if origin.kind == "path":
            return "path", origin.io, origin.path, origin.salvage
        if origin.kind == "file":
            return "file", id(origin)
        if self._digest is None:
            import hashlib

            view = memoryview(origin.data)
            plain = view.c_contiguous and view.format in ("B", "H")
            data = view.cast("B") if plain else view.tobytes()
            object.__setattr__(self, "_digest", hashlib.sha256(data).digest())
        shape = memoryview(origin.data).shape if origin.kind == "pixels" else None
        return origin.kind, origin.io, origin.mode, shape, origin.salvage, self._digest

    def to_object(self) -> dict[str, Any]:
        """What JSON holds: the path, or the bytes themselves."""
        kind, io, *payload = self.origin.pickled()
        named: dict[str, Any] = {"path": payload[0]} if kind == "path" else {}
        if kind != "path":
            from base64 import b64encode

            named = {kind: b64encode(payload[0]).decode("ascii")}
        if kind == "pixels":
            named |= {"shape": list(payload[1]), "mode": payload[2]}
            named |= {"dtype": payload[4]} if payload[4] != "uint8" else {}
        if io != "auto":
            named["io"] = io
        if self.origin.salvage:
            named["salvage"] = True
        recipe = self.recipe._objects()
        return {**named, "recipe": recipe} if recipe["steps"] or len(recipe) > 2 else named

    def __repr__(self) -> str:
        return self.origin.code() + self.recipe.code()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Layer):
            return NotImplemented
        return self.recipe == other.recipe and self.key == other.key

    def __hash__(self) -> int:
        return hash((self.key, self.recipe))

    def __reduce__(self) -> tuple[Any, ...]:
        return unpickled, (self.origin.pickled(), self.recipe)


def unpickled(origin: tuple[Any, ...], recipe: Recipe) -> Layer:
    """Undo Layer.__reduce__()."""
    return Layer(sources.unpickled(*origin), recipe)


def make_layer(subject: Any) -> Layer:
    """Of an Engine, or of whatever lazyimage.open() takes."""
    from lazyimage.engine import Engine
    from lazyimage.recipe import Recipe

    if isinstance(subject, Layer):
        return subject
    if not isinstance(subject, Engine):
        return Layer(sources.from_any(subject, "auto"), Recipe())
    return Layer(subject._origin, subject.recipe)


def layer_of_object(data: Any) -> Layer:
    """Undo Layer.to_object(). A file need not be there until a job opens it."""
    from lazyimage.recipe import Recipe

    if not isinstance(data, dict):
        raise InvalidArgumentError(
            f"recipe: an overlay's source must be an object, not {type_name(data)}",
            step="overlay",
            hint=HINT,
        )
    rest = dict(data)
    recipe = rest.pop("recipe", None)
    try:
        origin = origin_of(rest)
    except (TypeError, ValueError, KeyError) as error:
        raise InvalidArgumentError(
            f"recipe: an overlay's source: {error}", step="overlay", hint=HINT
        ) from error
    return Layer(origin, Recipe() if recipe is None else recipe_of(recipe))


def recipe_of(data: Any) -> Recipe:
    """The recipe inside a layer."""
    from lazyimage.recipe import VERSION, Recipe

    if not isinstance(data, dict) or data.get("lazyimage") != VERSION:
        raise InvalidArgumentError(
            f'recipe: "lazyimage" of an overlay is not {VERSION}', step="overlay", hint=HINT
        )
    return Recipe._from_objects(data)


def origin_of(data: dict[str, Any]) -> sources.Origin:
    """The source inside a layer."""
    from base64 import b64decode

    io, salvage = sources.check_io(data.pop("io", "auto")), data.pop("salvage", False)
    names = set(data)
    if names == {"path"}:
        path = sources.absolute_path(data["path"], "overlay()")
        return sources.path_origin(path, io).salvaging(salvage, "overlay")
    if names == {"bytes"}:
        origin = sources.bytes_origin(b64decode(data["bytes"], validate=True), io)
        return origin.salvaging(salvage, "overlay")
    if names - {"dtype"} == {"pixels", "shape", "mode"}:
        samples = b64decode(data["pixels"], validate=True)
        view = sources.unpacked(samples, data["shape"], data.get("dtype", "uint8"))
        return sources.from_pixels(view, data["mode"]).salvaging(salvage, "overlay")
    raise ValueError(f"there must be a path, bytes or pixels, not {sorted(names)}")

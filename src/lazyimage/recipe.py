"""Recipe: steps and settings without a source, as an immutable value.

Layer: above chain, below engine. The idea: a recipe is five plain fields; equality, hash,
JSON, pickle, fingerprint and repr all follow from them.
"""

from __future__ import annotations

from lazyimage import settings, steps
from lazyimage.chain import Chain
from lazyimage.checks import as_flag, listed, type_name
from lazyimage.errors import InvalidArgumentError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Never, Self

    from lazyimage.engine import Engine, Io

VERSION = 1
"""Of the JSON form; a reader refuses any other."""
HINT = "a recipe is what Recipe.to_json() writes"


class Recipe(Chain):
    """What to do with a picture, without the picture: hashable, picklable, JSON.

    >>> card = lazyimage.Recipe().resize(1200, 630, fit="cover").grayscale()
    >>> card.open("photo.jpg").to_buffer("png").width
    1200
    >>> card == lazyimage.Recipe.from_json(card.to_json())
    True
    """

    __slots__ = ("_auto_orient", "_keep", "_limits", "_policy", "_steps")

    _steps: tuple[steps.Step, ...]
    _auto_orient: bool
    _policy: str | None
    _limits: settings.Limits
    _keep: settings.Keep

    def __new__(cls) -> Self:
        """No steps, and every setting at its default."""
        return cls._make((), True, None, ())

    @classmethod
    def _make(
        cls,
        chain: tuple[steps.Step, ...],
        auto_orient: bool,
        policy: str | None,
        limits: settings.Limits,
        keep: settings.Keep = settings.KEEP_NOTHING,
    ) -> Self:
        self = super().__new__(cls)
        for name, value in (
            ("_steps", chain),
            ("_auto_orient", auto_orient),
            ("_policy", policy),
            ("_limits", limits),
            ("_keep", keep),
        ):
            object.__setattr__(self, name, value)
        return self

    def __setattr__(self, name: str, value: object) -> Never:
        raise AttributeError(f"a Recipe does not change; {name} cannot be set")

    def __delattr__(self, name: str) -> Never:
        raise AttributeError(f"a Recipe does not change; {name} cannot be deleted")

    @property
    def _fields(self) -> tuple[Any, ...]:
        return self._steps, self._auto_orient, self._policy, self._limits, self._keep

    def _step(self, step: steps.Step) -> Self:
        return self._make((*self._steps, step), *self._fields[1:])

    def _setting(self, **changes: Any) -> Self:
        chain, auto_orient, policy, own, keep = self._fields
        if "auto_orient" in changes:
            auto_orient = as_flag(changes["auto_orient"], "auto_orient: enabled")
        if "policy" in changes:
            policy = settings.check_policy(changes["policy"])
            named = settings.POLICIES[policy]
            own = tuple(pair for pair in own if pair[0] not in named)
        if "limits" in changes:
            own = {**dict(own), **settings.check_limits(changes["limits"])}
            own = tuple(sorted(own.items()))
        if "keep" in changes:
            keep = settings.check_keep(changes["keep"])
        return self._make(chain, auto_orient, policy, own, keep)

    def without_steps(self) -> Self:
        """The settings alone.

        >>> lazyimage.Recipe().limits(timeout=2).resize(800).without_steps()
        Recipe().limits(timeout=2.0)
        """
        return self._make((), *self._fields[1:])

    @property
    def steps(self) -> tuple[steps.Step, ...]:
        """Each step as a tuple, its name first, everything filled in.

        >>> lazyimage.Recipe().crop(0, 0, 8, 8).flip_h().steps
        (('crop', 0, 0, 8, 8), ('flip_h',))
        """
        return self._steps

    @property
    def orients(self) -> bool:
        """Whether EXIF orientation is applied: what auto_orient() has set."""
        return self._auto_orient

    @property
    def policy(self) -> str | None:
        """The policy that sanitize() has set, or None."""
        return self._policy

    @property
    def keeps(self) -> settings.Keep:
        """What keep_metadata() has set: ICC, EXIF, XMP, and whether places are stripped."""
        return self._keep

    @property
    def effective_limits(self) -> dict[str, Any]:
        """Every limit that is set, policy and limits() together; 0 is off."""
        return settings.effective_limits(self._policy, self._limits)

    def open(self, source: object, *, io: Io = "auto", salvage: bool = False) -> Engine:
        """An Engine with this recipe over a path, bytes, a file object or pixels.

        io, salvage: as of Engine.from_path(). They are the source's, and no part of the
        recipe.

        >>> lazyimage.Recipe().resize(64).open("photo.jpg").to_buffer("jpeg").width
        64
        """
        from lazyimage.engine import open_with

        return open_with(source, self, io, salvage)

    def _objects(self) -> dict[str, Any]:
        """What JSON holds. Settings at their defaults are left out, so that a setting of a
        later version does not change the fingerprint of a recipe that never used it.
        """
        data: dict[str, Any] = {
            "lazyimage": VERSION,
            "steps": [steps.to_object(step) for step in self._steps],
        }
        if not self._auto_orient:
            data["auto_orient"] = False
        if self._policy:
            data["policy"] = self._policy
        if self._limits:
            data["limits"] = dict(self._limits)
        if self._keep != settings.KEEP_NOTHING:
            data["keep"] = settings.keep_objects(self._keep)
        return data

    def to_json(self) -> str:
        """Canonical JSON: equal recipes give equal text.

        >>> lazyimage.Recipe().rotate(90).to_json()
        '{"lazyimage":1,"steps":[{"degrees":90,"step":"rotate"}]}'
        """
        import json

        return json.dumps(self._objects(), sort_keys=True, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Undo to_json(). Everything is checked as if it were written by hand: E400 where
        it is no recipe, the step's own error where a value is wrong.
        """
        import json

        if not isinstance(text, (str, bytes, bytearray)):
            raise TypeError(f"from_json() needs a string, not {type_name(text)}")
        try:
            data = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise InvalidArgumentError(f"recipe: this is not JSON: {error}", hint=HINT) from error
        if not isinstance(data, dict) or data.get("lazyimage") != VERSION:
            raise InvalidArgumentError(f'recipe: "lazyimage" is not {VERSION}', hint=HINT)
        return cls._from_objects(data)

    @classmethod
    def _from_objects(cls, data: Mapping[str, Any]) -> Self:
        if extra := sorted(set(data) - {*JSON_TYPES, "lazyimage"}):
            raise InvalidArgumentError(
                f"recipe: there is no setting {extra[0]!r}", hint=f"there are {listed(JSON_TYPES)}"
            )
        for name, kind in JSON_TYPES.items():
            if not isinstance(data.get(name, kind()), kind):
                raise InvalidArgumentError(f'recipe: "{name}" must be a {kind.__name__}', hint=HINT)
        self = cls()
        try:
            for step in data.get("steps", ()):
                self = self._step(steps.from_object(step))
            for name in ("auto_orient", "policy", "limits", "keep"):
                if name in data:
                    self = self._setting(**{name: data[name]})
        except TypeError as error:
            raise InvalidArgumentError(f"recipe: {error}", hint=HINT) from error
        return self

    def fingerprint(self) -> str:
        """SHA-256 of to_json(), in hexadecimal: equal for equal recipes, in any process.

        >>> lazyimage.Recipe().flip_h().fingerprint()[:16]
        'bf16226cbeb89d70'
        """
        import hashlib

        return hashlib.sha256(self.to_json().encode()).hexdigest()

    def code(self) -> str:
        """The calls that make this recipe: '.resize(800).limits(timeout=2.0)'."""
        text = "".join(steps.step_code(step) for step in self._steps)
        if not self._auto_orient:
            text += ".auto_orient(False)"
        if self._policy:
            text += f'.sanitize("{self._policy}")'
        if self._limits:
            text += f".limits({settings.limits_code(dict(self._limits))})"
        if self._keep != settings.KEEP_NOTHING:
            flags = settings.keep_objects(self._keep).items()
            text += f".keep_metadata({', '.join(f'{name}={flag}' for name, flag in flags)})"
        return text

    def __repr__(self) -> str:
        return f"Recipe(){self.code()}"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Recipe):
            return NotImplemented
        return self._fields == other._fields

    def __hash__(self) -> int:
        return hash(self._fields)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self)._make, self._fields


JSON_TYPES: dict[str, type] = {
    "steps": list,
    "auto_orient": bool,
    "policy": str,
    "limits": dict,
    "keep": dict,
}

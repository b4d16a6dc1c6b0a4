"""The AVIF codec: an extension of its own, imported by the core when a job first needs it.

Private: there is nothing here to call.
"""

from typing import Any, Final

codec: Final[Any]
"""A capsule that the core opens; it refuses one of another build."""

"""The versioned name of a controller and its parameters, stored with every result."""

from __future__ import annotations

import json
from dataclasses import dataclass

Value = float | int | str | bool


@dataclass(frozen=True, slots=True)
class ControllerSpec:
    """
    A controller as a run needs it.

    Parameters
    ----------
    id : str
        Versioned id, such as ``max-pressure-v1``: other behaviour is another version.
    params : tuple of (str, value)
        The parameters that differ from their defaults, sorted by name.
    """

    id: str
    params: tuple[tuple[str, Value], ...] = ()

    @property
    def name(self) -> str:
        """The id without its version."""
        return self.id.rpartition("-v")[0] or self.id

    @property
    def label(self) -> str:
        """A short text for tables."""
        given = ",".join(f"{key}={value}" for key, value in self.params)
        return f"{self.name}:{given}" if given else self.name

    def to_json(self) -> str:
        """
        Write the spec as JSON.

        Returns
        -------
        str
            One line, keys in a fixed order.
        """
        return json.dumps({"id": self.id, "params": dict(self.params)}, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> ControllerSpec:
        """
        Read what `to_json` wrote.

        Parameters
        ----------
        text : str
            The JSON.

        Returns
        -------
        ControllerSpec
            The spec.
        """
        data = json.loads(text)
        return cls(data["id"], tuple(sorted(data["params"].items())))

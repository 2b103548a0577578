"""What of a flow stands in the configuration."""

from __future__ import annotations

from pydantic import Field, model_validator

from gateway.rules.triggers import Trigger


class FlowTrigger(Trigger):
    """A flow, and what sets it off; `none` switches it off."""

    file: str = Field(min_length=1, max_length=1000)

    @model_validator(mode="after")
    def _is_a_file_of_a_flow(self) -> FlowTrigger:
        if not self.file.lower().endswith((".toml", ".json")):
            raise ValueError(
                f'file = {self.file!r} is no file of a flow: it ends in .toml or .json, e.g. "clinica.toml"'
            )
        return self

"""All modes: the settings of each, by the name that `--auth` takes."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from dataset_assets.interfaces.web.access.local import LocalSettings
from dataset_assets.interfaces.web.access.signed_assertion import IapSettings
from dataset_assets.interfaces.web.access.token import TokenSettings
from dataset_assets.interfaces.web.access.trusted_proxy import ProxySettings

AnyMode = LocalSettings | TokenSettings | ProxySettings | IapSettings

MODES: Mapping[str, type[AnyMode]] = {
    "none": LocalSettings,
    "token": TokenSettings,
    "proxy": ProxySettings,
    "iap": IapSettings,
}
"""Name of a mode → its settings."""

Access = Annotated[AnyMode, Field(discriminator="mode")]
"""The settings of one mode."""

"""Binds the name of a target to its resolvers, engine and warehouse."""

from pathlib import Path

from dataset_assets.adapters.targets.environment import Settings

PROJECT = Path(__file__).resolve().parent.parent
"""The folder at which names in `resources/targets/` and relative paths in targets begin."""


def settings() -> Settings:
    """Read the environment: the target, the definitions, and who hears of failures."""
    return Settings.from_env(project=PROJECT)

"""Which Chromium the tests drive, and what they say without one."""

import os
import shutil

REQUIRED = os.environ.get("DATASET_ASSETS_BROWSER") == "required"
"""Whether the tests fail without a browser; else they are not collected."""
MISSING = "no Chromium: tests/browser is not collected; install Debian's package `chromium`"


def chromium_path() -> str | None:
    """Return the path of the browser; None if there is none."""
    return shutil.which("chromium") or shutil.which("chromium-browser")

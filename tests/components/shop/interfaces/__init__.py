"""The shop's own package of this name: what its other programs call."""

OWNER = "shop"

"""The shop's own package of this name: connections to its systems."""

OWNER = "shop"

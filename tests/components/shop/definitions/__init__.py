"""The shop's own package of this name: what its business words mean."""

OWNER = "shop"

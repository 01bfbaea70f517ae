"""Hooks of schemathesis: half of the requests name what exists, and 422 of a valid form is about a rule."""

from zlib import crc32

import schemathesis

EXISTING = {
    "dataset_id": ("sales", "profiles", "products", "01a2001c-5bae-7b91-b4bb-a18b13ce11ed"),
    "table_name": ("transactions", "retail/households", "households"),
    "model_id": ("recommender",),
}


@schemathesis.hook
def map_path_parameters(_context, path_parameters):
    """Let every second request name something that exists."""
    for name, known in EXISTING.items():
        if path_parameters and name in path_parameters:
            number = crc32(repr(path_parameters[name]).encode())
            if number % 2:
                path_parameters[name] = known[number // 2 % len(known)]
    return path_parameters


@schemathesis.check
def refused_by_a_rule(_context, response, case) -> None:
    """A request of the declared form is refused with 422 only because it breaks a rule of the library."""
    meta = case.meta
    if response.status_code == 422 and meta is not None and meta.generation.mode.is_positive:
        problem = response.json()
        rule = (
            problem["type"].startswith("urn:dataset-assets:") or "either `definition` or" in problem["detail"]
        )
        assert rule or "Idempotency-Key" in problem["detail"], problem

"""The routes of the pages about one dataset and its data, and of the page of an operation."""

from fastapi import APIRouter

from dataset_assets.interfaces.web.pages import (
    analysis,
    comparison,
    dataset,
    materialize,
    operation,
    preview,
    sql,
)

router = APIRouter()
for _pages in (dataset, preview, analysis, comparison, sql, materialize, operation):
    router.include_router(_pages.router)

"""All pages that change the file of a dataset."""

from fastapi import APIRouter

from dataset_assets.interfaces.web.pages.changing import edit, life

router = APIRouter()
router.include_router(edit.router)
router.include_router(life.router)

"""The API of datasets: list, create, get, change and delete (Domain)."""

from fastapi import APIRouter, Response

from dataset_assets.interfaces.answers.datasets import DatasetAnswer, dataset_answer
from dataset_assets.interfaces.web.entity_tags import entity_tag
from dataset_assets.interfaces.web.envelope import Success
from dataset_assets.interfaces.web.identity import Reader
from dataset_assets.interfaces.web.state import State
from dataset_assets.lifecycle.changes import file_text
from dataset_assets.lifecycle.listing import DatasetList, list_datasets

router = APIRouter(tags=["datasets"])


@router.get("/models/{model_id}/datasets/")
def list_of_model(model_id: str, state: State, _who: Reader) -> Success[DatasetList]:
    """List the datasets of a model."""
    return Success(data=list_datasets(state.catalog, lambda: state.target, ml_model=model_id))


@router.get("/datasets/{dataset_id}/")
def get(dataset_id: str, state: State, _who: Reader, response: Response) -> Success[DatasetAnswer]:
    """Return a dataset. The ETag is that of its file."""
    catalog = state.catalog
    entry = catalog.entry(dataset_id)
    response.headers["ETag"] = entity_tag(file_text(entry))
    return Success(data=dataset_answer(catalog, entry, (), {}))

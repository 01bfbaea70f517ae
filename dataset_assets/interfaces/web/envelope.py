"""The form of all successful answers of the API: `{"status": "success", "data": …}` (Domain)."""

from typing import Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict

T = TypeVar("T")


class Success(BaseModel, Generic[T]):
    """A successful answer; `data` is what was asked for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    status: Literal["success"] = "success"
    data: T

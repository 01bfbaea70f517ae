"""The examples of docs/python.md run, those of PyTorch in tests/torch."""

from tests.interfaces.python_docs import publish_grocery_recommender, run_examples
from tests.interfaces.running import run_ok


def test_the_examples_run(retailer, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(retailer / "hf"))
    monkeypatch.chdir(retailer)
    run_ok("materialize", "profiles")
    publish_grocery_recommender(retailer / "definitions")
    arrow, hugging_face, notebook = run_examples(torch=False)
    assert arrow["state"]["position"] == arrow["epoch"].rows > 0
    assert list(arrow["again"]) == []
    assert list(hugging_face["recommender"]) == ["train", "eval"]
    assert set(hugging_face["first"]) == set(hugging_face["train"].column_names)
    assert len(notebook["frame"]) == hugging_face["recommender"]["train"].num_rows
    assert (retailer / "statistics.png").stat().st_size > 1000

"""What is written down of changes, and what is offered where the files are changed in git alone."""

import json
import threading
from pathlib import Path

import pytest

from dataset_assets.interfaces.web.access import audit_log
from dataset_assets.interfaces.web.access.audit_log import AuditLog
from tests.web.access.conftest import TOKENS
from tests.web.access.running_server import serving
from tests.web.access.shop import MARKER, PEOPLE, Shop, write_shop


@pytest.fixture
def own(tmp_path: Path) -> Shop:
    """A project of the test's own, which is not published."""
    return write_shop(tmp_path / "shop")


def lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_changes_and_refused_changes_are_written_down(own: Shop, token_file: Path, tmp_path: Path) -> None:
    audit = tmp_path / "audit.jsonl"
    auth = {"mode": "token", "tokens": token_file}
    with serving(own.workspace, auth=auth, audit_log=audit) as server:
        editor = {"Authorization": f"Bearer {TOKENS['ed']}"}
        answer = server.send("GET", "/api/datasets/people/", editor)
        tag = {"If-Match": answer.headers["etag"]}
        body = {"text": PEOPLE.replace("description: 'About", f"description: '{MARKER}")}
        changed = server.send("PUT", "/api/datasets/people/?secret=1", editor | tag, json=body)
        assert changed.status_code == 200, changed.text
        reader = {"Authorization": f"Bearer {TOKENS['rita']}"}
        assert server.send("DELETE", "/api/datasets/people/", reader | tag).status_code == 403
        assert server.send("DELETE", "/api/datasets/people/", editor | tag).status_code == 412
        assert (
            server.send("DELETE", "/api/datasets/people/", {"Origin": "http://evil.example"}).status_code
            == 403
        )
        assert server.send("POST", "/login", data={"token": "da_wrong"}).status_code == 401
    found = lines(audit)
    assert [(each["who"], each["method"], each["status"]) for each in found] == [
        ("ed", "PUT", 200), ("rita", "DELETE", 403), ("ed", "DELETE", 412),
        (None, "DELETE", 403), (None, "POST", 401),
    ]  # fmt: skip
    first, second = found[0], found[1]
    assert first["dataset"] == "people"
    assert first["before"] == tag["If-Match"].strip('"').split(".")[0]
    assert first["after"] == second["before"] == second["after"] != first["before"]
    text = audit.read_text()
    assert not any(each in text for each in (MARKER, "secret", "da_", *TOKENS.values()))
    assert audit.stat().st_mode & 0o077 == 0


def test_nothing_is_changed_without_a_log(own: Shop, tmp_path: Path) -> None:
    audit = tmp_path / "log" / "audit.jsonl"
    with serving(own.workspace, audit_log=audit) as server:
        audit.unlink()
        audit.mkdir()  # no file can be there any more
        before = own.state()
        answer = server.send("DELETE", "/api/datasets/people/", {"If-Match": "*"})
        assert (answer.status_code, own.state()) == (503, before)
        assert server.get("/").status_code == 200


def test_strangers_do_not_fill_the_log(own: Shop, tmp_path: Path) -> None:
    audit = tmp_path / "audit.jsonl"
    with serving(own.workspace, audit_log=audit) as server:
        for _ in range(130):
            server.send("POST", "/x", {"Origin": "http://evil.example"})
    assert len(lines(audit)) == 100


def test_lines_of_many_writers_are_whole_and_files_are_renamed(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    logs = [AuditLog(path, most_bytes=4_000) for _ in range(4)]

    def write(log: AuditLog, writer: int) -> None:
        for number in range(50):
            log.append({"writer": writer, "number": number})

    threads = [threading.Thread(target=write, args=(log, at)) for at, log in enumerate(logs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    files = [path, *tmp_path.glob("audit.jsonl.*")]
    written = [(each["writer"], each["number"]) for file in files for each in lines(file)]
    assert sorted(written) == [(writer, number) for writer in range(4) for number in range(50)]
    assert all(file.stat().st_size <= 4_000 for file in files)
    assert 1 < len(files) <= audit_log.KEPT + 1


def test_a_link_in_the_place_of_the_log_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "other").write_text("")
    (tmp_path / "audit.jsonl").symlink_to(tmp_path / "other")
    with pytest.raises(OSError, match="symbolic links"):
        AuditLog(tmp_path / "audit.jsonl").check()


def test_a_locked_project_offers_the_patch(tmp_path: Path) -> None:
    locked = write_shop(tmp_path / "shop", locked=True)
    before = locked.state()
    with serving(locked.workspace) as server:
        tag = {"If-Match": server.get("/api/datasets/people/").headers["etag"]}
        body = {"text": PEOPLE.replace("eval_days: 14", "eval_days: 7")}
        answer = server.send("PUT", "/api/datasets/people/", tag, json=body)
        assert answer.status_code == 403, answer.text
        patch = answer.json()["patch"]
    assert locked.state() == before
    assert "+  split_config: {strategy: time_based, eval_days: 7}" in patch


def test_a_page_shows_the_patch_and_lets_it_be_downloaded(own: Shop) -> None:
    from fastapi import APIRouter  # noqa: PLC0415 - of this test alone

    from dataset_assets.errors import Fault, ReadOnlyError  # noqa: PLC0415

    with serving(own.workspace) as server:
        router = APIRouter()

        @router.post("/refused")
        def refused() -> None:
            raise ReadOnlyError(Fault("the files are not changed here"), patch="-a <b>\n+c\n")

        server.app.include_router(router)
        answer = server.send("POST", "/refused")
        assert answer.status_code == 403
        assert '<pre tabindex="0">-a &lt;b&gt;\n+c\n</pre>' in answer.text
        address = answer.text.split('href="/patches/')[1].split('"')[0]
        sent = server.get(f"/patches/{address}")
        assert sent.text == "-a <b>\n+c\n"
        assert sent.headers["content-disposition"] == 'attachment; filename="change.patch"'
        assert server.get("/patches/other").status_code == 404


def test_a_fault_of_the_server_is_a_page_without_a_word_about_it(own: Shop) -> None:
    with serving(own.workspace) as server:

        @server.app.get("/broken")
        def broken() -> None:
            raise RuntimeError(MARKER)

        answer = server.get("/broken")
        assert answer.status_code == 500
        assert answer.headers["content-type"].startswith("text/html")
        assert MARKER not in answer.text
        assert "frame-ancestors" in answer.headers["content-security-policy"]

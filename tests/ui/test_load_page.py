"""Files from the browser: what is taken in, how they are read, and who may send them."""

from __future__ import annotations

import io
import shlex
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import typer
from dash import no_update

from explorer.cli.app import app as cli
from explorer.errors import SkillgraphError
from explorer.service.evidence import evidence
from explorer.service.loading import stale_after_load
from explorer.store.opening import open_store
from explorer.store.place import Place
from loaders.formats import load as load_dataset
from tests.ui.conftest import fill
from ui.app import create_app
from ui.calls import Cause
from ui.pages.load import callbacks
from ui.pages.load.answers import Asked, chosen, files_of, line_of, role_of, words_of
from ui.source import Source
from ui.work import tasks
from ui.work.tasks import LoadRun
from ui.work.uploads import Uploads, too_large

TICKET = "0123456789abcdef" * 2
NOTHING = Asked(None, False, {}, {})
NOWHERE = Place.of("nowhere.kgl")


def quiet(_stage: str, _done: int, _total: int) -> None:
    """Progress that nobody follows."""


@pytest.fixture
def uploads() -> Iterator[Uploads]:
    found = Uploads()
    yield found
    found.close()


def send(uploads: Uploads, **files: str) -> Any:
    for name, content in files.items():
        found = uploads.receive(TICKET, f"{name}.csv", io.BytesIO(content.encode()))
    return found


def test_a_file_is_kept_in_a_private_folder_until_it_is_forgotten(uploads: Uploads) -> None:
    found = send(uploads, a="x,y\n1,2\n")
    assert found.path("a.csv").read_text() == "x,y\n1,2\n"
    assert found.folder.stat().st_mode & 0o077 == 0
    assert uploads.find(TICKET) is found
    uploads.forget(TICKET)
    assert not found.folder.exists()
    assert uploads.find(TICKET) is None


@pytest.mark.parametrize("name", ["", ".", "..", ".bashrc", "a\x00b", "a\nb", "x" * 201])
def test_a_file_with_an_impossible_name_is_refused(uploads: Uploads, name: str) -> None:
    with pytest.raises(SkillgraphError, match="cannot be called"):
        uploads.receive(TICKET, name, io.BytesIO(b"x"))


def test_folders_in_a_name_are_left_out(uploads: Uploads) -> None:
    found = uploads.receive(TICKET, "../../etc/pass wd.csv", io.BytesIO(b"x"))
    assert [path.name for path in found.folder.iterdir()] == ["pass wd.csv"]


def test_more_than_fits_is_refused_with_the_command_and_leaves_nothing(
    uploads: Uploads, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ui.work.uploads.LARGEST", 10)
    found = send(uploads, a="12345678")
    for said in (None, "4", "400"):  # what the browser says may be missing or wrong
        with pytest.raises(SkillgraphError, match=r"skillgraph load b\.csv"):
            uploads.receive(TICKET, "b.csv", io.BytesIO(b"123"), at=said)
    assert [path.name for path in found.folder.iterdir()] == ["a.csv"]
    assert send(uploads, a="1234567890").files == {"a.csv": 10}  # in the place of the one before


def test_a_name_that_nobody_guesses_is_needed(uploads: Uploads) -> None:
    for ticket in ("", "../x", "ABC", "0" * 31):
        with pytest.raises(SkillgraphError, match="hexadecimal"):
            uploads.receive(ticket, "a.csv", io.BytesIO(b"x"))


def test_what_a_column_means_can_be_chosen_and_taken_back() -> None:
    once = chosen(NOTHING, ["column:a", "column:b"], ["text_column", None])
    assert once.options == {"text_column": "a"}
    assert chosen(once, ["column:a", "column:b"], [None, "text_column"]).options == {"text_column": "b"}
    assert chosen(once, ["column:a", "column:b"], [None, None]).options == {}
    assert chosen(NOTHING, ["format:edge-list"], ["edge-list"]).format is None  # it was found out, not asked for
    assert chosen(NOTHING, ["format:edge-list"], ["q-matrix"]).format == "q-matrix"


def test_files_beside_the_main_one_are_told_by_their_names() -> None:
    files = ["data.csv", "skills.csv", "outcomes.csv"]
    assert [role_of(name, NOTHING, files) for name in files] == ["main", "skills", "outcomes"]
    assert role_of("skills.csv", NOTHING, ["skills.csv"]) == "main"
    said = Asked(None, False, {}, {"skills.csv": "main"})
    assert role_of("skills.csv", said, files) == "main"
    some = ["texts.csv", "skills.csv"]
    assert "main" in [role_of(name, NOTHING, some) for name in some]


def test_the_command_is_one_that_the_command_line_takes() -> None:
    asked = Asked("edge-list", True, {"text_column": "the text"}, {})
    words = shlex.split(words_of(["my data.csv", "skills.csv"], asked, name="d", part="p", mode="append"))
    assert words[:3] == ["skillgraph", "load", "my data.csv"]
    load: Any = typer.main.get_command(cli).get_command(None, "load")  # type: ignore[attr-defined, arg-type]
    given = load.make_context("load", words[2:], resilient_parsing=False).params
    assert list(given["option"]) == ["skills=skills.csv", "text_column=the text"]
    assert (given["dataset"], given["part"], given["source_format"]) == ("d", "p", "edge-list")
    assert (given["append"], given["lenient"]) == (True, True)
    assert shlex.split(too_large("a b.csv").split("`")[1])[-1] == "a b.csv"


def test_alternatives_are_taken_as_they_are_typed() -> None:
    assert line_of("-o decimal=comma") == {"decimal": "comma"}
    assert line_of("a=b and c=d") == {"a": "b", "c": "d"}


def test_a_look_says_what_would_be_stored_and_does_not_name_the_folder(uploads: Uploads) -> None:
    upload = send(uploads, rows="id,skills\nq,a;b\nr,b\n")
    seen, _ = tasks.look(quiet, NOWHERE, files_of(upload, NOTHING), NOTHING)
    assert (seen.readings[0].texts, seen.readings[0].skills) == (2, 2)
    assert seen.columns == ("id", "skills")
    assert seen.rows == (("q", "a;b"), ("r", "b"))
    card = str(callbacks.reading_card(seen, NOTHING))
    assert "Would be stored" in card
    assert "text (detected)" in card
    assert "skills (detected)" in card
    upload = send(uploads, rows="x,y\n1,2\n3,4\n")
    seen, _ = tasks.look(quiet, NOWHERE, files_of(upload, NOTHING), NOTHING)
    assert seen.readings[0].problem.startswith("rows.csv: has columns 'x', 'y'")
    assert str(upload.folder) not in str(callbacks.reading_card(seen, NOTHING))


def test_outcomes_alone_are_read_beside_the_dataset_that_they_are_added_to(uploads: Uploads, tmp_path: Path) -> None:
    place = Place.of(str(tmp_path / "small.kgl"))
    known = load_dataset(send(uploads, first="text,skills\nq,a;b\nr,b\n").path("first.csv"), name="small")
    with closing(place.open("write")) as store:
        store.write_dataset(known.dataset)
    uploads.forget(TICKET)
    upload = send(uploads, rows="text,model,score\nq,m,1\nr,m,0\n")
    seen, _ = tasks.look(quiet, place, files_of(upload, NOTHING), NOTHING)
    assert "holds outcomes without skills" in seen.readings[0].problem
    seen, _ = tasks.look(quiet, place, files_of(upload, NOTHING), NOTHING, "small")
    assert (seen.into, seen.stale, seen.readings[0].attempts) == ("small", (), 2)
    card = str(callbacks.reading_card(seen, NOTHING))
    assert "1 model with 2 outcomes, on texts that 'small' has. No layer will be stale." in card
    lenient = Asked(None, True, {}, {})
    wrong = send(uploads, rows="text,model,score\nq,m,1\nr,m,0\nnowhere,m,1\n")
    seen, _ = tasks.look(quiet, place, files_of(wrong, lenient), lenient, "small")
    assert "stale. Left out: 1 row (unknown text)." in str(callbacks.reading_card(seen, lenient))
    upload = send(uploads, rows="text,model,score\nq,m,1\nr,m,0\n")
    run = LoadRun(files_of(upload, NOTHING), "small", append=True)
    assert tasks.load(quiet, place, run).added_outcomes == 2
    with closing(place.open("write")) as store:
        evidence(store, "small")
    uploads.forget(TICKET)
    upload = send(uploads, rows="text,model,score\nq,n,1\nr,n,0\n")
    seen, _ = tasks.look(quiet, place, files_of(upload, NOTHING), NOTHING, "small")
    assert seen.stale == ("m",)
    tasks.load(quiet, place, LoadRun(files_of(upload, NOTHING), "small", append=True))
    with closing(place.open("read")) as store:
        assert [info.name for info in store.layers("small") if info.stale] == ["m"]


def test_only_what_is_added_to_a_dataset_is_read_anew_under_another_name(uploads: Uploads) -> None:
    send(uploads, rows="id,skills\nq,a;b\n")
    source = cast(Source, SimpleNamespace(uploads=uploads))
    upload, named = {"ticket": TICKET}, Cause("ld-name", "other", ("ld-name.value",))
    assert callbacks.files(source, named, upload, None, "new", "other") == (no_update,) * 3
    *_, start = callbacks.files(source, named, upload, None, "append", "other")
    assert start["form"]["into"] == "other"
    *_, start = callbacks.files(source, Cause("ld-mode", "append", ("ld-mode.value",)), upload, None, "append", "")
    assert start["form"]["into"] == "rows"
    *_, start = callbacks.files(source, Cause("ld-mode", "new", ("ld-mode.value",)), upload, None, "new", "")
    assert "into" not in start["form"]


def test_files_are_loaded_appended_and_deleted(uploads: Uploads, tmp_path: Path) -> None:
    path = tmp_path / "new.kgl"
    open_store(path, mode="write").close()
    source = Source(path)
    upload = send(uploads, rows="id,skills\nq,a;b\nr,b\n")
    report = tasks.load(quiet, source.place, LoadRun(files_of(upload, NOTHING), "mine"))
    assert (report.dataset.texts, report.dataset.parts) == (2, ("rows",))
    assert uploads.find(TICKET) is None
    upload = send(uploads, wrong="id,skills\n,a\n")
    with pytest.raises(SkillgraphError) as refused:
        tasks.load(quiet, source.place, LoadRun(files_of(upload, NOTHING), "mine", append=True))
    assert str(upload.folder) not in str(refused.value)
    assert upload.path("wrong.csv").exists()  # to be read otherwise
    upload = send(uploads, wrong="id,skills\ns,c\n")
    report = tasks.load(quiet, source.place, LoadRun(files_of(upload, NOTHING, "more"), "mine", append=True))
    assert (report.dataset.texts, report.added_texts) == (3, 1)
    source.close()


def test_what_goes_stale_is_said_beforehand_as_it_then_comes(tmp_path: Path) -> None:
    """Against what the store says afterwards, for every way of loading."""
    more = "id,skills\nnew,b01;b02\n"
    for mode, part in (("append", "base"), ("append", "domain"), ("append", "third"), ("replace", "third")):
        path = tmp_path / f"{mode}-{part}.kgl"
        fill(path)
        source, uploads = Source(path), Uploads()
        said, disabled = callbacks._changes(source, "small", [part], mode)
        assert not disabled
        store = source.snapshot().store
        told = stale_after_load(store, "small", [part], append=mode == "append")
        source.close()
        upload = send(uploads, rows=more)
        what = LoadRun(files_of(upload, NOTHING, part), "small", append=mode == "append", replace=mode == "replace")
        report = tasks.load(quiet, Source(path).place, what)
        assert set(told) == set(report.stale_layers), (mode, part)
        assert all(name in said for name in told)
        uploads.close()


def test_the_page_says_what_it_will_do(store_path: Path) -> None:
    source = Source(store_path)
    source.uploads.receive(TICKET, "small.csv", io.BytesIO(b"id,skills\nq,a\n"))
    upload = {"ticket": TICKET}
    said, command, disabled, *_ = callbacks.before(source, "", "", "new", upload, None)
    assert disabled
    assert "already" in said
    assert command == "skillgraph load small.csv --dataset small"
    said, command, disabled, *_ = callbacks.before(source, "other", "", "new", upload, None)
    assert (said, disabled) == ("A new dataset 'other' will be made.", False)
    assert callbacks.before(source, "", "", "new", None, None)[2]
    way = Cause({"type": "ld-way", "option": "text_column=id"}, 1)
    assert callbacks.choose(source, way, [1], [], [], [], None)["options"] == {"text_column": "id"}
    source.close()


def test_only_who_may_sends_files(store_path: Path) -> None:
    address = f"/_files/{TICKET}?name=a.csv"
    locked = create_app(store_path, password="secret-enough")
    answer = locked.server.test_client().post(address, data=b"x", base_url="http://elsewhere")
    assert answer.status_code == 401
    app = create_app(store_path)
    client = app.server.test_client()
    assert client.post(address, data=b"x", base_url="http://elsewhere").status_code == 403
    foreign = {"Sec-Fetch-Site": "cross-site"}
    assert client.post(address, data=b"x", base_url="http://127.0.0.1", headers=foreign).status_code == 403
    answer = client.post(address, data=b"x", base_url="http://127.0.0.1")
    assert answer.json == {"files": [{"name": "a.csv", "size": 1}]}
    assert client.post("/_files/short?name=a.csv", data=b"x", base_url="http://127.0.0.1").status_code == 413
    assert client.delete(address, base_url="http://127.0.0.1").status_code == 204
    for found in (app, locked):
        found.server.extensions["skillgraph"].close()

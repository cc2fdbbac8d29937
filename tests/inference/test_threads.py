"""What is done before and behind a model, in other threads."""

import json
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest
from interrupted_runs import contents, write
from scene_models import PIXEL_CONV, SEGMENT_CONV3

from mmhsi.errors import DataError
from mmhsi.inference import SceneInferencer, SceneWarning
from mmhsi.inference.row_store import RowStore
from mmhsi.inference.scene_rows import SceneRows
from mmhsi.inference.threads import WAITING, Behind, ahead
from mmhsi.inference.window_model import WindowModel

SECONDS = 60


def test_items_are_made_one_ahead_in_another_thread() -> None:
    made, threads = threading.Semaphore(0), set()

    def items() -> Iterator[int]:
        for index in range(5):
            threads.add(threading.get_ident())
            made.release()
            yield index

    found = ahead(items())
    assert next(found) == 0
    assert made.acquire(timeout=SECONDS)
    assert made.acquire(timeout=SECONDS)  # the second one, for which nobody has asked
    assert not made.acquire(timeout=0.2)
    assert list(found) == [1, 2, 3, 4]
    assert threading.get_ident() not in threads
    assert len(threads) == 1


def test_an_error_comes_in_its_place_and_a_closed_iterator_ends_its_thread() -> None:
    def failing() -> Iterator[int]:
        yield 1
        yield 2
        raise DataError("the file ends")

    found = []
    with pytest.raises(DataError, match="the file ends"):
        found.extend(ahead(failing()))
    before = threading.active_count()
    with closing(ahead(iter(range(9)))) as some:
        assert next(some) == 0
        assert threading.active_count() == before + 1
    assert threading.active_count() == before


def test_jobs_are_done_in_order_some_at_a_time_and_none_after_one_that_fails() -> None:
    go, done = threading.Event(), []

    def job(number: int) -> None:
        assert go.wait(SECONDS)
        if number == 4:
            raise DataError("the disk is full")
        done.append(number)

    def submit(behind: Behind) -> None:
        for number in range(WAITING):
            behind.submit(job, number)
        threading.Timer(0.2, go.set).start()
        assert not done
        for number in range(WAITING, 9):
            behind.submit(job, number)
            assert len(done) >= number + 1 - WAITING  # it has waited for those before

    with pytest.raises(DataError, match="the disk is full"), Behind() as behind:
        submit(behind)
    assert done == [0, 1, 2, 3]


def test_the_last_jobs_are_waited_for_and_their_errors_raised() -> None:
    def fail() -> None:
        raise DataError("the disk is full")

    with pytest.raises(DataError, match="the disk is full"), Behind() as behind:
        behind.submit(fail)
    done = []

    def interrupted(behind: Behind) -> None:
        behind.submit(threading.Event().wait, 0.2)
        behind.submit(done.append, 1)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), Behind() as behind:
        interrupted(behind)
    assert done == [1]


@pytest.mark.filterwarnings("ignore::mmhsi.inference.SceneWarning")
@pytest.mark.parametrize("model", [PIXEL_CONV, SEGMENT_CONV3], ids=["pixel", "segment"])
def test_the_model_works_in_the_caller_s_thread_and_what_reads_and_writes_in_others(
    trained, long_scene, tmp_path, often, monkeypatch, model
) -> None:
    seen = {}

    def watch(owner: type, name: str) -> None:
        before = getattr(owner, name)

        def watched(*given, **named):
            seen.setdefault(name, set()).add(threading.get_ident())
            return before(*given, **named)

        monkeypatch.setattr(owner, name, watched)

    for owner, name in ((WindowModel, "__call__"), (SceneRows, "_read"), (SceneRows, "take"), (RowStore, "append")):
        watch(owner, name)
    config, checkpoint, _ = trained(model, window=[9, 9])
    write(SceneInferencer(config, checkpoint), long_scene, tmp_path / "maps")
    assert seen["__call__"] == {threading.get_ident()}
    assert {len(found) for found in seen.values()} == {1}
    assert len(set.union(*seen.values())) == 4


@pytest.mark.filterwarnings("ignore::mmhsi.inference.SceneWarning")
@pytest.mark.parametrize("error", [DataError("out of order"), KeyboardInterrupt()], ids=["error", "interrupt"])
@pytest.mark.parametrize("where", ["model", "reading", "writing"])
def test_an_error_in_any_thread_ends_a_map_that_is_resumed_to_the_same_bytes(
    trained, long_scene, tmp_path, often, monkeypatch, error, where
) -> None:
    config, checkpoint, _ = trained(SEGMENT_CONV3, window=[9, 9])
    inferencer = SceneInferencer(config, checkpoint, batch_size=4)
    write(inferencer, long_scene, tmp_path / "whole")
    owner, name = dict(model=(WindowModel, "__call__"), reading=(SceneRows, "take"), writing=(RowStore, "append"))[
        where
    ]
    before, calls, others = getattr(owner, name), [], set(threading.enumerate())  # Dask keeps its threads

    def failing(*given, **named):
        calls.append(1)
        if len(calls) == 12:
            raise error
        return before(*given, **named)

    with monkeypatch.context() as patch:
        patch.setattr(owner, name, failing)
        with pytest.raises(type(error)) as caught:
            write(inferencer, long_scene, tmp_path / "parts")
    assert isinstance(error, KeyboardInterrupt) or "out of order; " in str(caught.value)
    folder = tmp_path / "parts/map.tif.partial"
    assert 0 < json.loads((folder / "state.json").read_text())["rows"] < 90
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]
    write(inferencer, long_scene, tmp_path / "parts", resume=True)
    assert contents(tmp_path / "whole") == contents(tmp_path / "parts")
    left = set(threading.enumerate()) - others
    assert not [thread for thread in left if thread.name.startswith("ThreadPoolExecutor")]


def doubt(inferencer, path, work) -> None:
    """Do something with a scene about which there is a doubt."""
    with inferencer.open_scene(path) as rows:
        rows.look = lambda: "doubtful values"
        work(rows)


def test_doubts_about_values_are_said_once_also_of_a_scene_that_is_not_read(inferencer, long_scene, recwarn) -> None:
    def said() -> int:
        return sum(str(entry.message).startswith("doubtful") for entry in recwarn)

    doubt(inferencer, long_scene, lambda rows: None)
    assert said() == 1
    doubt(inferencer, long_scene, lambda rows: list(inferencer.predict_rows(rows)))
    assert said() == 2
    with pytest.raises(ZeroDivisionError):
        doubt(inferencer, long_scene, lambda rows: 1 / 0)
    assert said() == 2


@pytest.mark.filterwarnings("error::mmhsi.inference.SceneWarning")
def test_a_doubt_may_be_an_error(inferencer, scene) -> None:
    with pytest.raises(SceneWarning, match="doubtful values"):
        doubt(inferencer, scene[0], lambda rows: list(inferencer.predict_rows(rows)))

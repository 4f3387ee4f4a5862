"""A study on a real Ray cluster of two workers, which the test starts."""

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from derain.errors import InputError
from derain.study.plan.scales import Scale
from derain.study.plan.spec import Study
from derain.study.run.prepare import prepare
from derain.study.run.ray import RayExecutor
from derain.study.run.scheduler import run
from derain.study.run.store import Store
from derain.study.run.task import execute

ray = pytest.importorskip("ray")
from ray.cluster_utils import Cluster  # noqa: E402


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::FutureWarning", "ignore::DeprecationWarning")
def test_a_study_on_two_workers_gives_what_one_process_gives(
    changed: Callable[..., Study], tiny: Scale, tmp_path: Path
) -> None:
    # 30,000 patches cannot be cut: that training fails, the others do not.
    study = changed("count = [4, 8]\nrain = [", "count = [4, 8, 30000]\nrain = [", '["small", "medium"]', '"small"')
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
    try:
        for _ in range(2):
            cluster.add_node(num_cpus=1)
        store = Store(tmp_path / "ray")
        tasks = prepare([study], tiny, (), store)
        end = run(tasks, store, RayExecutor(store.folder, cluster.address, "cpu", 1, 0.0))
    finally:
        cluster.shutdown()
    assert end.done == 2
    assert [end.names[each] for each in end.failed] == ["count 30000"]

    alone = Store(tmp_path / "alone")
    for task in prepare([study], tiny, (), alone)[:2]:
        execute(task, alone.folder, "cpu", 1)
        ours, theirs = store.result(task.identity), alone.result(task.identity)
        assert ours is not None
        assert theirs is not None
        assert ours.tests == theirs.tests


def test_an_address_where_no_cluster_answers_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(InputError, match=f"no Ray cluster answers at {address}"):
            RayExecutor(tmp_path, address, "cpu", 1, 0.0)

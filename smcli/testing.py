"""A pytest plugin: smoke-tests SavedModels among a project's own tests.

    pytest --savedmodel=export/model

adds a test for the files of the model and one for each signature (what `smcli check` does). Tests of the project get
the loaded model by asking for the fixture `savedmodel`, once for each --savedmodel:

    def test_scores_sum_to_one(savedmodel):
        outputs = savedmodel.signatures["serving_default"](x=np.zeros((1, 4), np.float32))
        assert outputs["scores"].sum() == pytest.approx(1)

pytest finds the plugin by itself where smcli is installed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from smcli.errors import SmcliError

if TYPE_CHECKING:
    from smcli.api import LoadedModel
    from smcli.savedmodel import MetaGraph


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the options of this plugin."""
    group = parser.getgroup("smcli")
    group.addoption(
        "--savedmodel", action="append", default=[], metavar="DIR", help="Smoke-test the SavedModel in DIR; repeatable."
    )
    group.addoption(
        "--savedmodel-tags", default=None, metavar="TAGS", help="Tags of its MetaGraph, where it has several."
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Tests that ask for `savedmodel` run once for each --savedmodel."""
    if "savedmodel" in metafunc.fixturenames:
        metafunc.parametrize("savedmodel", metafunc.config.getoption("savedmodel"), indirect=True, scope="session")


@pytest.fixture(scope="session")
def savedmodel(request: pytest.FixtureRequest) -> Iterator[LoadedModel]:
    """The model of --savedmodel, loaded (see smcli.load)."""
    import smcli

    with smcli.load(request.param, tags=request.config.getoption("savedmodel_tags")) as model:
        yield model


@pytest.hookimpl(tryfirst=True)  # before -k and -m choose
def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    """Adds the smoke tests."""
    for directory in config.getoption("savedmodel"):
        items.extend(_items(session, directory, config.getoption("savedmodel_tags")))


def _items(session: pytest.Session, directory: str, tags: str | None) -> Iterator[pytest.Item]:
    from smcli.analysis.check import HIDDEN
    from smcli.cli.own import find_meta_graph

    try:
        meta_graph = find_meta_graph(directory, tags)
    except SmcliError as error:
        raise pytest.UsageError(f"--savedmodel {directory}: {error.message}") from None
    yield SmokeTest.from_parent(session, name=f"{directory}::files", meta_graph=meta_graph, key=None)
    for key in sorted(set(meta_graph.signatures) - HIDDEN):
        yield SmokeTest.from_parent(session, name=f"{directory}::{key}", meta_graph=meta_graph, key=key)


class SmokeFailure(Exception):
    """A step of the check failed; the text says which."""


class SmokeTest(pytest.Item):
    """One test: the files of a model, or one signature on made-up inputs."""

    def __init__(self, *, meta_graph: MetaGraph, key: str | None, **kwargs: Any) -> None:
        """key: of the signature, or None for the files."""
        super().__init__(**kwargs)
        self._meta_graph, self._key = meta_graph, key

    def runtest(self) -> None:
        """Raises SmokeFailure, or skips for a signature that can not be fed."""
        from smcli.analysis.check import FAILED, SKIPPED, check_files, check_signatures

        if self._key is None:
            results = list(check_files(self._meta_graph))
        else:
            results = list(check_signatures(self._meta_graph, [self._key], {}, None, 0, []))
        failed = [f"{result.name}: {result.detail}" for result in results if result.status == FAILED]
        if failed:
            raise SmokeFailure("\n".join(failed))
        if self._key is not None and results[-1].status == SKIPPED:
            pytest.skip(results[-1].detail)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """What failed, without a traceback through smcli."""
        if isinstance(excinfo.value, SmokeFailure):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[str, int | None, str]:
        """Where pytest says that the test is."""
        return self._meta_graph.directory, None, self.name

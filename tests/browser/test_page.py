"""The page of `smcli graph` in a real browser: `tox -e browser`.

Skipped where there is no Chromium with its driver, or no selenium. The browser runs without a head and with a new
profile; its network is watched, and pages come from files.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from smcli.analysis.model_graph import ModelGraph, signature_graph, whole_graph
from smcli.report.page import page_text
from smcli.savedmodel import read_saved_model
from smcli.savedmodel.meta_graph import find_signature
from tests.cli.test_graph import BAD_NAMES, hostile_model

webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(not (BROWSER and DRIVER), reason="Chromium and its driver are not installed")

MODELS = Path(__file__).resolve().parents[2] / "fixtures" / "models"
FLAGS = """--headless --no-sandbox --disable-gpu --disable-dev-shm-usage --disable-background-networking
--disable-component-update --disable-sync --no-first-run --window-size=1300,900"""
IS_OWN = ("chrome:", "chrome-extension:", "data:")  # what the browser's first, empty tab loads
CONV = "functional_1/conv2d_1/convolution"


@pytest.fixture(scope="module")
def driver() -> Iterator[Any]:
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        for flag in [*FLAGS.split(), f"--user-data-dir={profile}"]:
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        made = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
        made.set_page_load_timeout(60)
        yield made
        made.quit()


class Page:
    """One open page, and what people do on it."""

    def __init__(self, driver: Any, file: Path) -> None:
        self.driver = driver
        driver.get_log("browser"), driver.get_log("performance")
        driver.get(file.as_uri())
        self.file = file

    def run(self, script: str, *args: object) -> Any:
        return self.driver.execute_script(script, *args)

    def texts(self, selector: str) -> list[str]:
        found: list[str] = self.run(
            "return [...document.querySelectorAll(arguments[0])].map(e => e.textContent)", selector
        )
        return found

    def click(self, selector: str) -> None:
        """What a click does, wherever the element is."""
        self.run(
            "document.querySelector(arguments[0]).dispatchEvent(new MouseEvent('click', {bubbles: true}))", selector
        )

    def press(self, selector: str) -> None:
        """A real click in the middle of what shows."""
        self.driver.find_element("css selector", selector).click()

    def search(self, text: str) -> list[str]:
        box = self.driver.find_element("id", "search")
        box.clear()
        box.send_keys(text)
        return self.texts("#found button")

    @property
    def panel(self) -> str:
        return str(self.driver.find_element("id", "panel").text)

    def choices(self) -> list[str]:
        found: list[str] = self.run(
            "return [...document.querySelectorAll('.choice')].map(e => e.getAttribute('aria-label'))"
        )
        return found

    def complaints(self) -> list[str]:
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def requests(self) -> list[str]:
        """What was asked for, beside the page itself."""
        events = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        asked = [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]
        return [url for url in asked if not url.startswith(IS_OWN) and url != self.file.as_uri()]


@pytest.fixture
def open_page(driver: Any, tmp_path: Path) -> Iterator[Callable[[ModelGraph], Page]]:
    pages: list[Page] = []

    def show(graph: ModelGraph) -> Page:
        file = tmp_path / "page.html"
        file.write_text(page_text(graph), encoding="utf-8")
        pages.append(Page(driver, file))
        return pages[-1]

    yield show
    for page in pages:
        assert page.complaints() == []
        assert page.requests() == []


def model(name: str) -> ModelGraph:
    meta_graph = read_saved_model(str(MODELS / name)).meta_graphs[0]
    return signature_graph(meta_graph, "serving_default", find_signature(meta_graph, "serving_default"))


def test_page_opens_where_the_layers_are(open_page) -> None:
    page = open_page(model("keras3_cnn"))
    assert page.texts("h1") == ["serving_default"]
    assert page.texts("#path > *")[0] == "signature serving_default"
    assert f"Conv2D {CONV}" in page.choices()
    assert "float32 [?, 8, 8, 8]" in page.texts(".label")
    assert "keras_tensor\nfloat32 [?, 16, 16, 3]" in page.panel
    assert "numbers in variables\n821" in page.panel


def test_scopes_fold_and_unfold(open_page) -> None:
    page = open_page(model("keras3_cnn"))
    all_boxes = len(page.choices())
    page.click(".head[aria-label='fold functional_1']")
    assert len(page.choices()) < 8
    assert "unfold functional_1" in page.choices()
    page.press(".choice[aria-label='unfold functional_1']")
    assert len(page.choices()) == all_boxes
    page.press("#fold")
    assert "unfold functional_1" in page.choices()
    page.press("#unfold")
    assert len(page.choices()) > all_boxes
    assert not any(label.startswith("unfold") for label in page.choices())


def test_layout_agrees_with_the_svg(open_page) -> None:
    """The script places boxes as report/frames.py does."""
    from smcli.analysis.scopes import scopes_of
    from smcli.report.boxes import level_of
    from smcli.report.frames import frames

    for name in ("keras3_cnn", "frames_tf1", "keras2_attention"):
        graph = model(name)
        view = graph.views[graph.first_path()[-1]]
        scopes = scopes_of(view)
        levels = {place: level_of(view, scopes, scopes.groups[place]) for place in scopes.opened}
        made = frames(scopes.groups, levels, scopes.opened)
        page = open_page(graph)
        shown = page.run(
            "return Object.fromEntries([...document.querySelectorAll('.head')].map(e => "
            "[e.dataset.group, [+e.getAttribute('width'), +e.previousSibling.getAttribute('height')]]))"
        )
        wanted = {str(place): [frame.width, frame.height] for place, frame in made.items() if place}
        assert shown.keys() == wanted.keys()
        for place, size in wanted.items():
            assert shown[place] == pytest.approx(size, abs=0.01)


def test_search_reveals_a_node_in_folded_scopes(open_page) -> None:
    page = open_page(model("keras3_cnn"))
    page.press("#fold")
    assert f"Conv2D {CONV}" not in page.choices()
    found = page.search("conv2d_1/convolution")
    assert found[0].startswith(CONV)
    page.press("#found li:first-child button")
    assert page.run("return document.querySelector('.chosen').getAttribute('aria-label')") == f"Conv2D {CONV}"
    where = page.run("const r = document.querySelector('.chosen').getBoundingClientRect(); return [r.x, r.y]")
    assert 0 < where[0] < 1300
    assert 0 < where[1] < 900
    assert page.search("no such thing") == []
    assert page.texts("#found .none") == ["Nothing has that name or op."]


def test_panel_shows_shapes_attrs_and_neighbours(open_page) -> None:
    page = open_page(model("keras3_cnn"))
    page.click(f".choice[aria-label='Conv2D {CONV}']")
    lines = page.panel.splitlines()
    assert lines[:2] == ["Conv2D", CONV]
    assert "float32 [?, 16, 16, 3]" in lines
    assert "float32 [3, 3, 3, 8]" in lines
    assert "float32 [?, 8, 8, 8]" in lines
    assert lines[lines.index("padding") + 1] == '"SAME"'
    page.run(
        "[...document.querySelectorAll('#panel button')].find(b => b.textContent.endsWith('ReadVariableOp')).click()"
    )
    assert page.panel.splitlines()[0] == "ReadVariableOp"
    page.run(
        "[...document.querySelectorAll('.value')].find(e => e.textContent === 'y0.00392157')"
        ".dispatchEvent(new MouseEvent('click', {bubbles: true}))"
    )
    assert page.panel.splitlines()[0] == "Const"


def test_functions_are_entered_and_left(open_page) -> None:
    page = open_page(model("keras2_lstm"))
    before = page.texts("#path > *")
    page.search("PartitionedCall")
    page.press("#found li:first-child button")
    page.run("[...document.querySelectorAll('#panel button')].find(b => b.textContent.startsWith('enter')).click()")
    assert len(page.texts("#path > *")) == len(before) + 1
    found = page.search("TensorListSetItem")
    assert " in " in found[0]
    page.press("#found li:first-child button")
    assert page.panel.splitlines()[0] == "TensorListSetItem"
    page.press("#path > button")
    assert page.texts("#path > *") == before[:1]


def test_wheel_drag_and_keys_move_the_view(open_page) -> None:
    page = open_page(model("half_plus_two"))

    def camera() -> str:
        return str(page.run("return document.getElementById('scene').getAttribute('transform')"))

    seen = [camera()]
    page.run(
        "document.getElementById('canvas').dispatchEvent(new WheelEvent('wheel', {deltaY: -200, cancelable: true}))"
    )
    seen.append(camera())
    actions = webdriver.ActionChains(page.driver)
    canvas = page.driver.find_element("id", "canvas")
    actions.move_to_element_with_offset(canvas, -200, 200).click_and_hold().move_by_offset(40, -30).release().perform()
    seen.append(camera())
    page.driver.find_element("tag name", "body").send_keys("-")
    seen.append(camera())
    page.driver.find_element("tag name", "body").send_keys("0")
    seen.append(camera())
    assert seen[-1] == seen[0]  # all of the view, as at first
    assert len(set(seen)) == 4
    page.driver.find_element("tag name", "body").send_keys("/")
    assert page.driver.switch_to.active_element.get_attribute("id") == "search"


def test_old_loops_show_their_back_edges(open_page) -> None:
    page = open_page(model("frames_tf1"))
    assert page.run("return document.querySelectorAll('.edge.back').length") > 0
    page.press("#unfold")
    assert len(page.choices()) > 20


def test_hostile_names_run_nothing(open_page, tmp_path: Path) -> None:
    meta_graph = read_saved_model(str(hostile_model(tmp_path / "model"))).meta_graphs[0]
    graph = whole_graph(meta_graph)
    graph.title = BAD_NAMES[0]
    page = open_page(graph)
    page.press("#unfold")
    for text in ("script", "onerror", "taken", "\\"):
        assert page.search(text)
        page.press("#found li:first-child button")
        assert page.panel
    page.run(
        "document.querySelectorAll('.choice').forEach(e => e.dispatchEvent(new MouseEvent('click', {bubbles: true})))"
    )
    assert page.driver.title == BAD_NAMES[0]
    assert page.run("return document.querySelectorAll('img, svg svg, #scene script, #panel script').length") == 0
    assert any(BAD_NAMES[1] in text for text in page.texts("title"))

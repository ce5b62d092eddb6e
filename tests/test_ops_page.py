"""docs/ops.md is what docs/make_ops.py makes of the kernels and of what is recorded."""

from __future__ import annotations

from docs import make_ops


def test_the_page_of_ops_is_fresh() -> None:
    assert make_ops.PAGE.read_text(encoding="utf-8") == make_ops.render()


def test_the_readme_counts_what_is_there() -> None:
    assert make_ops.README.read_text(encoding="utf-8") == make_ops.render_readme()


def test_deviations_are_said_in_the_module_of_the_op() -> None:
    assert make_ops.deviations()["Svd"]

"""Tables fit the terminal."""

import pytest

from shortly.cli.output import Column, share_width

COLUMNS = (Column("slug"), Column("target", wide=True), Column("clicks", numeric=True), Column("title", wide=True))


@pytest.mark.parametrize(
    ("needs", "terminal", "widths"),
    [
        ((7, 20, 6, 10), 120, [7, 20, 6, 10]),
        ((7, 200, 6, 10), 80, [7, 51, 6, 10]),
        ((7, 200, 6, 100), 79, [7, 30, 6, 30]),
        ((7, 200, 6, 100), 10, [7, 8, 6, 8]),
    ],
)
def test_wide_columns_share_what_the_others_leave(needs: tuple[int, ...], terminal: int, widths: list[int]) -> None:
    assert share_width(COLUMNS, needs, terminal) == widths

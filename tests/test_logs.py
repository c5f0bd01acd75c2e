"""Log lines have one form, and neither secrets nor visitors' addresses get into them."""

import json
import logging
import subprocess
import sys
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from shortly.logs import GRANIAN_LOGGING, LEVELS, configure_logging, mask_text

KEY = "sly_Q7xkP2vMn4Tz8Rw5Yb3Jc6Hd"
VISITOR = "203.0.113.77"
VISITOR_6 = "2001:db8:77::1"


@pytest.fixture(autouse=True)
def quiet_afterwards() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    captured = capsys.readouterr()
    assert captured.out == ""
    return [json.loads(line) for line in captured.err.splitlines()]


def test_a_line_is_json_with_a_utc_time_and_the_request_id(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("info", "json")
    structlog.contextvars.bind_contextvars(request_id="r-1")
    structlog.get_logger("shortly.test").info("link made", slug="ab", clicks=3, tags=("x", "y"), none=None)
    (line,) = lines(capsys)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "link made",
        "level": "info",
        "logger": "shortly.test",
        "request_id": "r-1",
        "slug": "ab",
        "clicks": 3,
        "tags": ["x", "y"],
        "none": None,
    }


def test_the_standard_library_s_lines_look_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("info", "json")
    logging.getLogger("_granian").warning("worker %d died, client %s", 7, VISITOR)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(True)
        warnings.warn("old", stacklevel=1)
    first, second = lines(capsys)
    assert (first["event"], first["level"], first["logger"]) == (
        "worker 7 died, client [address]",
        "warning",
        "_granian",
    )
    assert (second["level"], second["logger"]) == ("warning", "py.warnings")


def test_granian_s_set_up_leaves_its_lines_to_the_common_way(capsys: pytest.CaptureFixture[str]) -> None:
    from granian.log import LogLevels
    from granian.log import configure_logging as configure_granian

    configure_logging("info", "json")
    configure_granian(LogLevels.info, GRANIAN_LOGGING, True)
    logging.getLogger("_granian").info("Listening at: http://127.0.0.1:8000")
    logging.getLogger("granian.access").info('%(addr)s - "GET /"', {"addr": VISITOR})
    first, second = lines(capsys)
    assert first["event"] == "Listening at: http://127.0.0.1:8000"
    assert second["event"] == '[address] - "GET /"'


@pytest.mark.parametrize("level", LEVELS)
def test_what_is_less_important_than_the_level_is_not_logged(level: str, capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(level, "json")
    log, library = structlog.get_logger(), logging.getLogger("library")
    for name in LEVELS:
        getattr(log, name)("ours")
        getattr(library, name)("theirs")
    expected = [name for name, number in LEVELS.items() if number >= LEVELS[level]]
    assert [(line["event"], line["level"]) for line in lines(capsys)] == [
        (event, name) for name in expected for event in ("ours", "theirs")
    ]


@pytest.mark.parametrize("format", ["json", "console"])
def test_no_secret_and_no_address_gets_into_a_line(format: str, capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("debug", format)
    log = structlog.get_logger()
    log.info(f"key {KEY} from {VISITOR}", password="canary-1", jwt_secret="canary-2", Authorization="canary-3")
    log.info("nested", headers={"cookie": "canary-4", "x-forwarded-for": VISITOR, "accept": [KEY, (VISITOR_6,)]})
    log.info("addresses", ip=VISITOR, client=(VISITOR, 1), remote_addr=VISITOR, client_ip=VISITOR, address=VISITOR_6)
    log.info("objects", error=ValueError(f"bad {KEY} {VISITOR}"), raw=KEY.encode(), api_token=4711_0815)
    log.info("urls", store_url="redis://me:canary-5@redis:6379/0", text="Authorization: Bearer canary-6-canary-6")
    try:
        raise RuntimeError(f"{KEY} {VISITOR} {VISITOR_6}")
    except RuntimeError:
        log.exception("failed")
        logging.getLogger("library").exception("failed too")
    logging.getLogger("library").info("%s", {"token": KEY}, extra={"password": "canary-7"})
    written = capsys.readouterr().err
    assert written.count("failed") >= 2
    for canary in ("canary", KEY[4:], VISITOR, VISITOR_6, "2001:db8", "47110815"):
        assert canary not in written


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("203.0.113.77:443 said", "[address]:443 said"),
        ("from [2001:db8::1]:443", "from [[address]]:443"),
        ("::ffff:203.0.113.77", "::ffff:[address]"),
        ("listening on 127.0.0.1 and 0.0.0.0, ::1 and ::", "listening on 127.0.0.1 and 0.0.0.0, ::1 and ::"),
        ("at 12:34:56 std::vector a:b:c 1.2.3 999.1.1.1", "at 12:34:56 std::vector a:b:c 1.2.3 999.1.1.1"),
        (f"hint sly_Q7xk, key {KEY}.", "hint sly_Q7xk, key sly_***."),
        ("https://me:pw@host/x@y", "https://***@host/x@y"),
        ("https://host/me@home", "https://host/me@home"),
    ],
)
def test_masking_hits_keys_credentials_and_addresses_only(text: str, masked: str) -> None:
    assert mask_text(text) == masked


def test_a_stranger_s_text_cannot_forge_a_line_or_move_the_cursor(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("info", "console")
    structlog.get_logger().info("seen\nforged", agent="\x1b[2J\r\nforged", other="\udcff\u202e")
    (line,) = capsys.readouterr().err.splitlines()
    assert "\x1b" not in line
    assert r"\x1b[2J\r\nforged" in line
    assert "\u202e" not in line


def test_a_line_that_cannot_be_written_is_dropped_without_an_error() -> None:
    program = (
        "import sys, logging, structlog; from shortly.logs import configure_logging\n"
        "configure_logging('info', 'json')\n"
        "sys.stderr.close(); structlog.get_logger().info('x'); logging.getLogger('y').info('%d', 'no number')\n"
        "sys.stderr = None; structlog.get_logger().info('x'); logging.getLogger('y').info('x'); print('alive')"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "alive\n", "")


def test_a_later_call_changes_loggers_that_were_used_before(capsys: pytest.CaptureFixture[str]) -> None:
    log = structlog.get_logger()
    configure_logging("error", "json")
    log.info("unheard")
    configure_logging("info", "json")
    configure_logging("info", "json")
    log.info("heard")
    logging.getLogger("library").info("heard once")
    assert [line["event"] for line in lines(capsys)] == ["heard", "heard once"]

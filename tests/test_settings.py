"""Settings come from variables and files, and a bad one stops the start with one sentence."""

import os
from pathlib import Path

import pytest

from shortly.errors import InvalidSettings
from shortly.settings import Settings, load_settings, source_of


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    names = {*Settings.model_fields, *(f"{name}_file" for name in Settings.model_fields)}
    for variable in list(os.environ):
        if variable.lower() in names:
            monkeypatch.delenv(variable)


def test_without_any_variable_there_is_a_complete_configuration() -> None:
    settings = load_settings()
    assert settings.base_url == "http://localhost:8000"
    assert settings.base_host == "localhost:8000"
    assert settings.journal_dir == Path("data/journal")


def test_variables_are_read_and_empty_ones_are_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "9000")
    monkeypatch.setenv("EXTRA_DOMAINS", " Go.Example , s.example:8080,")
    monkeypatch.setenv("DEFAULT_STATUS", "308")
    monkeypatch.setenv("LOG_LEVEL", "WARNING")
    monkeypatch.setenv("WORKERS", "")
    settings = load_settings()
    assert settings.port == 9000
    assert settings.extra_domains == ("go.example", "s.example:8080")
    assert settings.default_status == 308
    assert settings.log_level == "warning"
    assert settings.workers == 1


def test_a_file_twin_is_read_and_the_variable_comes_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "port").write_text("9001\n")
    (tmp_path / "empty").write_text("\n")
    monkeypatch.setenv("PORT_FILE", str(tmp_path / "port"))
    monkeypatch.setenv("WORKERS_FILE", str(tmp_path / "empty"))
    assert load_settings().port == 9001
    assert load_settings().workers == 1
    assert (source_of("port"), source_of("host")) == ("file", "default")
    monkeypatch.setenv("PORT", "9002")
    assert load_settings().port == 9002
    assert source_of("port") == "variable"


def test_arguments_come_before_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "9000")
    assert load_settings({"port": 9003}).port == 9003


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_an_unreadable_file_twin_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes | None
) -> None:
    if content is not None:
        (tmp_path / "secret").write_bytes(content)
    monkeypatch.setenv("BASE_URL_FILE", str(tmp_path / "secret"))
    with pytest.raises(InvalidSettings, match=r"^BASE_URL_FILE: the file .* cannot be read\.$"):
        load_settings()


@pytest.mark.parametrize(
    ("given", "base_url", "base_host"),
    [
        ("https://S.Example/", "https://s.example", "s.example"),
        ("https://s.example:443", "https://s.example", "s.example"),
        ("http://s.example:8080", "http://s.example:8080", "s.example:8080"),
        ("https://bücher.example", "https://xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("http://[::1]:8000", "http://[::1]:8000", "[::1]:8000"),
    ],
)
def test_the_public_address_has_the_form_in_which_browsers_send_it(
    monkeypatch: pytest.MonkeyPatch, given: str, base_url: str, base_host: str
) -> None:
    monkeypatch.setenv("BASE_URL", given)
    settings = load_settings()
    assert (settings.base_url, settings.base_host) == (base_url, base_host)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        *(
            ("BASE_URL", url)
            for url in (
                "s.example",
                "ftp://s.example",
                "http://",
                "http:///x",
                "http://s.example/path",
                "http://s.example?q",
                "http://s.example#f",
                "http://user:password@s.example",
                "http://s.example:99999",
                "http://two words",
                "http://s.example\r\nX: y",
                "http:\\\\s.example",
                "x" * 100_000,
            )
        ),
        ("PORT", "0"),
        ("PORT", "65536"),
        ("PORT", "eighty"),
        ("WORKERS", "-1"),
        ("WORKERS", "9" * 5000),
        ("TRUSTED_PROXIES", "10.0.0.0/33"),
        ("TRUSTED_PROXIES", "x" * 100_000),
        ("EXTRA_DOMAINS", "a b"),
        ("EXTRA_DOMAINS", "s.example/x"),
        ("EXTRA_DOMAINS", "s.example:port"),
        ("EXTRA_DOMAINS", "me@s.example"),
        ("EXTRA_DOMAINS", "x" * 100_000 + "/"),
        ("TARGET_SCHEMES", ","),
        ("TARGET_SCHEMES", "https,JavaScript:"),
        ("TARGET_SCHEMES", "ht tp"),
        ("ROOT_REDIRECT", "/app"),
        ("ROOT_REDIRECT", "javascript:alert(1)"),
        ("ROOT_REDIRECT", "https://s.example/\r\nX: y"),
        ("COUNTRY_HEADER", "CF IP\nCountry"),
        ("DEFAULT_STATUS", "303"),
        ("DEFAULT_STATUS", "٣٠١"),
        ("HONOUR_DNT", "perhaps"),
        ("LOG_FORMAT", "xml"),
        ("STORE_URL", "redis://localhost"),
        ("JOURNAL_SYNC_MS", "60001"),
    ],
)
def test_a_bad_value_gives_one_short_sentence_that_names_the_variable(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(InvalidSettings) as refusal:
        load_settings()
    sentence = str(refusal.value)
    assert sentence.startswith(f"{variable}: ")
    assert sentence.endswith(".")
    assert len(sentence) < 400
    assert sentence.isprintable()


def test_the_journal_must_have_room_for_a_segment_of_each_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKERS", "4")
    monkeypatch.setenv("JOURNAL_MAX_MB", "15")
    with pytest.raises(InvalidSettings, match=r"^JOURNAL_MAX_MB: "):
        load_settings()
    monkeypatch.setenv("JOURNAL_MAX_MB", "16")
    assert load_settings().journal_max_mb == 16

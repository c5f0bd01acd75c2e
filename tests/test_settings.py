"""Settings come from variables and files, and a bad one stops the start with one sentence."""

import os
from pathlib import Path

import pytest

from shortly.errors import InvalidSettings
from shortly.logs import mask_credentials
from shortly.redis_address import Address, Tls
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
        ("ALLOWED_HOSTS", "http://a.example"),
        ("ALLOWED_HOSTS", "*"),
        ("CORS_ORIGINS", "*"),
        ("CORS_ORIGINS", "null"),
        ("CORS_ORIGINS", "app.example"),
        ("CORS_ORIGINS", "https://app.example/"),
        ("CORS_ORIGINS", "https://APP.example"),
        ("CORS_ORIGINS", "https://app.example:443"),
        ("CORS_ORIGINS", "https://*.example"),
        ("CORS_ORIGINS", "file://x"),
        ("HSTS_SECONDS", "-1"),
        ("OUTBOUND_ALLOW", "10.0.0.0/33"),
        ("OUTBOUND_ALLOW", "http://wiki.intern"),
        ("OUTBOUND_ALLOW", "*"),
        ("OUTBOUND_PORTS", "0"),
        ("OUTBOUND_PORTS", "80,65536"),
        ("OUTBOUND_PORTS", "http"),
        ("ROOT_REDIRECT", "/app"),
        ("ROOT_REDIRECT", "javascript:alert(1)"),
        ("ROOT_REDIRECT", "https://s.example/\r\nX: y"),
        ("COUNTRY_HEADER", "CF IP\nCountry"),
        ("DEFAULT_STATUS", "303"),
        ("DEFAULT_STATUS", "٣٠١"),
        ("HONOUR_DNT", "perhaps"),
        ("LOG_FORMAT", "xml"),
        *(
            ("STORE_URL", url)
            for url in (
                "localhost:6379",
                "postgres://secret@db/x",
                "redis://",
                "redis://a,b",
                "redis://h:0",
                "redis://h:99999",
                "redis://h/x",
                "redis://h/1/2",
                "redis://secret@a@h",
                "redis://:se#cret@h",
                "redis://h:6379?timeout=1",
                "redis://h\r\nx",
                "redis+cluster://h/1",
                "redis+sentinel://h1,h2",
                "redis+sentinel://h1,,h2/name",
                "unix://",
                "unix://host/path",
                "unix:///a%00b",
                "rediss://h?ssl_certfile=c.pem",
                "redis://" + "h," * 100_000,
                "redis+cluster://" + ",".join(["h"] * 65),
            )
        ),
        ("REDIS_HOST", "a,b"),
        ("REDIS_HOST", "redis://h"),
        ("REDIS_PORT", "tcp://10.0.0.1:x"),
        ("REDIS_PASSWORD", "alone-it-means-nothing"),
        ("REDIS_TLS_CA", "/nowhere/ca.pem"),
        ("REDIS_WAIT_REPLICAS", "6"),
        ("CACHE_STALE_S", "-1"),
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


@pytest.mark.parametrize(
    ("variables", "complaint"),
    [
        ({"STORE_URL": "redis://h", "REDIS_HOST": "h"}, "REDIS_HOST: "),
        ({"STORE_URL": "redis://h", "REDIS_TLS": "true"}, "REDIS_TLS: "),
        ({"REDIS_HOST": "h", "REDIS_USERNAME": "u"}, "REDIS_PASSWORD: "),
        ({"STORE_URL": "redis://u@h"}, "REDIS_PASSWORD: "),
        ({"REDIS_HOST": "h", "REDIS_TLS": "true", "REDIS_TLS_CERT": __file__}, "REDIS_TLS_CERT: "),
    ],
)
def test_parts_of_an_address_that_do_not_fit_are_refused(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], complaint: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(InvalidSettings, match=f"^{complaint}"):
        load_settings()


def test_redis_may_be_named_by_its_parts_and_the_password_comes_from_a_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "password").write_text("p@ss/w:rd%?#\n")
    monkeypatch.setenv("REDIS_HOST", "redis.internal")
    monkeypatch.setenv("REDIS_PORT", "tcp://10.0.0.1:6380")  # as Kubernetes sets it
    monkeypatch.setenv("REDIS_DB", "3")
    monkeypatch.setenv("REDIS_USERNAME", "shortly")
    monkeypatch.setenv("REDIS_PASSWORD_FILE", str(tmp_path / "password"))
    monkeypatch.setenv("REDIS_TLS", "true")
    monkeypatch.setenv("REDIS_TLS_CA", __file__)
    settings = load_settings()
    assert settings.redis_address == Address(
        hosts=(("redis.internal", 6380),), db=3, username="shortly", password="p@ss/w:rd%?#", tls=Tls(ca=__file__)
    )
    assert "p@ss" not in repr(settings) + repr(settings.redis_address) + str(settings.redis_address)


def test_a_url_may_leave_its_password_to_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORE_URL", "redis+cluster://app@h1,h2:7000")
    monkeypatch.setenv("REDIS_PASSWORD", "pw")
    address = load_settings().redis_address
    assert address is not None
    assert (address.hosts, address.username, address.password) == ((("h1", 6379), ("h2", 7000)), "app", "pw")


def test_what_kubernetes_sets_for_a_service_called_redis_changes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("REDIS_PORT", "tcp://10.0.0.1:6379")
    assert load_settings().redis_address is None


def test_no_password_of_a_store_url_is_in_the_text_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORE_URL", "redis+sentinel://:s3cret@h/name?sentinel_password=s3cret")
    settings = load_settings()
    assert settings.store_url
    assert "s3cret" not in repr(settings) + mask_credentials(settings.store_url)


@pytest.mark.parametrize("value", ["10/minute", "10 per minute", "5/15 seconds; 100/hour", "OFF", "0/day"])
def test_limits_are_a_number_for_a_time_or_off(value: str) -> None:
    assert load_settings({"limit_sign_in": value}).limit_sign_in == ("" if value == "OFF" else value)


@pytest.mark.parametrize(
    "value",
    ["10", "ten/minute", "10/fortnight", "-1/minute", "10/minute;", "9" * 99 + "/day", "1/5000 days", "1/day" * 50],
)
def test_a_limit_that_is_none_stops_the_start(value: str) -> None:
    with pytest.raises(InvalidSettings, match=r"^LIMIT_CREATE: must be a number for a time, such as 10/minute"):
        load_settings({"limit_create": value})

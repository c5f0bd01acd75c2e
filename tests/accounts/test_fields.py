"""The fields of people: what is taken, and what it becomes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortly.accounts.fields import check_email, check_locale, check_person_name, check_workspace_name
from shortly.accounts.people import email_key
from shortly.errors import InvalidInput

JUNK = ["", " ", "\0", "a\nb", "\u202e", "\ud800", "x" * 100_000, "é" * 100_000]


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("Ada@Example.COM", "Ada@example.com"),
        (" ada@example.com ", "ada@example.com"),
        ("ada+links@example.com", "ada+links@example.com"),
        ("o'neil@example.com", "o'neil@example.com"),
        ("ada@bücher.example", "ada@xn--bcher-kva.example"),
        ("ada@BÜCHER.example", "ada@xn--bcher-kva.example"),
        ("ada@localhost", "ada@localhost"),
        ("a" * 64 + "@example.com", "a" * 64 + "@example.com"),
    ],
)
def test_an_address_is_stored_in_one_form_of_its_domain(given: str, stored: str) -> None:
    assert check_email(given) == stored


@pytest.mark.parametrize(
    "email",
    [
        *JUNK,
        *("ada", "@", "ada@", "@example.com", "a@b@example.com", "ada@example.com, eve@example.com"),
        *("ada @example.com", "ada\t@example.com", "ada@exam ple.com", "ada@example.com.", "ada@.example.com"),
        *("ada@example..com", "ada@-example.com", "ada@exam_ple.com", "ada@[127.0.0.1]", "ada@127.0.0.1"),
        *(".ada@example.com", "ada.@example.com", "a..da@example.com", '"ada"@example.com', "<ada@example.com>"),
        *("ada@example.com\r\nBcc: eve@example.com", "ada\r\n@example.com", "ada@example.com\0", "ada%00@"),
        *("аda@example.com", "ada@\ud800.com", "ada@xn--\x80.com", "mailto:ada@example.com", "ada@example.com/x"),
        *("a" * 65 + "@example.com", "ada@" + "a" * 64 + ".com", "ada@" + "a." * 130 + "com"),
    ],
)
def test_what_no_mail_could_be_sent_to_is_refused(email: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        check_email(email)
    assert refused.value.field == "email"


@given(st.text(), st.text())
def test_a_stored_address_is_short_ascii_and_does_not_change_again(local: str, domain: str) -> None:
    try:
        stored = check_email(f"{local}@{domain}")
    except InvalidInput:
        return
    assert stored.isascii()
    assert stored.isprintable()
    assert len(stored) <= 254
    assert check_email(stored) == stored


@given(st.text())
def test_any_text_can_be_compared_with_addresses(text: str) -> None:
    assert email_key(email_key(text)) == email_key(text).strip()


def test_addresses_are_the_same_in_any_case_and_form_of_their_domain() -> None:
    forms = ["ada@bücher.example", "ADA@BÜCHER.EXAMPLE", " ada@xn--bcher-kva.example", "Ada@XN--BCHER-KVA.example"]
    assert {email_key(form) for form in forms} == {"ada@xn--bcher-kva.example"}


@pytest.mark.parametrize("name", [*JUNK[2:], "x" * 129])
def test_a_name_can_be_printed_and_is_not_too_long(name: str) -> None:
    with pytest.raises(InvalidInput):
        check_person_name(name)
    with pytest.raises(InvalidInput):
        check_workspace_name(name)


def test_a_person_may_have_no_name_but_a_workspace_has_one() -> None:
    assert check_person_name("  ") == ""
    assert check_person_name(" Ada Lovelace ") == "Ada Lovelace"
    assert check_workspace_name("Cafe\u0301") == "Café"
    with pytest.raises(InvalidInput):
        check_workspace_name("  ")


@pytest.mark.parametrize("locale", ["", "de", "pt-BR", "zh-Hant-TW"])
def test_a_locale_is_a_language_tag(locale: str) -> None:
    assert check_locale(locale) == locale


@pytest.mark.parametrize("locale", ["d", "de_DE", "../de", "de-", "x" * 36, "\0", "de\n"])
def test_anything_else_is_no_locale(locale: str) -> None:
    with pytest.raises(InvalidInput):
        check_locale(locale)

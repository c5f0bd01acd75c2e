"""Lists of hosts, in the forms that people publish them in, and the file that they are compiled into."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortly.abuse.blocklist import Blocklist, compile_lists, compiled_from, digest_of, hosts_of

DIGEST = bytes(32)


def blocklist(folder: Path, *lines: str, allow: tuple[str, ...] = ()) -> Blocklist:
    source = folder / "list.txt"
    source.write_text("\n".join(lines), encoding="utf-8")
    compile_lists([source], folder / "compiled", DIGEST)
    return Blocklist(folder / "compiled", allow)


@pytest.mark.parametrize(
    ("line", "hosts"),
    [
        ("evil.example", ["evil.example"]),
        ("  Evil.Example.  ", ["evil.example"]),
        ("*.evil.example", ["evil.example"]),
        ("evil.example # phishing", ["evil.example"]),
        ("münchen.example", ["xn--mnchen-3ya.example"]),
        ("192.0.2.7", ["192.0.2.7"]),
        ("2001:DB8::7", ["2001:db8::7"]),
        ("0.0.0.0 evil.example", ["evil.example"]),
        ("127.0.0.1\tevil.example  www.evil.example # two", ["evil.example", "www.evil.example"]),
        (":: evil.example", ["evil.example"]),
        ("127.0.0.1 localhost", []),
        ("::1 ip6-localhost", []),
        ("0.0.0.0 0.0.0.0", []),
        ("||evil.example^", ["evil.example"]),
        ("||Evil.example^$third-party,important", ["evil.example"]),
        ("||zip^", ["zip"]),
        ("||evil.example^$domain=other.example", []),
        ("||evil.example/path^", []),
        ("||evil*.example^", []),
        ("@@||good.example^", []),
        ("/banner/*", []),
        ("##.advert", []),
        ("! comment", []),
        ("[Adblock Plus 2.0]", []),
        ("# comment", []),
        ("", []),
        ("word", []),
        ("two words", []),
        ("http://evil.example/path", []),
        ("a" * 2000 + ".example", []),
        ("-evil-.example", []),
        ("\x00evil.example", []),
    ],
)
def test_lines_name_hosts(line: str, hosts: list[str]) -> None:
    assert hosts_of(line) == hosts


@given(st.text())
def test_no_line_makes_it_fail(line: str) -> None:
    for host in hosts_of(line):
        assert host == host.lower()
        assert host.isascii()


def test_a_host_is_blocked_with_all_below_it_and_nothing_beside_it(tmp_path: Path) -> None:
    found = blocklist(tmp_path, "evil.example", "||deep.other.example^", "192.0.2.7", "2001:db8::7")
    assert [host for host in HOSTS if found.blocks(host)] == [
        "evil.example",
        "www.evil.example",
        "a.b.evil.example.",
        "deep.other.example",
        "192.0.2.7",
        "[2001:db8::7]",
    ]


HOSTS = (
    "evil.example",
    "www.evil.example",
    "a.b.evil.example.",
    "notevil.example",
    "evil.example.org",
    "example",
    "deep.other.example",
    "other.example",
    "192.0.2.7",
    "192.0.2.70",
    "2.7",
    "[2001:db8::7]",
    "[2001:db8::8]",
    "",
)


def test_what_is_allowed_is_never_blocked_nor_what_lies_below(tmp_path: Path) -> None:
    found = blocklist(tmp_path, "evil.example", "good.evil.example", allow=("Good.evil.example",))
    assert found.blocks("evil.example")
    assert not found.blocks("good.evil.example")
    assert not found.blocks("www.good.evil.example")


def test_a_new_compilation_counts_at_once_and_a_broken_one_never(tmp_path: Path) -> None:
    found = Blocklist(tmp_path / "compiled")
    assert not found.blocks("evil.example")
    again = blocklist(tmp_path, "evil.example")
    assert found.blocks("evil.example")
    blocklist(tmp_path, "other.example")
    assert not found.blocks("evil.example")
    assert found.blocks("other.example")
    assert again.blocks("other.example")
    (tmp_path / "new").write_bytes(b"something else")
    os.replace(tmp_path / "new", tmp_path / "compiled")
    assert found.blocks("other.example")
    (tmp_path / "compiled").unlink()
    assert found.blocks("other.example")


def test_hosts_of_all_lists_are_counted_once_and_take_eight_bytes_each(tmp_path: Path) -> None:
    for number in range(2):
        (tmp_path / f"{number}.txt").write_text("".join(f"host{n}.example\n" for n in range(number, 1000 + number)))
    sources = [tmp_path / "0.txt", tmp_path / "1.txt", tmp_path / "missing.txt"]
    digest = digest_of(sources)
    assert compile_lists(sources, tmp_path / "compiled", digest) == 1001
    assert compiled_from(tmp_path / "compiled") == digest
    assert (tmp_path / "compiled").stat().st_size - 1001 * 8 < 128
    (tmp_path / "missing.txt").write_text("more.example")
    assert digest_of(sources) != digest


def test_a_list_of_bytes_that_are_no_text_names_what_can_be_read(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_bytes(b"\xff\xfe\x00junk\nevil.example\n\x80\x81.example\n")
    compile_lists([tmp_path / "list.txt"], tmp_path / "compiled", DIGEST)
    assert Blocklist(tmp_path / "compiled").blocks("evil.example")

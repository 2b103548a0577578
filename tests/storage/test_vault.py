from __future__ import annotations

import base64
import os
import sys
from pathlib import Path

import pytest

from storage.vault import VARIABLE, Vault, VaultError, open_vault

OLD, NEW = b"o" * 32, b"n" * 32
SECRET = "sk-très-secret"


def text(key: bytes) -> str:
    return base64.urlsafe_b64encode(key).decode()


def test_what_is_sealed_comes_back_and_is_not_readable() -> None:
    vault = Vault([OLD])
    blob = vault.seal("openai", SECRET)
    assert vault.unseal("openai", blob) == SECRET
    assert SECRET.encode() not in blob
    assert blob != vault.seal("openai", SECRET)
    assert Vault([OLD]).unseal("e", Vault([OLD]).seal("e", "")) == ""


def test_nothing_secret_in_a_repr() -> None:
    assert repr(Vault([OLD, NEW])) == "Vault(2 keys)"


def test_a_key_can_be_changed() -> None:
    blob = Vault([OLD]).seal("openai", SECRET)
    both = Vault([NEW, OLD])
    assert both.unseal("openai", blob) == SECRET
    assert both.is_stale(blob)
    again = both.seal("openai", both.unseal("openai", blob))
    assert not both.is_stale(again)
    assert Vault([NEW]).unseal("openai", again) == SECRET


@pytest.mark.parametrize(
    ("name", "change", "says"),
    [
        ("elevenlabs", lambda blob: blob, "was changed"),
        ("openai", lambda blob: blob[:-1] + bytes([blob[-1] ^ 1]), "was changed"),
        ("openai", lambda blob: blob[:12] + bytes([blob[12] ^ 1]) + blob[13:], "was changed"),
        ("openai", lambda blob: blob[:1] + b"\0" * 8 + blob[9:], "key that is not here"),
        ("openai", lambda blob: b"\x02" + blob[1:], "not something this vault sealed"),
        ("openai", lambda blob: blob[:20], "not something this vault sealed"),
        ("openai", lambda blob: b"", "not something this vault sealed"),
    ],
)
def test_what_does_not_open_says_why(name: str, change, says: str) -> None:  # type: ignore[no-untyped-def]
    vault = Vault([OLD])
    with pytest.raises(VaultError, match=says) as refused:
        vault.unseal(name, change(vault.seal("openai", SECRET)))
    assert SECRET not in str(refused.value)


def test_another_key_is_a_clear_error() -> None:
    with pytest.raises(VaultError, match=f"add the former key to {VARIABLE}"):
        Vault([NEW]).unseal("openai", Vault([OLD]).seal("openai", SECRET))


def test_a_key_file_is_made_beside_the_database_and_kept(tmp_path: Path) -> None:
    blob = open_vault(tmp_path / "x.db", {}).seal("openai", SECRET)
    assert [file.name for file in tmp_path.iterdir()] == ["x.db.key"]
    assert open_vault(tmp_path / "x.db", {VARIABLE: " "}).unseal("openai", blob) == SECRET
    if sys.platform != "win32":
        assert (tmp_path / "x.db.key").stat().st_mode & 0o777 == 0o600


def test_keys_of_the_environment_go_before_the_file(tmp_path: Path) -> None:
    blob = open_vault(tmp_path / "x.db", {VARIABLE: f"{text(NEW)},{text(OLD)}"}).seal("openai", SECRET)
    assert Vault([NEW]).unseal("openai", blob) == SECRET
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("value", ["short", text(b"x" * 16), f"{text(OLD)},junk", ",", "ключ"])
def test_a_bad_key_is_refused_and_not_repeated(tmp_path: Path, value: str) -> None:
    with pytest.raises(VaultError, match="make one with python3") as refused:
        open_vault(tmp_path / "x.db", {VARIABLE: value})
    assert len(value) < 3 or value not in str(refused.value)


@pytest.mark.skipif(sys.platform == "win32", reason="modes of POSIX")
def test_a_key_file_others_can_read_is_refused(tmp_path: Path) -> None:
    open_vault(tmp_path / "x.db", {})
    os.chmod(tmp_path / "x.db.key", 0o644)
    with pytest.raises(VaultError, match="chmod 600"):
        open_vault(tmp_path / "x.db", {})


def test_an_empty_or_broken_key_file_is_never_overwritten(tmp_path: Path) -> None:
    for content in (b"", b"\xff\xfe", b"nonsense\n"):
        path = tmp_path / "x.db.key"
        path.touch(mode=0o600)
        path.write_bytes(content)
        with pytest.raises(VaultError):
            open_vault(tmp_path / "x.db", {})
        assert path.read_bytes() == content

"""Small secrets, sealed before they are stored.

AES-256-GCM rather than Fernet: it binds each blob to its name, so that a blob copied from one row to another does not
open, and it holds the id of its key, so that keys can be changed one by one. A blob is

    version (1 byte) · key id (8) · nonce (12) · ciphertext and tag

The keys come from `RECADO_VAULT_KEY` or from a file beside the database that only its owner may read; several keys are
separated by commas (lines in the file): the first one seals, all of them unseal. To change the key put a new one in
front, seal again what `is_stale`, then remove the old one.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from storage.store import StoreError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

VARIABLE = "RECADO_VAULT_KEY"
_VERSION = b"\x01"
_KEY, _ID, _NONCE, _TAG = 32, 8, 12, 16
_HEAD = len(_VERSION) + _ID + _NONCE


class VaultError(StoreError):
    """The keys, or what they sealed, cannot be used. The text says what to do and holds no secret."""


class Vault:
    """Seals and unseals with AES-256-GCM.

    keys: 32 random bytes each; the first seals, all unseal. Raises VaultError when there is none or one is short.
    """

    def __init__(self, keys: Sequence[bytes]) -> None:
        if not keys or any(len(key) != _KEY for key in keys):
            raise VaultError(f"a vault needs at least one key, and each of {_KEY} bytes: make one with {_RECIPE}")
        self._keys = {_key_id(key): key for key in reversed(keys)}
        self._first = _key_id(keys[0])

    def __repr__(self) -> str:
        return f"Vault({len(self._keys)} keys)"

    def seal(self, name: str, secret: str) -> bytes:
        """`secret`, readable only under the same name."""
        nonce = secrets.token_bytes(_NONCE)
        text = _cipher(self._keys[self._first]).encrypt(nonce, secret.encode(), name.encode())
        return _VERSION + self._first + nonce + text

    def unseal(self, name: str, blob: bytes) -> str:
        """Raises VaultError when no key fits, the name is another one or the blob was changed."""
        from cryptography.exceptions import InvalidTag

        key = self._keys.get(_sealed_by(name, blob))
        if key is None:
            raise VaultError(
                f"{name!r} was sealed with a key that is not here: add the former key to {VARIABLE} "
                "(after a comma) or to the key file, or enter the secret again"
            )
        try:
            return _cipher(key).decrypt(blob[_HEAD - _NONCE : _HEAD], blob[_HEAD:], name.encode()).decode()
        except InvalidTag:
            raise VaultError(f"{name!r} was changed after it was sealed: enter the secret again") from None

    def is_stale(self, blob: bytes) -> bool:
        """Sealed with another key than the one that seals now."""
        return blob[1 : 1 + _ID] != self._first


def has_key(beside: Path, environ: Mapping[str, str]) -> bool:
    """Whether `open_vault` finds one, and makes none."""
    return bool(environ.get(VARIABLE, "").strip()) or key_file(beside).exists()


def key_file(database: Path) -> Path:
    """Of the database at this path."""
    return database.with_name(database.name + ".key")


def open_vault(beside: Path, environ: Mapping[str, str]) -> Vault:
    """The vault of the database at `beside`: keys from the environment, else from `<database>.key`, made when missing.

    Raises VaultError.
    """
    if environ.get(VARIABLE, "").strip():
        return Vault(_keys(environ[VARIABLE].split(","), VARIABLE))
    path = key_file(beside)
    try:
        if not path.exists():
            _make(path)
        _private(path)
        return Vault(_keys(path.read_text("ascii").split(), str(path)))
    except (OSError, UnicodeDecodeError) as error:
        raise VaultError(f"the key file {path} cannot be used: {error}") from error


_RECIPE = "python3 -c 'import base64, os; print(base64.urlsafe_b64encode(os.urandom(32)).decode())'"


def _keys(texts: Sequence[str], source: str) -> list[bytes]:
    keys = [_decoded(text.strip()) for text in texts if text.strip()]
    if not keys or any(len(key) != _KEY for key in keys):
        raise VaultError(f"{source} does not hold {_KEY}-byte keys in base64: make one with {_RECIPE}")
    return keys


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text.encode("ascii"), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError):
        return b""


def _make(path: Path) -> None:
    """Written aside and linked into place: a crash leaves no empty key file, a race leaves one key and not two."""
    part = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    text = base64.urlsafe_b64encode(secrets.token_bytes(_KEY)) + b"\n"
    try:
        with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.link(part, path)
    except FileExistsError:
        return  # the other one's key is as good
    finally:
        part.unlink(missing_ok=True)


def _private(path: Path) -> None:
    if os.name != "nt" and path.stat().st_mode & 0o077:
        raise VaultError(f"others can read the key file {path}: chmod 600 {path}, and change the keys it protected")


def _sealed_by(name: str, blob: bytes) -> bytes:
    if len(blob) < _HEAD + _TAG or blob[:1] != _VERSION:
        raise VaultError(f"{name!r} is not something this vault sealed: enter the secret again")
    return blob[1 : 1 + _ID]


def _key_id(key: bytes) -> bytes:
    return hashlib.blake2b(key, digest_size=_ID, person=b"recado key id").digest()


def _cipher(key: bytes) -> AESGCM:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # slow to import, and seldom needed

    return AESGCM(key)

"""Nouns and durable facts: what exists, and what must still be known after a crash. Imports nothing of ours."""

from storage.media import MediaAway, MediaFolder, MediaRefused, MediaStore
from storage.sqlite import SqliteStore
from storage.store import AlreadyOpen, Fenced, NewerDatabase, Store, StoreError, Unavailable
from storage.vault import Vault, VaultError, open_vault

__all__ = [
    "AlreadyOpen",
    "Fenced",
    "MediaAway",
    "MediaFolder",
    "MediaRefused",
    "MediaStore",
    "NewerDatabase",
    "SqliteStore",
    "Store",
    "StoreError",
    "Unavailable",
    "Vault",
    "VaultError",
    "open_vault",
]

"""Where media are kept, as it is configured."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway import equipment
from gateway.config import ConfigError, Storage, parse
from storage.media import MediaFolder
from storage.s3 import S3Media
from tests.test_config import SOUND

SECRET = "never-in-a-sentence"


def storage(*lines: str, root: Path = Path("/etc/recado")) -> Storage:
    return parse("\n".join(["[storage]", *lines]) + "\n" + SOUND, root=root).storage


@pytest.mark.parametrize(
    ("lines", "media", "cache"),
    [
        ([], "/etc/recado/media", "/etc/recado/media/.cache"),
        (['media_dir = "/mnt/media"'], "/mnt/media", "/mnt/media/.cache"),
        (['media_dir = "/mnt/media"', 'cache_dir = "cache"'], "/mnt/media", "/etc/recado/cache"),
        (['media_dir = "s3://vozes"'], "s3://vozes", "/etc/recado/cache"),
        (['media_dir = "s3://vozes/a/b"', 'cache_dir = "/var/cache"'], "s3://vozes/a/b", "/var/cache"),
    ],
)
def test_where_things_lie(lines: list[str], media: str, cache: str) -> None:
    made = storage(*lines)
    assert (made.media_dir, made.cache_dir) == (media, cache)


def test_a_folder_or_a_bucket(tmp_path: Path) -> None:
    assert isinstance(equipment.media(storage(root=tmp_path)), MediaFolder)
    made = equipment.media(storage('media_dir = "s3://vozes/loja"', root=tmp_path))
    assert isinstance(made, S3Media)
    assert (made._bucket.name, made._bucket.prefix) == ("vozes", "loja")


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (['media_dir = "gs://vozes"'], "media_dir: a folder, or s3://bucket"),
        (['media_dir = "s3://"'], "media_dir: a folder, or s3://bucket"),
        (['media_dir = "s3://Vozes"'], "media_dir: a folder, or s3://bucket"),
        (['media_dir = "s3://vozes/../outro"'], "media_dir: a folder, or s3://bucket"),
        (['media_dir = "s3://vozes/a//b"'], "media_dir: a folder, or s3://bucket"),
        (['s3_endpoint = "http://minio:9000"'], "s3_endpoint: counts only with media_dir"),
        (['media_dir = "s3://vozes"', 's3_endpoint = "minio:9000"'], "s3_endpoint: is no http(s) address"),
        (['media_dir = "s3://vozes"', 's3_endpoint = "https://a:b@minio"'], "s3_endpoint: must not carry a user"),
        (['media_dir = "s3://vozes"', f's3_secret = "{SECRET}"'], "s3_key_id and s3_secret: set both"),
        (['media_dir = "s3://vozes"', 's3_key_id = "AKID"'], "s3_key_id and s3_secret: set both"),
    ],
)
def test_what_cannot_be_is_said(lines: list[str], says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        storage(*lines)
    assert says in str(caught.value)
    assert SECRET not in str(caught.value)

"""Where an archive lies: a folder, or a bucket of a store that speaks S3. What was put there once
is never written again.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from pathlib import Path
from typing import Any, Literal, Protocol

from pydantic import SecretStr

__all__ = ["ArchiveUnavailable", "Bucket", "Folder", "Shelf"]


class ArchiveUnavailable(Exception):
    """The archive cannot be written or read now; the text says why."""


class Shelf(Protocol):
    """A place for files."""

    @property
    def name(self) -> str:
        """Which one: the cursor of what follows the ledger goes by it."""
        ...

    async def put(self, path: str, content: bytes) -> bool:
        """Write a file that is not there; ``False``, and nothing done, where it is.

        Raises ``ArchiveUnavailable``.
        """
        ...

    async def get(self, path: str) -> bytes | None:
        """What a file holds; ``None`` where there is none. Raises ``ArchiveUnavailable``."""
        ...


class Folder:
    """Files in a folder: written beside, flushed to the disk, then linked under their name, which
    fails where that is taken.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def name(self) -> str:
        """See ``Shelf``."""
        return f"folder:{self._folder.absolute()}"

    async def put(self, path: str, content: bytes) -> bool:
        """See ``Shelf``."""
        return await asyncio.to_thread(self._put, self._folder / path, content)

    async def get(self, path: str) -> bytes | None:
        """See ``Shelf``."""
        try:
            return await asyncio.to_thread((self._folder / path).read_bytes)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ArchiveUnavailable(str(error)) from error

    def _put(self, file: Path, content: bytes) -> bool:
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=file.parent, prefix=".part-") as part:
                part.write(content)
                part.flush()
                os.fsync(part.fileno())
                Path(part.name).chmod(0o444)
                file.hardlink_to(part.name)
            _flush(file.parent)
        except FileExistsError:
            return False
        except OSError as error:
            raise ArchiveUnavailable(str(error)) from error
        return True


def _flush(folder: Path) -> None:
    """Let the names in a folder outlive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class Bucket:
    """A bucket, by ``obstore`` (the extra ``tallyport[s3]``), which signs every request.

    ``conditional`` lets the server itself refuse a second write (``If-None-Match: *``). Without,
    for servers that do not know that, it is asked before; whoever else writes there meanwhile is
    then not noticed.
    """

    def __init__(
        self,
        url: str,
        endpoint: str = "",
        region: str = "us-east-1",
        access_key: str = "",
        secret_key: SecretStr | None = None,
        *,
        conditional: bool = True,
    ) -> None:
        from obstore.store import S3Store  # noqa: PLC0415 (an extra)

        self._url, self._conditional = url, conditional
        bucket, _, prefix = url.removeprefix("s3://").partition("/")
        config: dict[str, Any] = {"region": region, "virtual_hosted_style_request": not endpoint}
        if endpoint:
            config["endpoint"] = endpoint
        if access_key and secret_key is not None:
            config |= {
                "access_key_id": access_key, "secret_access_key": secret_key.get_secret_value(),
            }  # fmt: skip
        self._store: Any = S3Store(
            bucket,
            prefix=prefix or None,
            config=config,  # type: ignore[arg-type]  # a typed dictionary, built by parts
            client_options={"allow_http": endpoint.startswith("http://"), "timeout": "30s"},
            retry_config={"max_retries": 2},
        )

    @property
    def name(self) -> str:
        """See ``Shelf``."""
        return self._url

    async def put(self, path: str, content: bytes) -> bool:
        """See ``Shelf``."""
        import obstore  # noqa: PLC0415 (an extra)
        from obstore import exceptions  # noqa: PLC0415

        if not self._conditional and await self.get(path) is not None:
            return False
        mode: Literal["create", "overwrite"] = "create" if self._conditional else "overwrite"
        try:
            await obstore.put_async(self._store, path, content, mode=mode, use_multipart=False)
        except exceptions.AlreadyExistsError:
            return False
        except (exceptions.BaseError, OSError) as error:
            raise ArchiveUnavailable(_said(error)) from error
        return True

    async def get(self, path: str) -> bytes | None:
        """See ``Shelf``."""
        import obstore  # noqa: PLC0415 (an extra)
        from obstore import exceptions  # noqa: PLC0415

        try:
            found = await obstore.get_async(self._store, path)
            return bytes(await found.bytes_async())
        except FileNotFoundError:
            return None
        except (exceptions.BaseError, OSError) as error:
            raise ArchiveUnavailable(_said(error)) from error


def _said(error: Exception) -> str:
    return " ".join(str(error).partition("Debug source")[0].split())[:500]

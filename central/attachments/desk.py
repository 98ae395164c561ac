"""Where files are attached, given out, removed and swept: the folder and the index together."""

from __future__ import annotations

import asyncio

import structlog
from sqlalchemy import Connection

from central.attachments import store, subjects
from central.attachments.folder import Coming, Folder
from central.attachments.model import (
    Attachment,
    AttachmentRefused,
    Content,
    Kind,
    Media,
    WrongType,
    named,
)
from central.catalogue.changes import Told
from central.config import AttachmentsSection
from central.database.store import Database

__all__ = ["AttachmentDesk"]

_log = structlog.get_logger("central")
_DAY_S = 86_400


class AttachmentDesk:
    """Attachments in ``folder``, by the rules of the settings. What takes a connection runs in a
    transaction of the caller's.
    """

    def __init__(self, folder: Folder, rules: AttachmentsSection) -> None:
        self.folder = folder
        self.rules = rules

    def coming(self) -> Coming:
        """A file that is to be received, at most as large as allowed. Raises OSError."""
        return self.folder.coming(self.rules.most_mib << 20)

    def wanted(self, to: tuple[Kind, str], name: str, content: Content, told: Told) -> Attachment:
        """What a received file becomes. Raises ``AttachmentRefused``, ``WrongType``."""
        media = self._checked(content)
        return Attachment(
            kind=to[0], subject=to[1], sha256=content.sha256, name=named(name, content, media),
            media=media, bytes=content.bytes, added_us=told.at_us, added_by=told.by,
        )  # fmt: skip

    def _checked(self, content: Content) -> Media:
        if not content.bytes:
            raise AttachmentRefused("the file is empty: its bytes are the body of the request")
        if content.media is None or content.media not in self.rules.types:
            taken = ", ".join(self.rules.types)
            found = content.media or "none that is known here (text has to be UTF-8)"
            raise WrongType(f"by its content its type is {found}; taken are {taken}")
        return content.media

    def attach(
        self, conn: Connection, wanted: Attachment, coming: Coming
    ) -> tuple[Attachment, bool]:
        """Attach a finished file; whether it was attached before. Raises ``TooMany`` and what
        ``subjects.check`` raises.
        """
        subjects.check(conn, wanted.kind, wanted.subject)
        done = store.add(conn, wanted, self.rules.most_each)
        self.folder.place(coming, wanted.sha256)
        return done

    def remove(self, conn: Connection, to: tuple[Kind, str], sha256: str, told: Told) -> None:
        """Let a file belong there no more; the file itself stays for ``keep_days``, for backups of
        the database that name it. Raises ``NoSuchAttachment``.
        """
        subjects.check(conn, *to)
        store.remove(conn, *to, sha256, told)
        if not store.is_attached(conn, sha256):
            self.folder.renew(sha256)

    async def sweep(self, database: Database) -> None:
        """Delete the files that have belonged to nothing for ``keep_days``."""
        kept_s = self.rules.keep_days * _DAY_S
        await asyncio.to_thread(self.folder.drop_unfinished)
        old = await asyncio.to_thread(self.folder.old, kept_s)
        if not await database.read(lambda c: store.unattached(c, old)):
            return

        def drop(conn: Connection) -> int:
            gone = store.unattached(conn, self.folder.old(kept_s))
            self.folder.drop(gone)
            return len(gone)

        _log.info("attachments_swept", files=await database.write(drop))

"""The real PostgreSQL, as tests name it."""

from __future__ import annotations

from benchmarks.servers.postgres import fresh_database, postgres_folder, running_postgres, why_not

__all__ = ["fresh_database", "postgres_folder", "running_postgres", "why_not"]

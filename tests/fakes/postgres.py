"""The real PostgreSQL, as tests name it."""

from __future__ import annotations

import psycopg

from benchmarks.servers.postgres import fresh_database, postgres_folder, running_postgres, why_not

__all__ = ["drop_database", "fresh_database", "postgres_folder", "running_postgres", "why_not"]


def drop_database(url: str) -> None:
    """Drop a database that ``fresh_database`` made, whoever is still connected to it."""
    server, _, name = url.replace("+psycopg", "").rpartition("/")
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'.encode())

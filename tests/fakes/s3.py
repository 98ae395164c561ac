"""A server that speaks S3, checks signatures and knows If-None-Match: moto's, as a process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import boto3

from tests.fakes.influxd import free_port, wait_for_http

_UNSIGNED = 3
"""The first requests make a user, a key and what that may do; those behind them must be signed."""
_ALLOWED = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}],
}


class Store(NamedTuple):
    """Where it is, and a key that it takes."""

    endpoint: str
    access_key: str
    secret_key: str

    def make(self, bucket: str) -> None:
        """Add an empty bucket."""
        _client("s3", self).create_bucket(Bucket=bucket)


def _client(service: str, store: Store) -> Any:
    return boto3.client(
        service,
        endpoint_url=store.endpoint,
        region_name="us-east-1",
        aws_access_key_id=store.access_key,
        aws_secret_access_key=store.secret_key,
    )


@contextmanager
def running_s3(folder: Path) -> Iterator[Store]:
    """Start one on a free port, and end it."""
    port = free_port()
    environment = os.environ | {"INITIAL_NO_AUTH_ACTION_COUNT": str(_UNSIGNED)}
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with (folder / "s3.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
        try:
            wait_for_http(port, "/moto-api/data.json", process)
            yield _with_key(f"http://127.0.0.1:{port}")
        finally:
            process.terminate()
            process.wait(30)


def _with_key(endpoint: str) -> Store:
    people = _client("iam", Store(endpoint, "none", "none"))
    people.create_user(UserName="central")
    key = people.create_access_key(UserName="central")["AccessKey"]
    people.put_user_policy(
        UserName="central", PolicyName="archive", PolicyDocument=json.dumps(_ALLOWED)
    )
    return Store(endpoint, key["AccessKeyId"], key["SecretAccessKey"])

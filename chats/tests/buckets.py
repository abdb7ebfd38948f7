"""A real S3 server for tests, which have the mark `xdist_group("s3")`: one runs at a time."""

import subprocess
from collections.abc import Iterator

import boto3
import pytest

from chatapi.tests.installation import BIN, free_port, wait_for

KEYS = {"aws_access_key_id": "key", "aws_secret_access_key": "a secret"}


@pytest.fixture(scope="module")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """SeaweedFS in one process, with one key and one bucket."""
    folder = tmp_path_factory.mktemp("s3")
    (folder / "s3.json").write_text(
        '{"identities": [{"name": "chat", "actions": ["Admin", "Read", "Write", "List"],'
        ' "credentials": [{"accessKey": "key", "secretKey": "a secret"}]}]}'
    )
    ports = {name: free_port() for name in ("master", "volume", "filer", "s3")}
    grpc = {f"{name}.port.grpc": free_port() for name in ports}
    # Catalogs that nothing here needs have fixed ports, which another server may have.
    off = {"s3.port.iceberg": 0, "s3.port.lance": 0}
    flags = {f"{name}.port": port for name, port in ports.items()} | grpc | off
    command = [
        str(BIN / "weed"),
        "server",
        "-s3",
        f"-dir={folder}",
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
        f"-s3.config={folder / 's3.json'}",
        "-master.volumeSizeLimitMB=64",
        "-volume.max=20",
        *(f"-{name}={port}" for name, port in flags.items()),
    ]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)
    url = f"http://127.0.0.1:{ports['s3']}"
    client = boto3.client("s3", endpoint_url=url, region_name="us-east-1", **KEYS)

    def ready() -> bool:
        try:
            client.create_bucket(Bucket="files")
            client.put_object(Bucket="files", Key="probe", Body=b"x")
            client.delete_object(Bucket="files", Key="probe")
        except Exception as error:
            return "BucketAlreadyExists" in str(error)
        return True

    try:
        wait_for(ready, 60)
        yield url
    finally:
        server.kill()
        server.wait(20)

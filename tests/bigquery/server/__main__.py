"""BigQuery of the tests: `server FOLDER`, run by the Python of `.venv-bigquery`.

Serves REST and Storage on random loopback ports, keeps everything in memory, writes FOLDER/ready.json
and ends when its stdin closes. Each function of `PATCHES` fixes one thing in which the emulator is
unlike BigQuery; what they cannot fix stands in proxy.py.
"""

import asyncio
import gc
import json
import os
import sys
from pathlib import Path

import function_patches
import job_patches
import parse_patches
import read_patches
import snapshot_patches
import table_patches
import translation_patches
from bqemulator.config import Settings
from bqemulator.server import EmulatorServer

STORAGE_MESSAGE_BYTES = 1024**3


async def serve(folder: Path) -> None:
    for patch in (
        *function_patches.PATCHES,
        *job_patches.PATCHES,
        *parse_patches.PATCHES,
        *read_patches.PATCHES,
        *snapshot_patches.PATCHES,
        *table_patches.PATCHES,
        *translation_patches.PATCHES,
    ):
        patch()
    server = EmulatorServer(
        Settings(
            rest_port=0,
            grpc_port=0,
            log_level="critical",
            enable_format_extensions=False,  # Avro, which would be downloaded
            upload_staging_dir=folder,
            write_api_max_request_bytes=STORAGE_MESSAGE_BYTES,
        )
    )
    await server.start()
    ready = {"rest": server.rest_url, "storage": server.grpc_endpoint}
    written = folder / "ready.part"
    written.write_text(json.dumps(ready))
    written.replace(folder / "ready.json")  # whole or not there
    await asyncio.to_thread(sys.stdin.buffer.read)
    os._exit(0)  # there is nothing to keep: waiting for open connections would take seconds


if __name__ == "__main__":
    # Parse trees come and go by the million: looking for garbage at each step took a third of the time.
    gc.freeze()
    gc.set_threshold(200_000, 20, 100)
    asyncio.run(serve(Path(sys.argv[1])))

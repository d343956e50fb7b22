"""`python -m simulator`: a Metronome on loopback."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import functools
import json
import os
import signal
import sys
from pathlib import Path

import orjson

from simulator.http import Token
from simulator.seed import seeded
from simulator.server import serve_connection
from simulator.service import Service
from simulator.world import World


def arguments(words: list[str]) -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(prog="python -m simulator", description="A Metronome that runs here.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: loopback only)")
    parser.add_argument("--port", type=int, default=8790, help="0 takes a free one")
    parser.add_argument("--port-file", type=Path, help="write the port here once it listens")
    parser.add_argument("--seed", type=int, default=7, help="the same number gives the same world")
    parser.add_argument("--customers", type=int, default=2_500)
    parser.add_argument("--plans", type=int, default=12)
    parser.add_argument("--latency-ms", type=float, default=0.0, help="added to every answer")
    parser.add_argument("--rate", type=float, default=0.0, help="requests a second; 0 is no limit")
    parser.add_argument("--token", default="simulator-token", help="opens the seeded account")
    parser.add_argument("--state", type=Path, help="restore from this file, and save to it at the end")
    return parser.parse_args(words)


def service_for(options: argparse.Namespace) -> Service:
    """The service with its tokens: a writing one, a reading one, and one of another account."""
    make = functools.partial(seeded, customers=options.customers, plans=options.plans, seed=options.seed)
    tokens = {
        options.token: Token("main", "Countersign worker"),
        "simulator-read-only": Token("main", "Reporting", read_only=True),
        "simulator-other-account": Token("other", "Another account"),
    }
    kept = None
    if options.state and options.state.exists():
        kept = {
            name: World.restore(state) for name, state in orjson.loads(options.state.read_bytes()).items()
        }
    service = Service(
        tokens,
        make_world=(lambda: kept["main"]) if kept else make,
        latency_seconds=options.latency_ms / 1000,
        rate=options.rate,
    )
    service.worlds.update(kept or {})
    return service


def save(service: Service, path: Path) -> None:
    """Write every account's state beside `path`, then put it in place."""
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps({name: world.snapshot() for name, world in service.worlds.items()}), "utf-8")
    os.replace(fresh, path)


async def run(options: argparse.Namespace) -> None:
    """Serve until told to stop."""
    service = service_for(options)
    server = await asyncio.start_server(
        functools.partial(serve_connection, service), options.host, options.port, backlog=512
    )
    port = server.sockets[0].getsockname()[1]
    if options.port_file:
        options.port_file.write_text(f"{port}\n", "utf-8")
    sys.stdout.write(f"simulator listening on http://{options.host}:{port}\n")
    sys.stdout.flush()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()
    server.close()
    if options.state:
        save(service, options.state)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(run(arguments(sys.argv[1:])))

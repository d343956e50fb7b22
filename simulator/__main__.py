"""`python -m simulator`: a Metronome on loopback."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import functools
import ipaddress
import math
import os
import secrets
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

from simulator.http import ApiError, Token
from simulator.limits import Limits
from simulator.plane.commands import worlds_of
from simulator.records import shapes
from simulator.routes import ROUTES
from simulator.seed import LIMITS, seeded
from simulator.server import serve_connection
from simulator.service import Service
from simulator.webhooks import Sender
from simulator.world import World

TRIAL_CUSTOMERS = 5


def between(least: float, most: float, kind: type = int) -> Callable[[str], Any]:
    """A number of the command line within its bounds."""

    def read(text: str) -> Any:
        try:
            number = kind(text)
        except ValueError:
            number = math.nan
        if not least <= number <= most:
            words = "a whole number" if kind is int else "a number"
            raise argparse.ArgumentTypeError(f"{text!r} is not {words} between {least:,} and {most:,}")
        return number

    return read


def family_rate(text: str) -> tuple[str, float]:
    """`contracts=2`: a family of routes and its requests a second."""
    family, equals, rate = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not FAMILY=PER_SECOND")
    known = sorted({route.family for route in ROUTES.values()})
    if family not in known:
        raise argparse.ArgumentTypeError(f"{family!r} is no family; there are {', '.join(known)}")
    return family, between(0, 1_000_000, float)(rate)


def arguments(words: list[str]) -> argparse.Namespace:
    """What the command line says; ends the program with a sentence when it makes no sense."""
    parser = argparse.ArgumentParser(prog="python -m simulator", description="A Metronome that runs here.")
    where = parser.add_argument_group("where it listens")
    where.add_argument("--host", default="127.0.0.1", help="address to listen on (default: loopback only)")
    where.add_argument(
        "--port", type=between(0, 65_535), default=8790, help="0 takes a free one (default: 8790)"
    )
    where.add_argument(
        "--control-token",
        default=os.environ.get("SIMULATOR_CONTROL_TOKEN") or None,
        help="what /_sim asks for; off loopback one is made up and printed if none is given here or in "
        "SIMULATOR_CONTROL_TOKEN (default on loopback: none)",
    )
    where.add_argument("--port-file", type=Path, help="write the port here once it listens")
    world = parser.add_argument_group("the world it begins with")
    world.add_argument(
        "--seed", type=between(*LIMITS["seed"]), default=7, help="a number gives one world (default: 7)"
    )
    world.add_argument(
        "--customers", type=between(*LIMITS["customers"]), default=2_500, help="(default: 2500)"
    )
    world.add_argument("--plans", type=between(*LIMITS["plans"]), default=12, help="(default: 12)")
    world.add_argument(
        "--contracts",
        type=between(*LIMITS["contracts"], float),
        help="share of customers that have one, 0 to 1",
    )
    world.add_argument("--months", type=between(*LIMITS["months"]), help="of history")
    world.add_argument(
        "--churn", type=between(*LIMITS["churn"], float), help="share of customers archived, 0 to 1"
    )
    world.add_argument(
        "--state", type=Path, help="restore from this file if it is there, and save to it at the end"
    )
    world.add_argument(
        "--hostile",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="first customers with names that are meant to hurt (default: yes)",
    )
    limits = parser.add_argument_group("how it behaves")
    limits.add_argument(
        "--latency",
        "--latency-ms",
        dest="latency_ms",
        metavar="MILLISECONDS",
        type=between(0, 600_000, float),
        default=0.0,
        help="added to every answer",
    )
    limits.add_argument(
        "--rate",
        metavar="PER_SECOND",
        type=between(0, 1_000_000, float),
        default=0.0,
        help="requests a second of an account; 0 is no limit (default)",
    )
    limits.add_argument(
        "--family-rate",
        metavar="FAMILY=PER_SECOND",
        type=family_rate,
        action="append",
        default=[],
        help="the same for one family of routes, such as contracts=2; may be repeated",
    )
    limits.add_argument(
        "--retry-after",
        metavar="SECONDS",
        type=between(0, 3_600, float),
        help="sent with 429; without it there is none, as in the real service",
    )
    limits.add_argument(
        "--trial",
        metavar="CUSTOMERS",
        nargs="?",
        type=between(1, 1_000_000),
        const=TRIAL_CUSTOMERS,
        default=0,
        help=f"a trial account: at most so many active customers ({TRIAL_CUSTOMERS} if no number is given)",
    )
    limits.add_argument(
        "--keep",
        metavar="ROWS",
        type=between(1, 10_000_000),
        default=World.keep,
        help="of effects, audit log and usage events keep at least so many, the newest; twice as many at "
        f"most (default: {World.keep})",
    )
    limits.add_argument("--token", default="simulator-token", help="opens the seeded account")
    options = parser.parse_args(words)
    for name, token in (("--token", options.token), ("--control-token", options.control_token)):
        if token is not None and (
            not token.isascii() or not token.isprintable() or " " in token or not token
        ):
            parser.error(f"{name} must be printable ASCII without spaces")
    for path in (options.state, options.port_file):
        if path is not None and (path.is_dir() or not path.absolute().parent.is_dir()):
            parser.error(f"{path} can't be written: it is a folder, or its folder doesn't exist")
    return options


def service_for(options: argparse.Namespace) -> Service:
    """The service with its tokens: a writing one, a reading one, and one of another account.

    Raises ApiError, OSError or ValueError for a state file that holds no state.
    """
    World.keep = options.keep
    seeding = {"customers": options.customers, "plans": options.plans, "seed": options.seed}
    seeding["hostile"] = options.hostile
    for name in ("contracts", "months", "churn"):
        if getattr(options, name) is not None:
            seeding[name] = getattr(options, name)

    def make() -> Any:
        world = seeded(**seeding)
        world.trial_limit = options.trial
        return world

    kept = {}
    if options.state and options.state.exists():
        kept = worlds_of(orjson.loads(options.state.read_bytes()))
    return Service(
        tokens={
            options.token: Token("main", "API token"),
            "simulator-read-only": Token("main", "Reporting", read_only=True),
            "simulator-agent": Token("main", "Agent", agentic=True),
            "simulator-other-account": Token("other", "Another account"),
        },
        make_world=make,
        latency_seconds=options.latency_ms / 1000,
        limits=Limits(
            account=options.rate, families=dict(options.family_rate), retry_after=options.retry_after
        ),
        worlds=kept,
        control_token=options.control_token,
    )


def save(service: Service, path: Path) -> None:
    """Write every account's state beside `path`, then put it in place: never half a file.

    What was loaded is thrown away: its token opens nothing after a restart.
    """
    fresh = path.with_name(f"{path.name}.new")
    with fresh.open("wb") as file:
        kept = {name: each for name, each in service.worlds.items() if name not in service.loaded}
        file.write(orjson.dumps({name: world.snapshot() for name, world in kept.items()}))
        file.flush()
        os.fsync(file.fileno())
    os.replace(fresh, path)


async def run(options: argparse.Namespace, service: Service) -> None:
    """Serve until told to stop. Raises OSError when the address can't be had."""
    server = await asyncio.start_server(
        functools.partial(serve_connection, service), options.host, options.port, backlog=512
    )
    port = server.sockets[0].getsockname()[1]
    if options.port_file:
        options.port_file.write_text(f"{port}\n", "utf-8")
    url = f"http://{f'[{options.host}]' if ':' in options.host else options.host}:{port}"
    sys.stdout.write(f"simulator listening on {url}\nplay the other side at {url}/_sim/\n")
    sys.stdout.flush()
    asyncio.get_running_loop().run_in_executor(None, shapes.build)  # else the first load waits for it
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    sending = asyncio.create_task(Sender(service).run())
    await stop.wait()
    sending.cancel()
    server.close()


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches it."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def main(words: list[str]) -> int:
    """Run; 1 when it can't begin, with a sentence that says why."""
    options = arguments(words)
    if not is_loopback(options.host):
        sys.stderr.write("simulator: whoever reaches this address can read and change its accounts\n")
        if options.control_token is None:
            options.control_token = secrets.token_urlsafe(24)
            sys.stderr.write(f"simulator: /_sim asks for the token {options.control_token}\n")
    try:
        service = service_for(options)
    except (OSError, ValueError, ApiError) as problem:
        sys.stderr.write(f"simulator: {options.state} can't be restored: {problem}\n")
        return 1
    try:
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(run(options, service))
    except OSError as problem:
        sys.stderr.write(f"simulator: {options.host}:{options.port}: {problem.strerror or problem}\n")
        return 1
    try:
        if options.state:
            save(service, options.state)
    except OSError as problem:
        sys.stderr.write(f"simulator: {options.state} can't be saved: {problem.strerror or problem}\n")
        return 1
    return 0


def command() -> int:
    """The console script: `metronome-simulator`."""
    return main(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(command())

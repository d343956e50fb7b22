"""Requests that mean well and requests that don't, made by a seed from the routes and the SDK's own types."""

from __future__ import annotations

import random
import re
import types
import typing
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

import orjson
from typing_extensions import is_typeddict

from simulator.routes import ROUTES
from simulator.routing import NAMES, Route
from simulator.shapes import members_of

MOST_IDS = 200
TIMES = [
    "2025-01-01T00:00:00Z",
    "2026-02-01T00:00:00.000Z",
    "2027-03-01T05:00:00+05:00",
    "2026-11-30T23:00:00Z",
]
TIMES += [
    f"{datetime.now(UTC) + timedelta(days=days):%Y-%m-%dT00:00:00Z}" for days in (-40, -2, -1, 0, 3, 30)
]
HOSTILE_TIMES = [
    "2026-02-30T00:00:00Z",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    "2026-01-01",
]
HOSTILE_TIMES += ["2999-12-31T23:00:00Z", "1970-01-01T00:00:00Z", "2026-01-01T00:30:00Z", "-1", "1e9"]
TEXTS = [
    "Alder",
    "usage",
    "USD",
    "erp_id",
    "segment",
    "enterprise",
    "api_calls",
    "sum",
    "2.5",
    "x" * 128,
    "1",
]
HOSTILE_TEXTS = [
    "",
    "\x00",
    "a\x00b",
    "x" * 129,
    "x" * 10_000,
    "💶" * 200,
    "\ufeff",
    "../../etc/passwd",
    "NaN",
    "∞",
]
HOSTILE_TEXTS += [
    "=1+1",
    "' OR 1=1 --",
    "<script>",
    "%00",
    "{}",
    "null",
    "\u202e",
    "\ud7ff\ue000",
    "-0",
    "1e400",
]
HOSTILE_TEXTS += [
    *HOSTILE_TIMES,
    "00000000-0000-0000-0000-000000000000",
    "ffffffff-ffff-4fff-bfff-ffffffffffff",
]
HOSTILE_NUMBERS = [
    0,
    -1,
    1,
    0.1,
    -0.0,
    1e15,
    -1e15,
    1e16,
    1e308,
    -1e308,
    5e-324,
    2**63,
    2**64 - 1,
    10**15 + 1,
    1e-9,
]
DEEP: Any = "down"
for _level in range(40):
    DEEP = [DEEP] if _level % 2 else {"a": DEEP}
HOSTILE = [None, True, False, [], {}, [[]], [None], [{}], {"": ""}, {"a": {"b": None}}, DEEP]
HOSTILE += [*HOSTILE_NUMBERS, *HOSTILE_TEXTS, [""] * 300, ["x"] * 3, {"data": [1]}, [1, "a", None, {}]]
HOSTILE_BODIES = [
    b"{",
    b"[]",
    b"null",
    b"1",
    b'"text"',
    b"\xff\xfe",
    b"\x00",
    b'{"a":NaN}',
    b'{"name":"\\ud800"}',
]
HOSTILE_BODIES += [
    b"[" * 20_000,
    b'{"a":' * 900 + b"1" + b"}" * 900,
    b'{"a":1e999}',
    b'{"name":"x","name":1}',
    b" ",
]


class Dice:
    """A generator of requests. `learn` shows it answers, whose ids and cursors it uses from then on."""

    def __init__(self, seed: int, snapshot: Any) -> None:
        self.random = random.Random(seed)
        self._ids: defaultdict[str, list[str]] = defaultdict(list)
        self._records: list[dict[str, str]] = []  # ids that belong together
        self._record: dict[str, str] = {}
        self._noun, self._keep_share, self._last = "", 0.0, None
        self._good: defaultdict[str, list[Any]] = defaultdict(list)  # what was taken, by route
        self.learn(snapshot)

    def request(self) -> tuple[Route, str, str, dict[str, str], bytes]:
        """A route, its method and path with ids, a query and a body."""
        route = ROUTES[self.random.choice(sorted(ROUTES))]
        while "rchive" in route.name and self._by_chance(0.8):  # or everything would soon be archived
            route = ROUTES[self.random.choice(sorted(ROUTES))]
        self._noun, self._keep_share = noun_of(route), self.random.choice([0, 0.1, 0.3, 0.6])
        self._record = self._related()
        method, template = route.name.split(" ", 1)
        path = NAMES.sub(lambda found: quote(self._path_id(found[1]), safe=""), template)
        given: Any = {} if route.shape is None else self.value(route.shape.annotation)
        good = self._good[route.name]
        if good and self._by_chance(0.3):
            given = self.random.choice(good)
        self._last = given
        in_body = method in ("POST", "PUT")
        query = (
            {} if in_body or not isinstance(given, dict) else {k: self._text_of(v) for k, v in given.items()}
        )
        body = orjson.dumps(given) if in_body else b""
        if self._by_chance(0.35):
            query |= self._hostile_query()
        if in_body and self._by_chance(0.4):
            body = self._hostile_body(given)
        return route, method, path, query, body

    def accepted(self, route: Route, answer: Any) -> None:
        """The last request was answered with 200."""
        self._put(self._good[route.name], self._last)
        self.learn(answer, self._noun)
        made = answer.get("data") if isinstance(answer, dict) else None
        if isinstance(made, dict) and isinstance(made.get("id"), str) and isinstance(self._last, dict):
            sent = {name: each for name, each in self._last.items() if name.endswith("_id")}
            self._put(self._records, self._record | sent | {f"{self._noun}_id": made["id"]})

    def learn(self, value: Any, noun: str = "") -> None:
        """Keep ids and cursors. `noun` is what an `id` at the top of the answer is the id of."""
        if isinstance(value, list):
            for each in value[:20]:
                self.learn(each, noun)
        if not isinstance(value, dict):
            return
        record = {}
        for name, each in value.items():
            if isinstance(each, str) and (name.endswith("id") or name in ("next_page", "cursor")):
                known_as = f"{noun}_id" if noun and name == "id" else name
                record[known_as] = each
                self._put(self._ids[known_as], each)
            elif isinstance(each, dict | list):
                inner = noun if name == "data" or UUID.fullmatch(name) else name.rstrip("s")
                self.learn(each, inner)
        if len(record) > 1:
            self._put(self._records, record)

    def value(self, hint: Any, name: str = "", depth: int = 0) -> Any:
        """A plausible JSON value of a type of the SDK."""
        origin, arguments = typing.get_origin(hint), typing.get_args(hint)
        if origin in (typing.Required, typing.NotRequired):
            return self.value(arguments[0], name, depth)
        if origin is typing.Annotated:
            is_time = any(getattr(extra, "format", None) == "iso8601" for extra in hint.__metadata__)
            return self._time() if is_time else self.value(arguments[0], name, depth)
        if origin is typing.Literal:
            return self.random.choice(arguments)
        if origin in (typing.Union, types.UnionType):
            return self.value(self.random.choice(arguments), name, depth)
        if is_typeddict(hint):
            keep = self._keep_share if depth < 5 else 0
            return {
                wire: self.value(inner, wire, depth + 1)
                for wire, (_name, inner, required) in members_of(hint).items()
                if required or self._by_chance(keep / 4 if wire == "custom_fields" else keep)
            }
        if hint is dict or origin in (dict, Mapping):
            inner = arguments[1] if arguments else str
            return {self.random.choice(TEXTS): self.value(inner, "", depth + 1)}
        if hint in (str, int, float, bool, types.NoneType):
            return self._plain(hint, name)
        if isinstance(origin or hint, type) and not issubclass(origin or hint, Iterable):
            return self.random.choice(TEXTS)
        inner = arguments[0] if arguments else str
        return [
            self.value(inner, name.rstrip("s"), depth + 1)
            for _each in range(self.random.choice([0, 1, 1, 2]))
        ]

    def _plain(self, hint: Any, name: str) -> Any:
        if hint is types.NoneType:
            return None
        if hint is bool:
            return self._by_chance(0.5)
        if hint in (int, float):
            return self.random.choice([1, 2, 5, 10, 100, 0, 50] + ([] if hint is int else [0.5, 12.75]))
        if name in ("next_page", "cursor") and self._by_chance(0.3):
            return self._known(name)
        if name.endswith(("id", "ids")):
            return self._known(name)
        if name.endswith(("timestamp", "_at", "_on", "_before", "date")):
            return self._time()
        return self.random.choice(TEXTS) + (str(self.random.randrange(1000)) if self._by_chance(0.5) else "")

    def _time(self) -> str:
        return self.random.choice(TIMES) if self._by_chance(0.95) else self.random.choice(HOSTILE_TIMES)

    def _path_id(self, name: str) -> str:
        if self._by_chance(0.1):
            return self.random.choice(HOSTILE_TEXTS) or "x"
        return "stripe" if name == "billing_provider_type" else self._known(name)

    def _known(self, name: str) -> str:
        """An id that exists: of the record that this request is about, of the right kind, or of any."""
        name = f"{self._noun}_id" if name == "id" else name
        if name in self._record and self._by_chance(0.9):
            return self._record[name]
        pool = self._ids.get(name) or next((self._ids[each] for each in self._ids if each in name), [])
        if not pool or self._by_chance(0.05):
            pool = self._ids[self.random.choice(sorted(self._ids))]
        return self.random.choice(pool)

    def _related(self) -> dict[str, str]:
        """Ids that belong together, of a kind that this route is about if there are any."""
        fitting = [each for each in self._records if f"{self._noun}_id" in each or self._by_chance(0.05)]
        return self.random.choice(fitting or self._records or [{}])

    def _put(self, pool: list[Any], one: Any) -> None:
        if len(pool) < MOST_IDS:
            pool.append(one)
        else:
            pool[self.random.randrange(MOST_IDS)] = one

    def _hostile_query(self) -> dict[str, str]:
        names = [
            "limit",
            "next_page",
            "customer_ids",
            "status",
            "sort",
            "starting_on",
            "ending_before",
            "foo",
            "",
        ]
        return {self.random.choice(names): self._text_of(self.random.choice(HOSTILE)) for _each in range(2)}

    def _hostile_body(self, given: Any) -> bytes:
        if self._by_chance(0.15):
            return self.random.choice(HOSTILE_BODIES)
        for _change in range(self.random.choice([1, 1, 1, 2, 3])):
            given = self._spoiled(given)
        return orjson.dumps(given)

    def _spoiled(self, value: Any) -> Any:
        """The value with one part of it, or itself, made hostile, left out or renamed."""
        if isinstance(value, dict) and value and self._by_chance(0.9):
            name = self.random.choice(sorted(value))
            rest = {key: each for key, each in value.items() if key != name}
            if self._by_chance(0.1):
                return rest
            return rest | {name + ("x" if self._by_chance(0.03) else ""): self._spoiled(value[name])}
        if isinstance(value, list) and value and self._by_chance(0.8):
            place = self.random.randrange(len(value))
            return [*value[:place], self._spoiled(value[place]), *value[place + 1 :]]
        if isinstance(value, str) and self._by_chance(0.5):
            return self.random.choice(HOSTILE_TEXTS)
        if isinstance(value, int | float) and self._by_chance(0.5):
            return self.random.choice(HOSTILE_NUMBERS)
        return self.random.choice(HOSTILE)

    def _text_of(self, value: Any) -> str:
        if isinstance(value, list):
            return ",".join(map(str, value))
        return str(value).lower() if isinstance(value, bool) else str(value)

    def _by_chance(self, chance: float) -> bool:
        return self.random.random() < chance


UUID = re.compile("[0-9a-f-]{36}")


def target_of(path: str, query: dict[str, str]) -> str:
    """Path and query as they travel."""
    return path + (f"?{urlencode(query, errors='replace')}" if query else "")


def noun_of(route: Route) -> str:
    """What a route is about: `POST /v1/contract-pricing/rate-cards/create` → `rate_card`."""
    plurals = [part for part in route.name.split("/")[2:] if part.endswith("s") and "et" not in part]
    noun = re.sub("([A-Z])", r"_\1", plurals[-1]).lower() if plurals else ""
    return noun.replace("-", "_").removeprefix("customer_").rstrip("s")

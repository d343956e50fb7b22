"""GET /_sim/: the control plane as a page, so that a person can play the other side. No script, no assets."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Callable, Iterable
from html import escape
from typing import Any
from urllib.parse import parse_qsl, urlencode

from simulator.faults import KINDS, WRITES
from simulator.http import ApiError, Reply
from simulator.plane.commands import archive, realias, rename
from simulator.plane.control import Asked, command
from simulator.plane.dials import Clock, set_clock
from simulator.routing import ROUTES
from simulator.shapes import Shape
from simulator.world import Row, World

SHOWN = 25
LOST = "The next write takes effect, and its answer will be lost."
NO = "The next write will be refused."
REFUSAL = "This account does not allow the change"
"""What Metronome is made to say where somebody wants to see a refusal."""
STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8881; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
caption, th, td { text-align: left; } caption { padding: .25rem 0; }
th, td { padding: .35rem .75rem .35rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
td { overflow-wrap: break-word; } td code, td:nth-child(3) { overflow-wrap: anywhere; }
code { font-size: .9em; }
form { margin: .5rem 0; } td form { margin: 0; }
.row { display: flex; flex-wrap: wrap; gap: .5rem 1rem; align-items: end; }
label { display: grid; font-size: .9rem; }
label { min-width: 0; max-width: 100%; }
input, select, button { font: inherit; padding: .3rem .5rem; max-width: 100%; min-width: 0; }
.wide { position: relative; overflow-x: auto; } .wide table { min-width: 44rem; }
.narrow { width: 6rem; } .told { padding: .75rem 1rem; background: var(--soft); border-left: 4px solid; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
"""
HASH = b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
HEADERS = {
    "content-security-policy": f"default-src 'none'; style-src 'sha256-{HASH}'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
}


@command("GET ")
def show(asked: Asked) -> Reply:
    """The page; `?q=` looks for customers by name, alias or id, `?told=` says what has just been done."""
    return page(asked, asked.request.query.get("told", ""))


@command("POST page/rename")
def rename_customer(asked: Asked) -> Reply:
    return _done(asked, lambda given: rename(asked, given["customer_id"], given["name"]), "Renamed.")


@command("POST page/archive")
def archive_customer(asked: Asked) -> Reply:
    return _done(asked, lambda given: archive(asked, given["customer_id"]), "Archived.")


@command("POST page/fault")
def add_fault(asked: Asked) -> Reply:
    return _done(asked, lambda given: asked.service.order_fault(_fault(given)), "The fault is set.")


@command("POST page/lose")
def lose_next_answer(asked: Asked) -> Reply:
    """The next write takes effect, and its answer never arrives."""
    return _done(asked, lambda _given: asked.service.order_fault(_next_write("drop_after")), LOST)


@command("POST page/refuse")
def refuse_next_write(asked: Asked) -> Reply:
    """The next write is answered 400 and does nothing."""
    return _done(
        asked, lambda _given: asked.service.order_fault(_next_write("status_before", 400, REFUSAL)), NO
    )


@command("POST page/alias")
def change_aliases(asked: Asked) -> Reply:
    """Somebody else replaces a customer's aliases by those given, one a line."""

    def replace(given: dict[str, str]) -> None:
        wanted = [line for line in given["aliases"].replace("\r\n", "\n").split("\n") if line]
        realias(asked, given["customer_id"], wanted)

    return _done(asked, replace, "The aliases are changed.")


@command("POST page/faults-clear")
def clear_faults(asked: Asked) -> Reply:
    return _done(asked, lambda _given: asked.service.clear_faults(), "No faults any more.")


@command("POST page/clock")
def move_clock(asked: Asked) -> Reply:
    def move(given: dict[str, str]) -> None:
        asked.given = Shape(Clock).read(_clock(given))
        set_clock(asked)

    return _done(asked, move, "The clock is set; what was due has happened.")


def _done(asked: Asked, act: Callable[[dict[str, str]], Any], words: str) -> Reply:
    """Do what a form says and go back to the page; 400 shows the page with what was wrong."""
    try:
        given = dict(parse_qsl(asked.request.raw.decode(), keep_blank_values=True))
        asked.request.query["q"] = given.get("q", "")
        act(given)
    except (UnicodeDecodeError, KeyError):
        return page(asked, "The form wasn't filled in.", status=400)
    except ApiError as refusal:
        return page(asked, refusal.message, status=400)
    again = {"account": asked.account, "q": asked.request.query["q"], "told": words}
    return Reply(303, content=b"", headers={"location": f"/_sim/?{urlencode(again)}"})


def _next_write(kind: str, status: int = 500, message: str = "") -> Row:
    said = {"message": message} if message else {}
    return {"route": WRITES, "kind": kind, "count": 1, "status": status, **said}


def _fault(given: dict[str, str]) -> Row:
    return {
        "route": given["route"],
        "kind": given["kind"],
        "count": _number("count", given["count"], int) if given.get("count") else None,
        "probability": _number("probability", given.get("percent") or "100", float) / 100,
        "seconds": _number("seconds", given.get("seconds") or "0", float),
        "status": _number("status", given.get("status") or "500", int),
    }


def _clock(given: dict[str, str]) -> Row:
    match given["do"]:
        case "set":
            at = given["at"]
            return {"at": at if at.endswith("Z") else f"{at}Z"}
        case "move":
            return {"move_days": _number("days", given["days"], float)}
        case "freeze" | "run" as choice:
            return {"frozen": choice == "freeze"}
    raise ApiError(400, "The clock can be set, moved, frozen or run")


def _number(name: str, text: str, kind: type) -> Any:
    try:
        return kind(text)
    except ValueError:
        raise ApiError(400, f"{name} must be a number, not {text[:50]}") from None


def page(asked: Asked, told: str = "", *, status: int = 200) -> Reply:
    """The whole page."""
    world, service, query = asked.world, asked.service, asked.request.query.get("q", "")
    hidden = f'<input type="hidden" name="q" value="{escape(query)}">'
    to = f"?{urlencode({'account': asked.account})}"
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8>",
        "<meta name=viewport content='width=device-width'><title>Metronome simulator</title>",
        f"<style>{STYLE}</style><main><h1>The other side: a simulated Metronome</h1>",
        f'<p class="told" role="status">{escape(told)}</p>' if told else "",
        f"<p>Account <strong>{escape(asked.account)}</strong>, {len(world.customers):,} customers. ",
        *(
            f'<a href="/_sim/?account={escape(name)}">{escape(name)}</a> '
            for name in sorted(service.accounts)
        ),
        f'<a href="/_sim/{escape(to)}">Show as of now</a> <a href="/_sim/routes">What it serves</a></p>',
        *_recipes_part(to, hidden),
        *_clock_part(world, to, hidden),
        *_faults_part(asked, to, hidden),
        *_customers_part(world, asked.account, query, to, hidden),
        *_requests_part(asked),
        "</main></html>",
    ]
    content = "".join(parts).encode("utf-8", errors="replace")
    return Reply(status, content=content, content_type="text/html; charset=utf-8", headers=dict(HEADERS))


def _recipes_part(to: str, hidden: str) -> Iterable[str]:
    yield "<h2>Three recipes</h2><p>One press each; then approve a request in Countersign and watch it.</p>"
    for target, words, what in (
        ("lose", "Lose the next answer", "The next write takes effect, but nobody hears of it."),
        ("refuse", "Refuse the next write", "The next write is answered 400 and does nothing."),
    ):
        yield f'<form class="row" method="post" action="/_sim/page/{target}{to}">{hidden}'
        yield f"<button>{words}</button> <span>{what}</span></form>"
    yield "<p>Change an alias behind Countersign's back: under <em>Aliases</em> in the list of customers.</p>"


def _clock_part(world: World, to: str, hidden: str) -> Iterable[str]:
    frozen = world.clock["frozen_at"] is not None
    now = world.stamp()
    yield f"<h2>Clock</h2><p><time>{now}</time>{', frozen' if frozen else ''}. "
    yield "Moving it forward starts and ends what is due; nothing is undone by going back.</p><div class=row>"
    start = f'<form class="row" method="post" action="/_sim/page/clock{to}">{hidden}'
    yield f'{start}<label>Days <input class="narrow" name="days" value="1" inputmode="decimal"></label>'
    yield '<button name="do" value="move">Move forward</button></form>'
    yield f'{start}<label>UTC <input name="at" type="datetime-local" value="{now[:16]}"></label>'
    yield '<button name="do" value="set">Set</button></form>'
    choice, words = ("run", "Let it run") if frozen else ("freeze", "Freeze")
    yield f'{start}<button name="do" value="{choice}">{words}</button></form></div>'


def _faults_part(asked: Asked, to: str, hidden: str) -> Iterable[str]:
    yield "<h2>Faults</h2>"
    rows = [
        (
            escape(each.kind),
            f"<code>{escape(each.route)}</code>",
            "for ever"
            if each.count is None
            else "once more"
            if each.count == 1
            else f"{each.count} times more",
            f"{each.probability:.0%}",
        )
        for each in asked.service.faults.active
    ]
    yield from _table("What goes wrong", ("Kind", "Route", "How often", "Chance"), rows)
    yield f'<form class="row" method="post" action="/_sim/page/fault{to}">{hidden}'
    yield f'<label>Kind <select name="kind">{_options(KINDS)}</select></label>'
    yield f'<label>Route <select name="route">{_options(["*", WRITES, *sorted(ROUTES)])}</select></label>'
    for name, words, value in (
        ("count", "Times (empty: for ever)", "1"),
        ("percent", "Chance in %", "100"),
        ("seconds", "Seconds", "0"),
        ("status", "Status", "500"),
    ):
        yield f'<label>{words} <input class="narrow" name="{name}" value="{value}"></label>'
    yield "<button>Add the fault</button></form>"
    if asked.service.faults.active:
        yield f'<form method="post" action="/_sim/page/faults-clear{to}">{hidden}'
        yield "<button>Clear all faults</button></form>"


def _customers_part(world: World, account: str, query: str, to: str, hidden: str) -> Iterable[str]:
    found = _found(world, query)
    yield '<h2>Customers</h2><form class="row" method="get" action="/_sim/">'
    yield f'<input type="hidden" name="account" value="{escape(account)}">'
    yield f'<label>Name, alias or id <input name="q" value="{escape(query)}"></label>'
    yield "<button>Search</button></form>"
    rows = []
    for each in found[:SHOWN]:
        name = escape(each["name"])
        aliases = ", ".join(each["ingest_aliases"][:3]) + (" …" if len(each["ingest_aliases"]) > 3 else "")
        form = f'<form class="row" method="post" action="/_sim/page/rename{to}">{hidden}'
        form += f'<input type="hidden" name="customer_id" value="{escape(each["id"])}">'
        form += (
            f'<label><span class="hidden">New name of {name}</span><input name="name" value="{name}"></label>'
        )
        form += "<button>Rename</button></form>"
        state = "archived" if each["archived_at"] else "active" + _archive_form(each, to, hidden)
        aliases = _alias_form(each, aliases, to, hidden)
        rows.append((form, f"<code>{escape(each['id'])}</code>", aliases, state))
    more = (
        f"The first {SHOWN} of more: search to narrow them" if len(found) > SHOWN else f"{len(found)} found"
    )
    yield from _table(more, ("Name", "Id", "Aliases", "State"), rows)


def _alias_form(customer: Row, shown: str, to: str, hidden: str) -> str:
    lines = escape("\n".join(customer["ingest_aliases"]))
    form = f'<form method="post" action="/_sim/page/alias{to}">{hidden}'
    form += f'<input type="hidden" name="customer_id" value="{escape(customer["id"])}">'
    form += f'<label><span class="hidden">Aliases of {escape(customer["name"])}, one a line</span>'
    form += f'<textarea name="aliases" rows="3">\n{lines}</textarea></label>'
    return (
        f"<details><summary>{escape(shown) or 'none'}</summary>{form}<button>Change</button></form></details>"
    )


def _archive_form(customer: Row, to: str, hidden: str) -> str:
    form = f'<form method="post" action="/_sim/page/archive{to}">{hidden}'
    form += f'<input type="hidden" name="customer_id" value="{escape(customer["id"])}">'
    return form + f'<button>Archive<span class="hidden"> {escape(customer["name"])}</span></button></form>'


def _found(world: World, query: str) -> list[Row]:
    """Up to one more than are shown."""
    wanted, found = query.strip().casefold(), []
    for each in reversed(world.customers.values()):
        texts = (each["name"], each["id"], *each["ingest_aliases"])
        if not wanted or any(wanted in text.casefold() for text in texts):
            found.append(each)
            if len(found) > SHOWN:
                break
    return found


def _requests_part(asked: Asked) -> Iterable[str]:
    service = asked.service
    yield f"<h2>Requests</h2><p>{sum(service.counts.values()):,} so far: "
    yield ", ".join(f"{count:,} × {escape(status)}" for status, count in sorted(service.statuses.items()))
    yield "</p>"
    rows = [
        (
            f"<code>{escape(each['method'])} {escape(each['path'])}</code>",
            str(each["status"]) + ("" if each["manner"] == "whole" else f", {escape(each['manner'])}"),
            f"{each['milliseconds']:.1f}",
            escape(each["user_agent"]),
        )
        for each in list(service.recent)[: -SHOWN - 1 : -1]
    ]
    yield from _table(f"The last {SHOWN}, newest first", ("Request", "Status", "ms", "User agent"), rows)


def _table(caption: str, heads: Iterable[str], rows: list[tuple[str, ...]]) -> Iterable[str]:
    """A table of cells that are HTML already."""
    if not rows:
        yield "<p>None.</p>"
        return
    yield f'<div class="wide" role="region" tabindex="0" aria-label="{caption}">'
    yield f"<table><caption>{caption}</caption><tr>"
    yield from (f'<th scope="col">{head}</th>' for head in heads)
    for row in rows:
        yield "<tr>" + "".join(f"<td>{cell}</td>" for cell in row)
    yield "</table></div>"


def _options(names: Iterable[str]) -> str:
    return "".join(f"<option>{escape(name)}</option>" for name in names)

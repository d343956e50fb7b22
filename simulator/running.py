"""A simulator of one's own as a real process on a free port, ended by its pid; what tests use."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).resolve().parent.parent
TOKEN = "simulator-token"  # noqa: S105 (opens a simulator on this machine, and nothing else)
READ_ONLY_TOKEN = "simulator-read-only"  # noqa: S105
OTHER_ACCOUNT_TOKEN = "simulator-other-account"  # noqa: S105
CERTIFICATES = httpx.create_ssl_context()  # read once: a client that reads them itself takes 20 ms for it


@dataclass
class RunningSimulator:
    """A running simulator and its control plane."""

    url: str
    process: subprocess.Popen

    def control(self, method: str, address: str, body: Any = None, **query: Any) -> Any:
        """One request to the control plane; its JSON."""
        with httpx.Client(trust_env=False, timeout=30, verify=CERTIFICATES) as client:
            answer = client.request(method, f"{self.url}/_sim/{address}", json=body, params=query)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def reset(self, customers: int = 30, plans: int = 4, seed: int = 7) -> None:
        """A fresh world; faults and counts are gone."""
        self.control("POST", "reset", {"customers": customers, "plans": plans, "seed": seed})
        self.control("POST", "latency", {"seconds": 0})
        self.control("POST", "rate", {"requests_per_second": 0})

    def fault(self, route: str, kind: str, **options: Any) -> None:
        """Order one fault."""
        self.control("POST", "faults", {"route": route, "kind": kind, **options})

    def ledger(self) -> list[dict[str, Any]]:
        """Every effect there was."""
        return self.control("GET", "ledger")["data"]

    def requests(self) -> dict[str, Any]:
        """`{counts, recent}`"""
        return self.control("GET", "requests")

    def customer(self, **query: str) -> dict[str, Any] | None:
        """A customer by id, alias or name."""
        return self.control("GET", "customer", **query)["data"]

    def change(self, what: str, customer_id: str = "", **body: Any) -> Any:
        """Somebody else changes something."""
        return self.control("POST", "change", {"what": what, "customer_id": customer_id, "body": body})

    def stop(self) -> None:
        """End the process."""
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def start_simulator(*, customers: int = 30, plans: int = 4, seed: int = 7) -> RunningSimulator:
    """Start one and wait until it listens."""
    with tempfile.TemporaryDirectory() as folder:
        port_file = Path(folder) / "port"
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "simulator",
                "--port=0",
                f"--port-file={port_file}",
                f"--customers={customers}",
                f"--plans={plans}",
                f"--seed={seed}",
            ],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"]},
            stdout=subprocess.DEVNULL,
        )
        until = time.monotonic() + 30
        while not (port_file.exists() and port_file.read_text().strip()):
            if process.poll() is not None or time.monotonic() > until:
                process.kill()
                raise RuntimeError("the simulator did not start")
            time.sleep(0.02)
        port = int(port_file.read_text())
    return RunningSimulator(f"http://127.0.0.1:{port}", process)

"""A real browser without a window, driven over its DevTools protocol."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import shutil
import subprocess
import time
from typing import TYPE_CHECKING, Any, Self

import aiohttp
import pytest

if TYPE_CHECKING:
    from pathlib import Path

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-default-apps",
    "--disable-extensions",
    "--autoplay-policy=no-user-gesture-required",
    "--remote-debugging-port=0",
)
READY_S = 20.0
CALL_S = 20.0
POLL_S = 0.05


class Browser:
    """Debian's Chromium; an asynchronous context manager."""

    def __init__(self, profile: Path, *flags: str) -> None:
        self._profile = profile
        self._flags = flags
        self._process: subprocess.Popen[bytes] | None = None
        self._http: aiohttp.ClientSession | None = None
        self._port = 0

    async def __aenter__(self) -> Self:
        program = shutil.which("chromium")
        if program is None:
            pytest.fail("no browser here: apt-get install chromium")
        command = [program, *FLAGS, *self._flags, f"--user-data-dir={self._profile}", "about:blank"]
        self._process = self._start(command)
        self._http = aiohttp.ClientSession()
        port_file = self._profile / "DevToolsActivePort"
        deadline_s = time.monotonic() + READY_S
        while not (port_file.exists() and port_file.read_text().count("\n")):
            if time.monotonic() > deadline_s:
                pytest.fail("the browser did not start")
            await asyncio.sleep(POLL_S)
        self._port = int(port_file.read_text().split("\n")[0])
        return self

    @staticmethod
    def _start(command: list[str]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    async def __aexit__(self, *_: object) -> None:
        if self._http:
            await self._http.close()
        if self._process:
            self._process.terminate()
            try:
                await asyncio.to_thread(self._process.wait, 5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    @property
    def pid(self) -> int:
        assert self._process
        return self._process.pid

    async def open(self, url: str) -> Page:
        """A new tab."""
        assert self._http
        async with self._http.put(f"http://127.0.0.1:{self._port}/json/new?{url}") as response:
            target = await response.json()
        socket = await self._http.ws_connect(target["webSocketDebuggerUrl"], max_msg_size=0)
        page = Page(socket)
        await page.call("Runtime.enable")
        await page.call("Page.enable")
        await page.wait_for(
            "document.readyState === 'complete' && location.href !== 'about:blank'", READY_S, url
        )
        return page


class Page:
    """One tab."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._ids = itertools.count(1)
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._reader = asyncio.create_task(self._read())
        self.console: list[str] = []

    async def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method of the protocol."""
        number = next(self._ids)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        async with asyncio.timeout(CALL_S):
            result: dict[str, Any] = await answer
        return result

    async def run(self, script: str) -> Any:
        """The value of an expression, awaited where it is a promise."""
        result = await self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in result:
            details = result["exceptionDetails"]
            text = details.get("exception", {}).get("description", details["text"])
            pytest.fail(f"{script}: {text}")
        return result["result"].get("value")

    async def wait_for(self, script: str, timeout_s: float, what: str) -> Any:
        """Wait until an expression is true; returns its value."""
        deadline_s = time.monotonic() + timeout_s
        while not (value := await self.run(script)):
            if time.monotonic() > deadline_s:
                text = await self.run("document.body.innerText")
                pytest.fail(f"{what} did not come true within {timeout_s:g} s; the page says: {text}")
            await asyncio.sleep(POLL_S)
        return value

    async def resize(self, width: int, height: int, *, scale: float = 1, dark: bool = False) -> None:
        """Be a screen of this size in CSS pixels."""
        await self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=scale,
            mobile=False,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        await self.call("Emulation.setEmulatedMedia", features=[scheme])

    async def click(self, x: float, y: float, *, to: tuple[float, float] = (0, 0)) -> None:
        """Press the button of the mouse there, and let go of it that much further."""
        spots = (
            ("mousePressed", x, y),
            ("mouseMoved", x + to[0], y + to[1]),
            ("mouseReleased", x + to[0], y + to[1]),
        )
        for kind, at_x, at_y in spots:
            await self.call(
                "Input.dispatchMouseEvent", type=kind, x=at_x, y=at_y, button="left", clickCount=1
            )

    async def press(self, key: str) -> None:
        """Press a key."""
        for kind in ("keyDown", "keyUp"):
            await self.call("Input.dispatchKeyEvent", type=kind, key=key)

    async def screenshot(self) -> bytes:
        """What the screen shows, as PNG."""
        return base64.b64decode((await self.call("Page.captureScreenshot", format="png"))["data"])

    async def close(self) -> None:
        """Leave, as a person who closes the tab."""
        await self.call("Page.close")
        self._reader.cancel()
        await self._socket.close()

    async def _read(self) -> None:
        async for message in self._socket:
            facts = json.loads(message.data)
            if (number := facts.get("id")) in self._answers:
                answer = self._answers.pop(number)
                if "error" in facts:
                    answer.set_exception(RuntimeError(f"{facts['error']}"))
                elif not answer.done():
                    answer.set_result(facts["result"])
            elif facts.get("method") in {"Runtime.consoleAPICalled", "Runtime.exceptionThrown"}:
                self.console.append(json.dumps(facts["params"])[:500])

"""Who may look: by token, Basic and cookie; not from foreign pages, nor under a foreign name."""

from __future__ import annotations

import datetime as dt
import ipaddress
import ssl
import time
from typing import TYPE_CHECKING

import aiohttp
import pytest
import pytest_asyncio
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import SecretStr

from edged.config import HttpSettings, WebRtcSettings
from edged.core.errors import ListenError
from edged.core.types import BoxHealth, Health
from edged.serve import Box, Site
from tests.parts.broker import free_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

TOKEN = "correct-horse-battery"
SITE = "http://127.0.0.1:{}"


async def switch(_camera_id: str, _is_on: bool) -> None:  # noqa: FBT001 - as the site calls it
    """Switch nothing."""


def health() -> Health:
    box = BoxHealth("1", 0.0, 0.0, 0.0, 0, None, 0.0)
    return Health(time.time(), box, None, None, ())


async def serve(token: str | None) -> Site:
    settings = HttpSettings(port=free_port(), token=SecretStr(token) if token else None)
    site = Site(settings, WebRtcSettings(), Box(health, bool, dict, switch, lambda _: None))
    await site.start()
    return site


@pytest_asyncio.fixture
async def guarded() -> AsyncIterator[str]:
    site = await serve(TOKEN)
    yield site.url
    await site.stop()


@pytest_asyncio.fixture
async def local() -> AsyncIterator[str]:
    site = await serve(None)
    yield site.url
    await site.stop()


async def status(http: aiohttp.ClientSession, url: str, method: str = "GET", **headers: str) -> int:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with http.request(method, url, headers=named) as response:
        return response.status


async def test_the_token_opens_as_bearer_and_as_password(http: aiohttp.ClientSession, guarded: str) -> None:
    url = f"{guarded}/health"
    assert await status(http, url) == 401
    assert await status(http, url, Authorization=f"Bearer {TOKEN}") == 200
    assert await status(http, url, Authorization=aiohttp.encode_basic_auth("anybody", TOKEN)) == 200
    assert await status(http, url, Authorization="Bearer wrong") == 401
    assert await status(http, url, Authorization="Basic !!!") == 401
    assert await status(http, f"{guarded}/") == 200  # the page itself shows nothing


async def login(http: aiohttp.ClientSession, url: str, token: str, **headers: str) -> aiohttp.ClientResponse:
    async with http.post(f"{url}/login", data={"token": token}, headers=headers) as response:
        return response


async def test_the_cookie_of_a_login_opens(http: aiohttp.ClientSession, guarded: str) -> None:
    response = await login(http, guarded, TOKEN)
    assert response.status == 204
    cookie = response.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert TOKEN not in cookie
    assert await status(http, f"{guarded}/live.json") == 200
    detect = f"{guarded}/api/v1/cameras/front/detect"
    assert await status(http, detect, "POST", Origin="http://evil.example") == 403
    assert await status(http, detect, "POST", Origin=guarded) == 404  # let in; there is no such camera
    await http.post(f"{guarded}/logout")
    assert await status(http, f"{guarded}/live.json") == 401


@pytest.mark.parametrize("forged", ["", "9999999999.", "9999999999.00", "x.y", "1.", "9" * 400 + ".0"])
async def test_a_forged_cookie_does_not_open(http: aiohttp.ClientSession, guarded: str, forged: str) -> None:
    assert await status(http, f"{guarded}/live.json", Cookie=f"edged_session={forged}") == 401


async def test_a_cookie_outlives_a_restart_but_not_its_token(http: aiohttp.ClientSession) -> None:
    first = await serve(TOKEN)
    cookie = (await login(http, first.url, TOKEN)).headers["Set-Cookie"].split(";")[0]
    await first.stop()
    for token, expected in ((TOKEN, 200), ("another-token-altogether", 401)):
        site = await serve(token)
        async with aiohttp.ClientSession() as fresh:
            assert await status(fresh, f"{site.url}/live.json", Cookie=cookie) == expected
        await site.stop()


async def test_wrong_tokens_are_slowed_down(
    http: aiohttp.ClientSession, guarded: str, caplog: pytest.LogCaptureFixture
) -> None:
    answers = [(await login(http, guarded, f"guess {number}")).status for number in range(8)]
    assert answers[:5] == [401] * 5
    response = await login(http, guarded, TOKEN)
    assert response.status == 429  # even the right one waits, or guessing on would pay
    assert int(response.headers["Retry-After"]) >= 1
    assert response.headers["Access-Control-Allow-Origin"] == "*"  # a player on another page can say why
    (warning,) = [record.message for record in caplog.records if record.name == "edged.serve.access"]
    assert warning == "127.0.0.1 has shown 5 wrong tokens: from now on it has to wait"


async def test_players_on_other_pages_need_the_token(http: aiohttp.ClientSession, guarded: str) -> None:
    origin = "http://dashboard.example"
    async with http.options(f"{guarded}/whep/front", headers={"Origin": origin}) as response:
        assert response.status == 204
        assert "Authorization" in response.headers["Access-Control-Allow-Headers"]
    headers = {"Origin": origin, "Authorization": f"Bearer {TOKEN}", "Content-Type": "application/sdp"}
    async with http.post(f"{guarded}/whep/front", headers=headers, data="v=0") as response:
        assert response.status == 404
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        assert "Location" in response.headers["Access-Control-Expose-Headers"]
    assert await status(http, f"{guarded}/whep/front", "POST", Origin=origin) == 403


async def test_without_a_token_only_this_machine_by_its_own_name(
    http: aiohttp.ClientSession, local: str
) -> None:
    port = local.rpartition(":")[2]
    assert await status(http, f"{local}/health") == 200
    assert await status(http, f"{local}/health", Host=f"localhost:{port}") == 200
    assert await status(http, f"{local}/health", Host=f"rebound.example:{port}") == 403
    assert await status(http, f"{local}/whep/front", "POST", Origin="http://evil.example") == 403
    assert await status(http, f"{local}/whep/front", "POST", Origin=local) == 404
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Origin": "http://evil.example"}
    async with http.get(f"{local}/ws/tracking/front", headers=upgrade) as response:
        assert response.status == 403


async def test_bodies_and_headers_are_limited(http: aiohttp.ClientSession, guarded: str) -> None:
    allowed = {"Authorization": f"Bearer {TOKEN}"}
    large = {**allowed, "Content-Type": "application/json"}
    async with http.post(f"{guarded}/login", data={"token": "x" * 100_000}) as response:
        assert response.status == 413
    assert await status(http, f"{guarded}/health", **allowed, X_Large="x" * 20_000) == 400
    async with http.post(
        f"{guarded}/api/v1/cameras/x/detect", data=b"x" * 100_000, headers=large
    ) as response:
        assert response.status == 404


async def test_the_page_needs_nothing_from_outside(http: aiohttp.ClientSession, guarded: str) -> None:
    async with http.get(guarded) as response:
        page = await response.text()
        policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert 'src="http' not in page
    assert page.count("http") == page.count("http.token") + page.count("http://www.w3.org/2000/svg") * 1


async def test_over_tls_the_cookie_is_for_tls_alone(http: aiohttp.ClientSession, tmp_path: Path) -> None:
    cert, key = tmp_path / "http.pem", tmp_path / "http.key"
    write_certificate(cert, key)
    settings = HttpSettings(port=free_port(), token=SecretStr(TOKEN), cert_file=cert, key_file=key)
    site = Site(settings, WebRtcSettings(), Box(health, bool, dict, switch, lambda _: None))
    await site.start()
    assert site.url.startswith("https://")
    trusting = ssl.create_default_context(cafile=str(cert))
    async with http.post(f"{site.url}/login", data={"token": TOKEN}, ssl=trusting) as response:
        assert response.status == 204
        assert "Secure" in response.headers["Set-Cookie"]
    await site.stop()


async def test_a_wrong_certificate_is_named(tmp_path: Path) -> None:
    cert = tmp_path / "http.pem"
    cert.write_text("nonsense")
    settings = HttpSettings(port=free_port(), cert_file=cert, key_file=cert)
    with pytest.raises(ListenError, match=r"http\.pem .*no certificate"):
        await Site(settings, WebRtcSettings(), Box(health, bool, dict, switch, lambda _: None)).start()


def write_certificate(cert: Path, key: Path) -> None:
    """One for 127.0.0.1, signed by itself."""
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    alternative = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder(name, name, private.public_key(), 1)
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(alternative, critical=False)
        .sign(private, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    plain = serialization.NoEncryption()
    cert.write_bytes(made.public_bytes(pem))
    key.write_bytes(private.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))

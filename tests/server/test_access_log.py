"""The access log names what was asked for, and keeps the secrets of its query to itself."""

import asyncio
import urllib.request

from tests.harness.client import ChatClient
from tests.harness.polling import eventually
from tests.harness.site import Site


async def test_a_query_is_not_logged() -> None:
    # Without a buffer, in which the log would wait for more.
    with Site(PYTHONUNBUFFERED=1) as site:
        site.start_web()
        await asyncio.to_thread(site.wait_ready)
        urllib.request.urlopen(f"{site.url}/login?signature=5ec4e7").close()
        async with ChatClient(site.socket_url) as client:
            token = client.token
        again = ChatClient(site.socket_url)
        await again.connect(token=token)
        await again.close()

        await eventually(lambda: "WSDISCONNECT /ws/chat" in site.logs(), "the access log")
        assert "GET /login" in site.logs()
        assert "5ec4e7" not in site.logs()
        assert token not in site.logs()

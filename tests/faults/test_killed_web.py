"""The web server is killed or stopped; its readers come back and miss nothing."""

import asyncio

from tests.faults.checker import check
from tests.faults.traffic import Traffic
from tests.harness.site import Site


async def test_readers_of_a_killed_web_server_resume_where_they_were(
    running: Site, traffic: Traffic
) -> None:
    traffic.begin(messages=6)
    await traffic.until_answering()

    await asyncio.to_thread(running.web.kill_all)
    running.start_web()

    await check(traffic)
    assert all(client.connects == 2 for client in traffic.clients)


async def test_readers_of_a_stopped_web_server_are_told_and_resume(
    running: Site, traffic: Traffic
) -> None:
    traffic.begin(messages=6)
    await traffic.until_answering()

    code = await asyncio.to_thread(running.web.terminate)
    running.start_web()

    assert code == 0
    await check(traffic)
    assert all(client.connects == 2 for client in traffic.clients)


async def test_a_reader_cut_off_at_every_step_sees_each_message_once(
    running: Site, traffic: Traffic
) -> None:
    client = traffic.clients[0]
    traffic.begin(messages=8, every=0.1)

    for pause in (0.0, 0.02, 0.05, 0.1, 0.2, 0.3):
        await asyncio.sleep(pause)
        await client.drop()

    await check(traffic)
    assert client.connects > 3

"""Put bounds and close codes on daphne's sockets; the ASGI module calls it as daphne imports it."""

import sys


def install(
    *,
    max_frame_bytes: int,
    max_unsent_bytes: int,
    max_unread_frames: int = 64,
    max_body_bytes: int = 4_194_304,
) -> None:
    """Replace daphne's WebSocket protocol, idle HTTP time and shutdown by bounded ones.

    Does nothing under another server; repeating it only changes the numbers. Must run before
    daphne builds its Server, which importing the application does.

    `max_frame_bytes` bounds a frame and a whole message, above daphne's own options. A client that
    leaves more than `max_unsent_bytes` unread is dropped; a burst sent to it without a pause counts
    in full, so the number must exceed the largest one. A client with `max_unread_frames` waiting
    for its consumer is not read until half of them are taken. A request with a body above
    `max_body_bytes` is answered with 413, and nothing of it is kept.
    """
    if "daphne.server" not in sys.modules:
        return
    # Importing twisted.internet.reactor installs a reactor for the whole process, and only
    # daphne.server installs the right one: so import the sockets only where it is already there.
    from botflow_site import daphne_sockets  # noqa: PLC0415

    daphne_sockets.install(max_frame_bytes, max_unsent_bytes, max_unread_frames, max_body_bytes)

"""The peer of wechat.py: what the manual of wechatpy shows on Flask, with an agent that waits.

    WECHAT_TOKEN=… flask --app benchmarks/wechat_peer.py run

What it leaves out: storing anything, recognizing a message that comes again, answers that take
longer than WeChat waits, commands, encryption.
"""

import os
import time

from flask import Flask, Response, abort, request
from wechatpy import create_reply, parse_message
from wechatpy.exceptions import InvalidSignatureException
from wechatpy.utils import check_signature

TOKEN = os.environ["WECHAT_TOKEN"]
app = Flask(__name__)
turns: list[str] = []


@app.get("/turns")
def count_turns() -> str:
    return str(len(turns))


@app.post("/wechat")
def webhook() -> Response:
    query = request.args
    try:
        check_signature(TOKEN, query["signature"], query["timestamp"], query["nonce"])
    except InvalidSignatureException:
        abort(403)
    message = parse_message(request.data)
    reply = create_reply(answer(message.content), message)
    return Response(reply.render(), content_type="application/xml")


def answer(text: str) -> str:
    """Wait on the network for as many seconds as the text says, then answer."""
    turns.append(text)
    time.sleep(float(text))
    return f"waited {text} s"

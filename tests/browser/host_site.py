"""The owner's own site, on an origin of its own: a page with the script tag of the bubble."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

PAGE = """<!DOCTYPE html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Shop</title>
    <link rel="icon" href="data:,">
    <link rel="stylesheet" href="/shop.css">
    {scripts}
  </head>
  <body>
    <main><h1>Shop</h1><p>Shoes and hats.</p><button>Buy</button></main>
  </body>
</html>
"""
# A style of the host's that would spoil the bubble if it reached it.
STYLE = """
button, div, iframe, span { display: none !important; transform: rotate(3deg) }
html { font-size: 62.5% }
main button { display: inline !important }
body { min-height: 100vh; margin: 3rem; font: 18px/1.6 Georgia, serif; color: #333 }
"""


class HostSite:
    """Serves `/?option=value&…`: a page whose script tag has these `data-` options.

    `strict` is its policy: scripts and frames of the chat's site, and nothing else of anybody's.
    """

    def __init__(self, server: ThreadingHTTPServer, name: str) -> None:
        self._server = server
        self.origin = f"http://{name}:{server.server_address[1]}"
        self.chat = ""

    @property
    def policy(self) -> str:
        return (
            f"default-src 'none'; style-src 'self'; img-src data:; script-src {self.chat};"
            f" frame-src {self.chat}; require-trusted-types-for 'script'"
        )

    def page(self, query: str) -> str:
        options = {name: values[0] for name, values in parse_qs(query, True).items()}
        tags = int(options.pop("tags", "1"))
        written = "".join(f' data-{name}="{value}"' for name, value in options.items())
        return PAGE.format(
            scripts=f'<script src="{self.chat}/embed.js" async{written}></script>' * tags
        )


@contextmanager
def host_site(name: str = "localhost") -> Iterator[HostSite]:
    """Serve on a free port; `chat` is to be set to the address of the chat's site."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            address = urlsplit(self.path)
            is_style = address.path == "/shop.css"
            body = STYLE if is_style else host.page(address.query)
            self.send_response(200)
            self.send_header("Content-Type", "text/css" if is_style else "text/html")
            self.send_header("Content-Security-Policy", host.policy)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    host = HostSite(server, name)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield host
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

"""The webhook beside the middlewares, which are for pages and would cost it more than its work."""

from collections.abc import Awaitable, Callable

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from wechat.views import webhook

Handler = Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]]


class Webhook:
    """Answer what comes to WECHAT_PATH at once, and hand on everything else.

    Session, language, user and messages of a request are looked after by middlewares of Django's,
    each of which hands it to a thread and back. It needs none of them: of 300 requests at once
    that was half of all the work. Where requests are synchronous it is an address like any other.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        path = f"/{settings.WECHAT_PATH.strip('/')}"
        if not (self.is_async and request.path_info == path):
            return self.get_response(request)
        request.get_host()  # refuses one that is not in ALLOWED_HOSTS
        return webhook(request)

"""The webhook beside the middlewares, which are for pages and would cost it more than its work."""

from collections.abc import Awaitable, Callable

from asgiref.sync import iscoroutinefunction
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.utils.decorators import sync_and_async_middleware

from wechat.views import webhook

Handler = Callable[[HttpRequest], Awaitable[HttpResponseBase]]


@sync_and_async_middleware
def webhook_first(get_response: Handler) -> Handler:
    """Answer what comes to WECHAT_PATH at once, and hand on everything else.

    Session, language, user and messages of a request are looked after by middlewares of Django's,
    each of which hands it to a thread and back. It needs none of them: of 300 requests at once
    that was half of all the work. Where requests are synchronous it is an address like any other.
    """
    if not iscoroutinefunction(get_response):
        return get_response

    async def answer(request: HttpRequest) -> HttpResponseBase:
        if request.path_info != f"/{settings.WECHAT_PATH.strip('/')}":
            return await get_response(request)
        request.get_host()  # refuses one that is not in ALLOWED_HOSTS
        return await webhook(request)

    return answer

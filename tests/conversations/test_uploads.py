"""Files come in over HTTP within limits, and go out in a way that no browser runs any of them."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from conversations.identity import Identity
from conversations.models import Upload
from conversations.uploads import store_upload, url_of
from scheduling.retention import prune
from tests.conversations.working import receive

pytestmark = pytest.mark.django_db

PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 40
ME = Identity("visitor:6e1a7a3e-8a3f-4a52-a8c9-2f9c1d0e7b11")
SVG = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"


def send(content: bytes = PNG, name: str = "a.png", *, client: Client | None = None) -> Any:
    """Send one file, as a program with a token unless a client is given."""
    headers = {} if client else {"Authorization": f"Bearer {ME.token}"}
    file = SimpleUploadedFile(name, content)
    return (client or Client()).post(reverse("uploads"), {"file": file}, headers=headers)


def stored(content: bytes = PNG, name: str = "a.png", **fields: Any) -> Upload:
    fields = {"participant": ME.participant, "now": timezone.now()} | fields
    return store_upload(name=name, content=content, **fields)


def refusal(answer: Any) -> tuple[int, str]:
    assert answer.json()["detail"]
    return answer.status_code, answer.json()["code"]


# -- coming in -------------------------------------------------------------------------------------


def test_a_file_is_stored_for_who_sent_it() -> None:
    answer = send(name="../Strand 海滩.png")

    upload = Upload.objects.get()
    assert answer.status_code == 201
    assert answer.json() == {
        "id": str(upload.uuid),
        "url": url_of(upload),
        "name": "Strand 海滩.png",
        "type": "image/png",
        "size": len(PNG),
    }
    assert (upload.participant, bytes(upload.content)) == (ME.participant, PNG)
    assert len(answer.json()["url"]) < 200


def test_a_browser_sends_with_its_cookies_and_the_token_against_forgery() -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.get("/")

    assert send(client=browser).status_code == 403
    browser.defaults["HTTP_X_CSRFTOKEN"] = browser.cookies["csrftoken"].value
    assert send(client=browser).status_code == 201
    assert Upload.objects.get().participant == f"visitor:{browser.session['visitor']}"


def test_nobody_in_particular_sends_nothing(settings: Any) -> None:
    assert refusal(send(client=Client()))[0] == 401
    settings.BOTFLOW_CHAT_ACCESS = "login"
    assert refusal(send(client=Client())) == (401, "login_required")
    assert not Upload.objects.exists()


def test_a_refused_file_leaves_nothing_and_says_why(settings: Any) -> None:
    settings.BOTFLOW_MAX_UPLOAD_BYTES = 2048

    assert refusal(send(b"MZ\x90\x00")) == (415, "bad_type")
    assert refusal(send(b"")) == (400, "empty")
    assert refusal(send(PNG + b"\x00" * 2048)) == (413, "too_large")
    assert refusal(send(PNG + b"\x00" * 200_000)) == (413, "too_large")
    settings.BOTFLOW_UPLOAD_TYPES = ["application/pdf"]
    assert refusal(send()) == (415, "bad_type")
    settings.BOTFLOW_UPLOADS = False
    assert refusal(send()) == (403, "uploads_off")
    assert not Upload.objects.exists()


def test_a_request_that_says_it_is_too_long_is_not_read(settings: Any) -> None:
    settings.BOTFLOW_MAX_UPLOAD_BYTES = 2048
    read: list[int] = []

    class Body(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            read.append(size or -1)
            return b""

    answer = Client().generic(
        "POST",
        reverse("uploads"),
        content_type="multipart/form-data; boundary=x",
        headers={"Authorization": f"Bearer {ME.token}"},
        **{"wsgi.input": Body(), "CONTENT_LENGTH": "1000000000"},
    )

    assert refusal(answer) == (413, "too_large")
    assert read == []


def test_a_form_without_a_file_and_one_that_is_broken_are_refused() -> None:
    headers = {"Authorization": f"Bearer {ME.token}"}
    address = reverse("uploads")

    assert refusal(Client().post(address, {"file": "text"}, headers=headers)) == (400, "empty")
    broken = {"data": b"nonsense", "content_type": "multipart/form-data; boundary=x"}
    assert Client().post(address, headers=headers, **broken).status_code == 400
    assert Client().get(address, headers=headers).status_code == 405


def test_one_person_and_all_together_send_so_much_within_a_day(settings: Any) -> None:
    settings.BOTFLOW_UPLOAD_BYTES_PER_DAY = 2 * len(PNG)
    settings.BOTFLOW_SITE_UPLOAD_BYTES_PER_DAY = 3 * len(PNG)

    assert [send().status_code for _ in range(2)] == [201, 201]
    assert refusal(send()) == (429, "quota")
    stored(participant="visitor:other")
    Upload.objects.filter(participant=ME.participant).first().delete()  # type: ignore[union-attr]
    stored(participant="visitor:third")
    assert refusal(send()) == (429, "quota")

    Upload.objects.update(created_at=timezone.now() - timedelta(days=1, minutes=1))
    assert send().status_code == 201


def test_a_file_that_no_message_took_is_deleted_after_a_day() -> None:
    now = timezone.now()
    old, used, new = (stored(now=now - timedelta(hours=hours)) for hours in (25, 25, 23))
    receive("look", participant=ME.participant, files=(used.uuid,))

    prune(now=now)

    assert set(Upload.objects.values_list("pk", flat=True)) == {used.pk, new.pk}
    assert not Upload.objects.filter(pk=old.pk).exists()


# -- going out -------------------------------------------------------------------------------------


def test_a_file_is_handed_out_to_be_kept_and_never_run() -> None:
    answer = Client().get(url_of(stored(name='Bericht "1" 报告.png')))

    assert (answer.status_code, answer.content) == (200, PNG)
    assert answer["Content-Type"] == "image/png"
    assert answer["Content-Disposition"] == (
        "attachment; filename*=utf-8''Bericht%20_1_%20%E6%8A%A5%E5%91%8A.png"
    )
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert answer["Cross-Origin-Resource-Policy"] == "same-origin"
    assert answer["Cache-Control"] == "private, max-age=31536000, immutable"
    assert "Set-Cookie" not in answer


@pytest.mark.parametrize("name", ["a.svg", "a.html", "a.js", "a.xhtml"])
def test_what_a_browser_would_run_is_handed_out_as_a_text(name: str) -> None:
    answer = Client().get(url_of(stored(SVG, name)))

    assert answer["Content-Type"] == "text/plain"
    assert answer["Content-Disposition"].startswith("attachment;")


def test_who_has_it_already_is_told_so_without_the_bytes() -> None:
    address = url_of(stored())
    etag = Client().get(address)["ETag"]

    again = Client().get(address, headers={"If-None-Match": f'"other", {etag}'})

    assert (again.status_code, again.content) == (304, b"")
    assert again["Cache-Control"].startswith("private")
    assert Client().head(address).content == b""
    assert Client().post(address).status_code == 405


def test_an_address_that_was_not_signed_for_that_file_leads_nowhere() -> None:
    one, other = stored(), stored()
    path, signature = url_of(one), url_of(other).split("/")[2][37:]
    uuid = path.split("/")[2][:36]
    hostile = [
        f"/media/{uuid}-{signature}/a.png",
        f"/media/{uuid}-/a.png",
        f"/media/{uuid}-x/a.png",
        path[:50] + ("A" if path[50] != "A" else "B") + path[51:],
        path.replace(uuid, str(other.uuid)),
    ]

    assert Client().get(path).status_code == 200
    assert [Client().get(each).status_code for each in hostile] == [404] * 5
    one.delete()
    assert Client().get(path).status_code == 404

"""Opening: published requests in three modes, both keys, and the seal of what goes back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.wechat import vectors
from tests.wechat.vectors import (
    APP_ID,
    KEY,
    NOW,
    ORIGINAL_ID,
    PREVIOUS_KEY,
    TOKEN,
    VECTORS,
    config,
    decrypt,
    encrypt,
    message,
    named,
    sealed,
    sign,
    signed,
)
from wechat.security import MAX_BODY, Config, Refused, open_post, verify_get
from wechat.xml_in import read_xml

CRYPTO = named("crypto_vectors")
GET_VECTORS = [vector for vector in VECTORS["signature_vectors"] if "echostr" in vector]
MODES = ["plain", "compatible", "secure"]


def moment(vector):
    return datetime.fromtimestamp(int(vector["timestamp"]), UTC)


def query_of(vector, **more):
    return {name: vector[name] for name in ("signature", "timestamp", "nonce")} | more


def opened(vector, **changes):
    settings = {"mode": "secure", "keys": (vector["aes_key"],), **changes}
    known = Config(token=vector["token"], app_id=vector["appid"], **settings)
    query = query_of(vector, encrypt_type="aes", msg_signature=vector["msg_signature"])
    return open_post(query, vector["body"].encode(), known, now=moment(vector))


def refusal(query, body, settings, *, now=NOW):
    with pytest.raises(Refused) as caught:
        open_post(query, body, settings, now=now)
    return caught.value


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("vector", GET_VECTORS, ids=lambda vector: vector["source"])
def test_published_verifications_are_echoed_in_every_mode(vector, mode):
    known = Config(token=vector["token"], mode=mode)

    echo = verify_get(query_of(vector, echostr=vector["echostr"]), known, now=moment(vector))

    assert echo == vector["echostr"]


@pytest.mark.parametrize("vector", VECTORS["signature_vectors"], ids=lambda vector: vector["nonce"])
def test_published_signatures_open_a_plain_message(vector):
    known = Config(token=vector["token"])

    envelope = open_post(query_of(vector), message().encode(), known, now=moment(vector))

    assert envelope.signature == vector["signature"]
    assert envelope.nonce == vector["nonce"]
    assert envelope.aes_key is None


@pytest.mark.parametrize(
    ("name", "event"),
    [("tencent_sample_2014_compatible_mode", None), ("tencent_docs_safe_mode_xml", "debug_demo")],
)
@pytest.mark.parametrize("mode", ["compatible", "secure"])
def test_published_encrypted_messages_are_opened(name, event, mode):
    envelope = opened(CRYPTO[name], mode=mode)

    assert envelope.fields == read_xml(CRYPTO[name]["plaintext"].encode())
    assert envelope.fields.get("Event") == event
    assert envelope.aes_key == CRYPTO[name]["aes_key"]


def test_a_published_message_in_json_is_refused():
    with pytest.raises(Refused) as caught:
        opened(CRYPTO["tencent_docs_safe_mode_json"])

    assert caught.value.status == 400


@pytest.mark.parametrize("vector", VECTORS["fixed_random_encryption_vectors"])
def test_the_encryption_of_these_tests_is_the_published_one(vector):
    start = vector["random16"].encode()

    made = encrypt(vector["plaintext"], key=vector["aes_key"], app_id=vector["appid"], start=start)

    assert made == vector["encrypt"]


@pytest.mark.parametrize("key", [KEY, PREVIOUS_KEY])
def test_the_reply_is_sealed_with_the_key_that_opened_the_message(key):
    envelope = open_post(*sealed(message(), key=key), config("secure"), now=NOW)

    reply = read_xml(envelope.seal("<xml><a>回复</a></xml>", now=NOW).encode())

    assert envelope.aes_key == key
    assert decrypt(reply["Encrypt"], key=key) == ("<xml><a>回复</a></xml>", APP_ID)
    assert reply["Nonce"] == envelope.nonce
    assert reply["TimeStamp"] == str(int(NOW.timestamp()))
    signature = sign(TOKEN, reply["TimeStamp"], reply["Nonce"], reply["Encrypt"])
    assert reply["MsgSignature"] == signature


def test_a_reply_to_a_plain_message_stays_as_it_is():
    envelope = open_post(signed(), message().encode(), config("compatible"), now=NOW)

    assert envelope.seal("<xml><a>1</a></xml>", now=NOW) == "<xml><a>1</a></xml>"


def test_nothing_is_sealed_as_nothing():
    envelope = open_post(*sealed(message()), config("secure"), now=NOW)

    assert envelope.seal("", now=NOW) == ""


@pytest.mark.parametrize(
    ("mode", "plain", "encrypted"),
    [("plain", 200, 403), ("compatible", 200, 200), ("secure", 403, 200), ("unheard-of", 403, 200)],
)
def test_the_configuration_says_which_mode_is_right(mode, plain, encrypted):
    settings = config(mode)

    assert vectors.answered(signed(), message().encode(), settings) == plain
    assert vectors.answered(signed(encrypt_type="raw"), message().encode(), settings) == plain
    assert vectors.answered(signed(encrypt_type=""), message().encode(), settings) == plain
    assert vectors.answered(*sealed(message()), settings) == encrypted


def test_in_compatible_mode_the_encrypted_message_counts():
    query, body = sealed(message(Content="true"))
    mixed = body.replace(b"</xml>", b"<Content>forged</Content></xml>")

    envelope = open_post(query, mixed, config("compatible"), now=NOW)

    assert envelope.fields["Content"] == "true"


@pytest.mark.parametrize("encryption", ["AES", "des", "aes "])
def test_an_unknown_encryption_is_refused(encryption):
    query, body = sealed(message())
    query["encrypt_type"] = encryption

    for mode in MODES:
        assert refusal(query, body, config(mode)).status == 400


@pytest.mark.parametrize(
    ("seconds", "status"), [(300, 200), (-300, 200), (301, 403), (-301, 403), (86_400, 403)]
)
def test_a_timestamp_may_be_off_by_the_freshness_only(seconds, status):
    now = NOW + timedelta(seconds=seconds)

    assert vectors.answered(signed(), message().encode(), config(), now=now) == status
    assert vectors.answered(signed(echostr="1"), None, config(), now=now) == status
    assert vectors.answered(*sealed(message()), config("secure"), now=now) == status


def test_with_freshness_off_any_age_is_accepted():
    old = signed(timestamp="1409735669")

    assert vectors.answered(old, message().encode(), config(freshness=0)) == 200


def test_a_stale_timestamp_is_named_with_its_skew():
    late = NOW + timedelta(seconds=400)

    assert "400 s" in refusal(signed(), message().encode(), config(), now=late).reason


@pytest.mark.parametrize("is_sealed", [False, True])
def test_a_message_to_another_account_is_refused_where_the_own_id_is_known(is_sealed):
    xml = message(ToUserName="gh_other")
    query, body = sealed(xml) if is_sealed else (signed(), xml.encode())

    assert refusal(query, body, config("compatible")).status == 403
    assert open_post(query, body, config("compatible", original_id=""), now=NOW)


@pytest.mark.parametrize("token", ["", " "])
def test_an_empty_token_verifies_nothing(token):
    query = signed(token="", echostr="1")

    for settings in (config(token=token), config("secure", token=token)):
        assert refusal(query, message().encode(), settings).status == 403
        with pytest.raises(Refused):
            verify_get(query, settings, now=NOW)


@pytest.mark.parametrize("keys", [(), ("",), ("short",), (KEY + "\n",), ("=" * 43,), ("密" * 43,)])
def test_without_a_key_that_fits_nothing_is_decrypted(keys):
    assert refusal(*sealed(message()), config("secure", keys=keys)).status == 400


def test_a_broken_key_does_not_keep_the_other_from_opening():
    settings = config("secure", keys=("broken", KEY))

    assert open_post(*sealed(message()), settings, now=NOW).aes_key == KEY


def test_bodies_have_a_largest_size():
    padding = "a" * (MAX_BODY - len(message(Content="").encode()))

    assert open_post(signed(), message(Content=padding).encode(), config(), now=NOW)
    assert refusal(signed(), message(Content=padding + "a").encode(), config()).status == 400


def test_nothing_is_parsed_for_who_does_not_know_the_token(monkeypatch):
    monkeypatch.setattr("wechat.security.read_xml", lambda data: pytest.fail("It was parsed."))

    assert refusal(signed(token="guessed"), b"<xml", config()).status == 403


def test_neither_secrets_nor_messages_are_shown():
    settings = config("secure")
    envelope = open_post(*sealed(message(Content="private")), settings, now=NOW)

    shown = f"{settings!r} {envelope!r}"
    assert ORIGINAL_ID in shown
    assert not [word for word in (TOKEN, KEY, PREVIOUS_KEY, "private") if word in shown]


def test_the_configuration_comes_from_the_settings(settings):
    settings.WECHAT_TOKEN = TOKEN
    settings.WECHAT_APP_ID = APP_ID
    settings.WECHAT_AES_KEY = ""
    settings.WECHAT_AES_KEY_PREVIOUS = PREVIOUS_KEY
    settings.WECHAT_MODE = "compatible"
    settings.WECHAT_FRESHNESS = 60
    settings.WECHAT_ORIGINAL_ID = ORIGINAL_ID

    expected = config("compatible", keys=(PREVIOUS_KEY,), freshness=60)
    assert Config.from_settings() == expected

"""System checks find WeChat settings that cannot work, each under an id that stays."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core import checks
from pytest_django.fixtures import Settings as SettingsWrapper

from wechat import checks as wechat_checks

KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
OTHER_KEY = KEY[::-1]

Configure = Callable[..., list[str]]


def found() -> list[checks.CheckMessage]:
    return [p for p in checks.run_checks() if (p.id or "").startswith("wechat.")]


@pytest.fixture
def configure(settings: SettingsWrapper) -> Configure:
    """Change some settings of a set-up that has no problem; return the ids of what is found."""
    settings.WECHAT_TOKEN = "spamtest"
    settings.WECHAT_APP_ID = "wx2c2769f8efd9abc2"
    settings.WECHAT_APP_SECRET = "0123456789abcdef0123456789abcdef"
    settings.WECHAT_AES_KEY = KEY
    settings.WECHAT_MODE = "secure"
    settings.ALLOWED_HOSTS = ["chat.example.org"]

    def change(**values: Any) -> list[str]:
        for name, value in values.items():
            setattr(settings, name, value)
        return sorted(str(problem.id) for problem in found())

    return change


def test_a_site_without_wechat_has_no_problem() -> None:
    assert found() == []


def test_a_complete_set_up_has_no_problem(configure: Configure) -> None:
    assert configure() == []


@pytest.mark.parametrize("mode", ["secure", "compatible"])
def test_both_encrypted_modes_and_a_previous_key_are_no_problem(
    configure: Configure, mode: str
) -> None:
    # A key may hold what base64 has beside letters and digits.
    assert configure(WECHAT_MODE=mode, WECHAT_AES_KEY_PREVIOUS="+/" + KEY[2:]) == []


@pytest.mark.parametrize("name", wechat_checks.WANTED_WITH)
def test_settings_without_a_token_are_E001_by_name(  # noqa: N802
    settings: SettingsWrapper, name: str
) -> None:
    setattr(settings, name, {"thing1": "text"} if name.endswith("FIELDS") else KEY)

    [problem] = wechat_checks.check_token(None)

    assert problem.id == "wechat.E001"
    assert name in problem.msg


@pytest.mark.parametrize("token", ["ab", "a" * 33, "two words", "with-mark", "令牌令牌"])
def test_a_token_that_wechat_does_not_take_is_E002(configure: Configure, token: str) -> None:  # noqa: N802
    assert configure(WECHAT_TOKEN=token) == ["wechat.E002"]


@pytest.mark.parametrize("token", ["abc", "A1" * 16])
def test_a_token_may_be_3_to_32_characters_long(configure: Configure, token: str) -> None:
    assert configure(WECHAT_TOKEN=token) == []


@pytest.mark.parametrize("app_id", ["gh_0123456789ab", "wx", "WX2c2769f8efd9abc2", "wx 2c27"])
def test_an_app_id_that_is_none_is_E003(configure: Configure, app_id: str) -> None:  # noqa: N802
    assert configure(WECHAT_APP_ID=app_id) == ["wechat.E003"]


def test_no_app_id_is_E003_where_it_is_needed(configure: Configure) -> None:  # noqa: N802
    assert configure(WECHAT_APP_ID="", WECHAT_APP_SECRET="", WECHAT_REPLY="passive") == [
        "wechat.E003"
    ]


def test_no_app_id_is_W001_where_it_is_not(configure: Configure) -> None:  # noqa: N802
    plain = {"WECHAT_MODE": "plain", "WECHAT_AES_KEY": "", "WECHAT_REPLY": "passive"}

    assert configure(WECHAT_APP_ID="", WECHAT_APP_SECRET="", **plain) == [
        "wechat.W001",
        "wechat.W002",
    ]


@pytest.mark.parametrize("original_id", ["wx2c2769f8efd9abc2", "gh_", "gh_1 2"])
def test_an_original_id_that_is_none_is_E004(  # noqa: N802
    configure: Configure, original_id: str
) -> None:
    assert configure(WECHAT_ORIGINAL_ID="gh_0123456789ab") == []
    assert configure(WECHAT_ORIGINAL_ID=original_id) == ["wechat.E004"]


@pytest.mark.parametrize("key", [KEY[1:], KEY + "H", KEY[1:] + "=", KEY[1:] + "-", KEY + "\n"])
@pytest.mark.parametrize("name", ["WECHAT_AES_KEY", "WECHAT_AES_KEY_PREVIOUS"])
def test_a_key_that_is_none_is_E005_and_is_not_shown(  # noqa: N802
    configure: Configure, name: str, key: str
) -> None:
    assert configure(**{name: key}) == ["wechat.E005"]
    assert key.strip() not in "".join(f"{problem.msg}{problem.hint}" for problem in found())


def test_a_previous_key_that_is_not_previous_is_E006(configure: Configure) -> None:  # noqa: N802
    assert configure(WECHAT_AES_KEY_PREVIOUS=OTHER_KEY) == []
    assert configure(WECHAT_AES_KEY_PREVIOUS=KEY) == ["wechat.E006"]


def test_a_previous_key_alone_is_E006(configure: Configure) -> None:  # noqa: N802
    values = {"WECHAT_AES_KEY": "", "WECHAT_AES_KEY_PREVIOUS": OTHER_KEY, "WECHAT_MODE": "plain"}

    assert "wechat.E006" in configure(**values)


@pytest.mark.parametrize("mode", ["secure", "compatible"])
def test_an_encrypted_mode_without_a_key_is_E007(configure: Configure, mode: str) -> None:  # noqa: N802
    assert configure(WECHAT_MODE=mode, WECHAT_AES_KEY="") == ["wechat.E007"]


def test_the_plain_mode_is_W002(configure: Configure) -> None:  # noqa: N802
    assert configure(WECHAT_MODE="plain") == ["wechat.W002"]


def test_sending_without_a_secret_is_E008(configure: Configure) -> None:  # noqa: N802
    assert configure(WECHAT_REPLY="customer_service") == []
    assert configure(WECHAT_APP_SECRET="") == ["wechat.E008"]


def test_replies_only_for_want_of_a_secret_are_I001(configure: Configure) -> None:  # noqa: N802
    assert configure(WECHAT_APP_SECRET="") == ["wechat.I001"]
    assert configure(WECHAT_REPLY="passive") == []


@pytest.mark.parametrize(
    "path",
    [
        *(
            "wechat",
            "/",
            "//wechat",
            "/wechat/",
            "/wechat?a=b",
            "/we chat",
            "/微信",
            "/<path>",
            "https://a/b",
        ),
        *("/admin", "/admin/wechat", "/ws/chat", "/health", "/metrics", "/login", "/static/x"),
        *("/language", "/favicon.ico"),
    ],
)
def test_a_path_that_cannot_be_the_webhook_is_E009(configure: Configure, path: str) -> None:  # noqa: N802
    assert configure(WECHAT_PATH=path) == ["wechat.E009"]


@pytest.mark.parametrize("path", ["/wechat", "/hooks/we-chat_2", "/administration"])
def test_a_path_of_its_own_is_no_problem(configure: Configure, path: str) -> None:
    assert configure(WECHAT_PATH=path) == []


@pytest.mark.parametrize(
    "url",
    [
        *("api.weixin.qq.com", "ftp://api.weixin.qq.com", "https://", "https://h:port"),
        *("https://h/?a=b", "https://h/#a", "https://user:pass@h", "https://h/a b", "https://[::1"),
    ],
)
def test_an_api_address_that_is_none_is_E010_and_is_not_shown(  # noqa: N802
    configure: Configure, url: str
) -> None:
    assert configure(WECHAT_API_BASE_URL=url) == ["wechat.E010"]
    assert "pass" not in found()[0].msg


def test_an_api_address_that_anybody_on_the_way_can_read_is_W003(configure: Configure) -> None:  # noqa: N802
    for url in ("https://relay.example.org/wx", "http://127.0.0.1:9000", "http://[::1]:9000"):
        assert configure(WECHAT_API_BASE_URL=url) == []
    assert configure(WECHAT_API_BASE_URL="http://relay.example.org") == ["wechat.W003"]


def test_a_template_that_cannot_be_meant_is_E011(configure: Configure) -> None:  # noqa: N802
    assert configure(WECHAT_TEMPLATE_FIELDS={"thing1": "text"}) == ["wechat.E011"]
    assert configure(WECHAT_TEMPLATE_ID="ngqIpbwh8bUfcSsECmogfXcV14J0tQlEpBO27izEYtY") == []
    assert configure(WECHAT_TEMPLATE_ID="two words") == ["wechat.E011"]
    assert configure(WECHAT_TEMPLATE_ID="ngq", WECHAT_TEMPLATE_FIELDS={}) == ["wechat.E011"]


@pytest.mark.parametrize("hosts", [["localhost", "127.0.0.1", "[::1]"], [".localhost"]])
def test_hosts_that_wechat_cannot_reach_are_W004(configure: Configure, hosts: list[str]) -> None:  # noqa: N802
    assert configure(ALLOWED_HOSTS=hosts) == ["wechat.W004"]
    assert configure(ALLOWED_HOSTS=[*hosts, "*"]) == []


def test_every_problem_has_a_hint(configure: Configure) -> None:
    configure(
        WECHAT_TOKEN="-",
        WECHAT_APP_ID="-",
        WECHAT_ORIGINAL_ID="-",
        WECHAT_AES_KEY="",
        WECHAT_AES_KEY_PREVIOUS=KEY,
        WECHAT_MODE="secure",
        WECHAT_REPLY="customer_service",
        WECHAT_APP_SECRET="",
        WECHAT_PATH="-",
        WECHAT_API_BASE_URL="-",
        WECHAT_TEMPLATE_FIELDS={"thing1": "text"},
        ALLOWED_HOSTS=["localhost"],
    )

    assert len(found()) == 10
    assert all(problem.hint and problem.hint.endswith(".") for problem in found())

"""A trigger that cannot be is refused with a code for the program and a sentence for people."""

import pickle

import pytest

from scheduling.triggers import FIELDS, MESSAGES, CronTrigger, InvalidTrigger


def refusal(expression: str, timezone: str = "UTC") -> InvalidTrigger:
    with pytest.raises(InvalidTrigger) as refused:
        CronTrigger(expression, timezone)
    return refused.value


@pytest.mark.parametrize(
    ("expression", "code", "says"),
    [
        ("", "too_few_fields", "not 0"),
        ("* * * *", "too_few_fields", "not 4"),
        ("0 0 0 * * * 2027", "too_many_fields", "six fields at most"),
        ("0 0 * * * 2027", "year_field", "2027"),
        ("0 0 * * ?", "question_mark", "“day of week”"),
        ("0 0 15W * *", "nearest_weekday", "LW"),
        ("0 0 * JANUARY *", "full_name", "JAN"),
        ("0 0 * * mon-friday", "full_name", "MON"),
        ("0 24 * * *", "out_of_range", "“hour” takes 0 to 23, not 24"),
        ("60 0 0 * * *", "out_of_range", "“second” takes 0 to 59"),
        ("0 0 0 * *", "out_of_range", "“day of month” takes 1 to 31"),
        ("0 0 * 13 *", "out_of_range", "“month” takes 1 to 12"),
        ("0 0 * * 8", "out_of_range", "“day of week” takes 0 to 7"),
        ("30-10 * * * *", "reversed_range", "“30-10”"),
        ("*/0 * * * *", "zero_step", "“minute”"),
        ("1,,2 * * * *", "empty_item", "“minute”"),
        (", * * * *", "empty_item", "“minute”"),
        ("0 0 L-3 * *", "bad_day", "L-3"),
        ("0 0 * * FRIL", "bad_day", "5L"),
        ("0 0 * * MON#6", "bad_day", "MON#2"),
        ("H * * * *", "bad_field", "“minute” takes 0 to 59"),
        ("+1 * * * *", "bad_field", "+1"),
        ("1_0 * * * *", "bad_field", "1_0"),
        ("0\u00a00 * * *", "strange_character", "U+00A0"),
        ("0 0 * * \u0661", "strange_character", "U+0661"),
        ("0 0 * * fr\u0131", "strange_character", "U+0131"),
        ("0 0 * * *\0", "strange_character", "U+0000"),
        ("0 0 *\x1c* *", "strange_character", "U+001C"),
        ("@reboot", "unknown_nickname", "@daily"),
        ("@every 5m", "unknown_nickname", "@every 5m"),
        ("9" * 201, "too_long", "200"),
        ("0 0 31 2 *", "never_fires", "“0 0 31 2 *”"),
    ],
)
def test_a_refusal_says_what_is_wrong(expression: str, code: str, says: str) -> None:
    error = refusal(expression)

    assert error.code == code
    assert says in str(error)
    assert str(error) == MESSAGES[code] % error.params


def test_the_wrong_field_is_named() -> None:
    named = [
        refusal(" ".join(["*"] * index + ["x"] + ["*"] * (5 - index))).params["field"]
        for index in range(6)
    ]

    assert named == list(FIELDS)


def test_every_message_is_a_sentence() -> None:
    assert all(text.endswith(".") and len(text) < 160 for text in MESSAGES.values())


@pytest.mark.parametrize(
    "name",
    [
        "",
        "Mars/Base",
        "america",
        "America",
        "america/new york",
        "/etc/localtime",
        "../../etc/passwd",
        "Europe/../Europe/London",
        "Europe/London\0",
        "Europe/London\n",
        "x" * 5000,
        "Europe/" * 500 + "London",
        "right/Europe/London",
        "posix/Europe/London",
        "localtime",
        "zone.tab",
        "leapseconds",
        "Əurope/London",
        "+08:00",
    ],
)
def test_a_name_that_is_no_time_zone_is_refused(name: str) -> None:
    error = refusal("* * * * *", name)

    assert error.code == "unknown_time_zone"
    assert len(str(error)) < 200


@pytest.mark.parametrize(
    "name", ["UTC", "Etc/GMT+8", "America/Argentina/Buenos_Aires", "America/Port-au-Prince"]
)
def test_a_name_of_any_form_is_a_time_zone(name: str) -> None:
    assert CronTrigger("* * * * *", name).timezone == name


def test_a_refusal_survives_the_way_to_another_process() -> None:
    error = refusal("0 24 * * *")

    copy = pickle.loads(pickle.dumps(error))

    assert (str(copy), copy.code, copy.params) == (str(error), error.code, error.params)

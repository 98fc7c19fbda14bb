"""A long text is cut into parts that WeChat takes, where a reader would pause."""

import time

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from wechat.splitting import end_of_part, first_part, split_text

LIMIT = 2000
FAMILY = "👨‍👩‍👧‍👦"
SEQUENCES = {
    "a family": FAMILY,
    "a skin tone": "👍🏽",
    "a flag": "🇨🇳",
    "a flag of tags": "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
    "a keycap": "1️⃣",
    "a variation": "❤️",
    "an arrow on a face": "🙂‍↔️",
    "accents": "e\u0301\u0323",
    "Hangul letters": "\u1112\u1161\u11ab",
    "a Hindi conjunct": "क्षि",
    "Thai am": "กำ",
    "a line end": "\r\n",
}
ODD = [*SEQUENCES.values(), "\u200d", "\ufe0f", "\u0301", "🇨", "👩", "字", "é", "𝄞", "“", "”"]
PLAIN = [
    "a",
    "Hello",
    " ",
    "\n",
    "\n\n",
    "。",
    "！",
    ". ",
    "? ",
    "，",
    '<a href="https://e.x/">e</a>',
]
texts = st.lists(st.sampled_from(ODD + PLAIN) | st.text(max_size=5)).map("".join)


def size(text: str) -> int:
    return len(text.encode())


@given(texts, st.integers(4, 60))
@example("\u0301" * 30, 4)
@example("🇨🇳" * 9, 7)
def test_parts_join_to_the_text_and_fit(text: str, limit: int) -> None:
    parts = split_text(text, limit)

    assert "".join(parts) == text
    assert all(0 < size(part) <= limit for part in parts)


@given(texts, st.integers(4, 60))
def test_a_text_that_fits_is_one_part(text: str, limit: int) -> None:
    assume(0 < size(text) <= limit)

    assert split_text(text, limit) == [text]


@given(texts, st.integers(4, 60))
def test_parts_can_be_had_one_by_one(text: str, limit: int) -> None:
    parts, start = [], 0
    while start < len(text):
        end = end_of_part(text, limit, start)
        parts.append(text[start:end])
        start = end

    assert parts == split_text(text, limit)
    assert first_part(text, limit) == (parts[0] if parts else "")


@given(st.lists(st.sampled_from(PLAIN), min_size=100, max_size=400), st.integers(100, 300))
def test_pauses_make_no_more_than_twice_the_parts(pieces: list[str], limit: int) -> None:
    text = "".join(pieces)

    assert len(split_text(text, limit)) <= 2 * -(-size(text) // limit)


@given(st.lists(st.sampled_from(list(SEQUENCES.values())), max_size=60), st.integers(40, 200))
def test_no_sequence_is_cut(sequences: list[str], limit: int) -> None:
    ends, position = {0}, 0
    for sequence in sequences:
        position += len(sequence)
        ends.add(position)

    parts = split_text("".join(sequences), limit)

    assert {sum(len(part) for part in parts[:n]) for n in range(len(parts) + 1)} <= ends


@pytest.mark.parametrize("sequence", SEQUENCES.values(), ids=SEQUENCES)
def test_a_sequence_moves_whole_into_the_next_part(sequence: str) -> None:
    text = "x" * (LIMIT - size(sequence) + 1) + sequence + "y" * LIMIT

    parts = split_text(text, LIMIT)

    assert parts[0].strip("x") == ""
    assert parts[1].startswith(sequence)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("a" * 2048, 1),
        ("a" * 2049, 2),
        ("字" * 682, 1),  # 2046 bytes
        ("字" * 683, 2),
        ("a" * 2048 * 5, 5),
        ("字" * 682 * 5, 5),
        ("🇨🇳" * 256 * 3, 3),
        ("", 0),
    ],
)
def test_parts_without_a_pause_are_full(text: str, count: int) -> None:
    assert len(split_text(text, 2048)) == count


def test_a_paragraph_end_is_the_best_place() -> None:
    first, second = "One. Two.\n" * 120, "Three. " * 200

    assert split_text(f"{first}\n{second}", LIMIT) == [f"{first}\n", second]


def test_a_line_end_is_better_than_the_end_of_a_sentence() -> None:
    parts = split_text("- An item. It goes on\n" * 200, LIMIT)

    assert all(part.startswith("- ") and part.endswith("\n") for part in parts)


@pytest.mark.parametrize(
    "sentence",
    [
        "这是一句话。",
        "真的吗？",
        "他说：“好的，明天见。”",
        "省略号……",
        "This is a sentence. ",
        "Is it? ",
        'She said: "It is 3.5 degrees!" ',
        "It was so (they say.) ",
    ],
)
def test_sentences_stay_whole(sentence: str) -> None:
    text = sentence * (3 * LIMIT // size(sentence))

    parts = split_text(text, LIMIT)

    assert len(parts) <= 4
    assert all(size(part) % size(sentence) == 0 for part in parts)


@pytest.mark.parametrize("phrase", ["word another ", "逗号，顿号、"])
def test_words_stay_whole_without_sentences(phrase: str) -> None:
    parts = split_text(phrase * 500, LIMIT)

    assert all(part[-1] in " ，、" for part in parts)
    assert len(parts) == -(-size(phrase * 500) // LIMIT) or size(parts[0]) > LIMIT * 0.95


def test_a_number_with_a_dot_is_no_sentence() -> None:
    beginning = "Words without an end " * 70 + "until here. "
    text = beginning + "but 1. and 2. are numbers " * 70

    assert split_text(text, LIMIT)[0] == beginning


def test_an_early_pause_is_taken_when_it_costs_no_part() -> None:
    parts = split_text("Here it is:\n\n" + "x" * LIMIT, LIMIT)

    assert parts == ["Here it is:\n\n", "x" * LIMIT]


def test_an_early_pause_is_left_when_it_costs_a_part() -> None:
    parts = split_text("Here it is:\n\n" + "x" * (2 * LIMIT - 13), LIMIT)

    assert [size(part) for part in parts] == [LIMIT, LIMIT]


def test_links_stay_whole() -> None:
    link = '<a href="https://example.com/a/long/path?with=query">read more of this</a>'

    parts = split_text(f"See {link}, and\n\n" * 100, 300)

    assert all(part.count("<a ") == part.count("</a>") for part in parts)
    assert sum(part.count(link) for part in parts) == 100


def test_a_link_moves_whole_where_there_is_no_pause_before_it() -> None:
    link = '<a href="https://example.com/">here</a>'

    assert split_text("x" * 190 + link, 200) == ["x" * 190, link]


def test_a_link_that_fits_nowhere_is_cut() -> None:
    link = f'<a href="https://example.com/{"p" * 300}">here</a>'

    parts = split_text(link, 200)

    assert "".join(parts) == link
    assert len(parts) == 2


def test_a_limit_below_one_character_is_refused() -> None:
    with pytest.raises(ValueError, match="3 bytes"):
        split_text("too small", 3)


@pytest.mark.parametrize(
    "unit",
    [
        *("a", "字", " ", "\n", "\n\n", " \n", "word ", "Yes. ", "!", '."'),
        *("\u0301", "🇨", "👨\u200d", '<a href="', '<a href="https://e.x/">e</a> '),
    ],
)
def test_a_megabyte_takes_linear_time(unit: str) -> None:
    """A quadratic search would take minutes; the slowest of these takes a second."""
    text = unit * (1_000_000 // size(unit))
    started = time.process_time()

    parts = split_text(text, LIMIT)

    assert time.process_time() - started < 8
    assert "".join(parts) == text

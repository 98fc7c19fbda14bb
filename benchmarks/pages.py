"""Does to chat pages what people and networks do to them, and prints what became of it.

    python benchmarks/pages.py [--chainlit BIN/chainlit] [--gradio BIN/python] [--only NAME …]

BotFlow's page, and those of Chainlit and Gradio where a program that starts them is named, go
through the same steps in one Chromium. Prints a table, one row for each step.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from playwright.sync_api import Error, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.pages_chats import BotFlow, Chat, chainlit, gradio
from benchmarks.pages_steps import STEPS, Visit

CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]


def outcomes(chat: Chat, names: list[str]) -> dict[str, str]:
    """Return what each step came to on one page."""
    found = {}
    chat.start()
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            for name in names:
                visit = Visit(chat, browser)
                try:
                    found[name] = STEPS[name](visit)
                except (Error, AssertionError) as error:
                    found[name] = f"? {str(error).splitlines()[0][:80]}"
                finally:
                    visit.end()
                print(f"{chat.name:9} {name:32} {found[name]}", file=sys.stderr, flush=True)
            browser.close()
    finally:
        chat.close()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--chainlit", help="the program chainlit of an environment that has it")
    parser.add_argument("--gradio", help="the Python of an environment with gradio")
    parser.add_argument("--only", nargs="*", choices=STEPS, default=list(STEPS))
    parser.add_argument("--without-botflow", action="store_true")
    wanted = parser.parse_args()
    chats: list[Chat] = [] if wanted.without_botflow else [BotFlow()]
    if wanted.chainlit:
        chats.append(chainlit(wanted.chainlit))
    if wanted.gradio:
        chats.append(gradio(wanted.gradio))
    tables = {chat.name: outcomes(chat, wanted.only) for chat in chats}
    print("| step |", " | ".join(tables), "|")
    print("|---" * (len(tables) + 1) + "|")
    for name in wanted.only:
        print(f"| {name} |", " | ".join(table[name] for table in tables.values()), "|")


if __name__ == "__main__":
    main()

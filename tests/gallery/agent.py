"""The agent of the pictures: it answers a few questions at length, and one never to its end."""

import asyncio
from collections.abc import AsyncIterator

from conversations.agents import AgentError, Turn

PLAN = {
    "en": """Here is a plan for three days in Kyoto:

| day | morning | afternoon |
|:--|:--|:--|
| 1 | Fushimi Inari | Gion |
| 2 | Arashiyama | Golden Pavilion |
| 3 | Nijō Castle | Nishiki Market |

Per person that is about $T = 3 \\times 9{,}500 = 28{,}500$ yen. To count it yourself:

```python
def total(days: int, each: int = 9_500) -> int:
    \"\"\"Return what so many days cost, in yen.\"\"\"
    return days * each


print(total(3))  # 28500
```

1. **Buy** the bus pass on the first morning.
2. *Reserve* the castle; tickets sell out.

More in the [city guide](https://www.example.org/kyoto).
""",
    "zh": """这是京都三日的安排：

| 天 | 上午 | 下午 |
|:--|:--|:--|
| 1 | 伏见稻荷大社 | 祇园 |
| 2 | 岚山 | 金阁寺 |
| 3 | 二条城 | 锦市场 |

每人大约 $T = 3 \\times 9{,}500 = 28{,}500$ 日元。想自己算的话：

```python
def total(days: int, each: int = 9_500) -> int:
    \"\"\"返回这几天的花费（日元）。\"\"\"
    return days * each


print(total(3))  # 28500
```

1. 第一天早上先**买**公交一日券。
2. 二条城请*提前预约*，门票经常售罄。

更多内容见[城市指南](https://www.example.org/kyoto)。
""",
}
BEGINNING = {
    "en": """Gladly. What to pack for four days of rain and sun:

- **A light rain jacket**, since umbrellas fill the buses
- Two pairs of shoes, so that one can dry
- A small towel

The evenings are cool even in May, so take""",
    "zh": """好的。四天里有雨也有晴，建议带上：

- **轻便雨衣**，公交车上放不下太多雨伞
- 两双鞋，湿了可以换着穿
- 一条小毛巾

五月的夜晚仍然有点凉，所以再带""",
}
SHORT = {"en": "It is a lovely picture. I see a lake.", "zh": "很美的照片，我看到了一片湖。"}


async def reply(turn: Turn) -> AsyncIterator[str]:
    language = "zh" if turn.locale.startswith("zh") else "en"
    if turn.attachments:
        yield SHORT[language]
    elif "pack" in turn.text or "行李" in turn.text:
        yield BEGINNING[language]
        await asyncio.sleep(3600)
    elif "weather" in turn.text or "天气" in turn.text:
        raise AgentError(
            {"en": "The weather service does not answer.", "zh": "天气服务没有回应。"}[language]
        )
    else:
        yield PLAN[language]

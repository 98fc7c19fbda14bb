"""What the pictured people have said in the days before, as code that runs on the site.

Its arguments are their names for signing in, which begin with their language.
"""

PASSWORD = "kyoto-by-bus"

SEED = """
from datetime import timedelta
from django.utils import timezone
from conversations.models import Conversation, Message, User

TOPICS = {
    "en": [
        ("Kyoto by bus", "Which bus goes to the castle?", "Bus 9 stops right in front of it."),
        ("Birthday speech", "Help me with a speech for my sister.", "Begin with how you met."),
        ("Dinner for six", "A menu for six, two of them vegetarian?", "Start with miso soup."),
        ("Learning Go", "How do goroutines end?", "When their function returns."),
        ("Rent contract", "What does clause 7 mean?", "It is about the deposit."),
    ],
    "zh": [
        ("京都公交", "去二条城坐哪路公交？", "坐 9 路公交，正好停在城门前。"),
        ("生日致辞", "帮我写一段给姐姐的生日致辞。", "可以从一件小事说起。"),
        ("六人晚餐", "六个人的菜单，其中两位吃素？", "先上一道味噌汤。"),
        ("学习 Go", "goroutine 什么时候结束？", "函数返回时就结束了。"),
        ("租房合同", "第七条是什么意思？", "说的是押金。"),
    ],
}
now = timezone.now()
for account in arguments:
    language = account[:2]
    name = {"en": "Mia Berger", "zh": "李薇"}[language]
    user = User.objects.create_user(account, password="kyoto-by-bus", first_name=name)
    for place, (title, question, answer) in enumerate(TOPICS[language]):
        moment = now - timedelta(days=[0, 1, 3, 9, 40][place], minutes=5)
        made = Conversation.objects.create(
            channel="web", address=f"{account}-{place}", participant=f"user:{user.pk}",
            title=title, seq=2, updated_at=moment, read_seq=2 if place != 1 else 0,
            settings={"locale": "zh-hans" if language == "zh" else "en", "timezone": "UTC"},
        )
        asked = Message.objects.create(
            conversation=made, role="user", content=question, state="answered", seq=2,
            created_at=moment,
        )
        Message.objects.create(
            uuid=asked.reply_uuid, conversation=made, role="assistant", content=answer,
            state="done", reply_to=asked, seq=1, created_at=moment + timedelta(seconds=3),
        )
"""

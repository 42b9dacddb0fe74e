"""Values for the fields of a row, in many languages and of many kinds."""

# ruff: noqa: RUF001 - the texts are in many languages, each with its own punctuation

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)

SENTENCES = (
    "The export to CSV drops the last column when a name has a comma in it.",
    'It says "saved", but after a reload the old text is back.',
    "Please, please add a dark mode 🌙 – my eyes hurt after an hour.",
    "Der Export bricht bei größeren Tabellen ab, spätestens nach 10.000 Zeilen.",
    "Könnte man die Filter speichern? Ich stelle sie jeden Morgen neu ein.",
    "L’application est très rapide depuis la dernière mise à jour, merci !",
    "Je n’arrive plus à joindre un fichier de plus de 5 Mo.",
    "La búsqueda no encuentra nombres con tilde: «Peña» no aparece nunca.",
    "¿Por qué tengo que iniciar sesión dos veces cada mañana?",
    "検索が前よりずっと速くなりました。ありがとうございます！",
    "通知メールが二通ずつ届きます。設定を確認してください。",
    "导出的文件在表格软件里打开是乱码，希望支持 UTF-8。",
    "После обновления отчёты открываются по полминуты, раньше – мгновенно.",
    "لا تصل إشعارات البريد الإلكتروني منذ الأسبوع الماضي.",
    "החיפוש לא מוצא מילים עם ניקוד.",
    "A integração com o calendário duplica todos os eventos 😕",
    "Zoekresultaten staan in een vreemde volgorde, graag op datum.",
    "Sökfältet tappar fokus varje gång jag skriver ett å.",
    "로그인 화면이 휴대폰에서 잘려 보입니다.",
    "फ़ॉर्म जमा करने पर कभी-कभी त्रुटि आती है।",
    "Love it 👍🏽 the whole family 👨‍👩‍👧‍👦 uses it now.",
    "We pay for 250 seats and use 40 % of them; a report on that would help.",
    "Steps:\n1. open the board\n2. drag a card\n3. it jumps back",
    "Our path is C:\\Data\\Feedback, and the importer cannot read it.",
    "<p>Pasted from an e-mail: it <b>never</b> worked &amp; nobody answered.</p>",
    "Nothing to add, it just works.",
    "The\ttab key\tleaves the editor instead of indenting.",
    "+1",
)
TITLES = (
    "Dark mode",
    "Keyboard shortcuts for everything",
    "Export mit Umlauten im Dateinamen",
    "Filtres enregistrés",
    "Búsqueda sin tildes",
    "検索結果の並べ替え",
    "Ein Klick weniger beim Anmelden",
    "Single sign-on (SAML)",
    'Rename "Segments" to "Groups"',
    "Offline mode ✈️",
    "Поиск по вложениям",
    "Bulk edit, 100% undoable",
)
NAMES = (
    "Ana Peña",
    "Björn Åkesson",
    "Chloé Lefèvre",
    "Daniel O’Neill",
    "Ewa Żak",
    "Nguyễn Văn An",
    "山田 花子",
    "Omar Haddad",
)
COMPANIES = (
    "Acme",
    "Brown & Sons",
    "Çelik A.Ş.",
    "Dübel GmbH",
    "Initech",
    "株式会社サンプル",
    "Umbrella, Inc.",
    'The "Quote" Company',
)
LANGUAGES = ("ar", "de", "en", "es", "fr", "he", "hi", "ja", "ko", "nl", "pt", "ru", "sv", "zh")
AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0 Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64; rv:121.0) Gecko/20100101 Firefox/121.0",
)


def body(random: Random) -> str:
    """Return a text of one to five sentences."""
    return random.choice((" ", "\n\n")).join(random.choices(SENTENCES, k=random.randint(1, 5)))


def moment(random: Random) -> str:
    """Return a time before the first row was updated."""
    seconds = random.randrange(1_420_070_400, 1_577_836_800)  # 2015 to 2019
    return (EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def url(random: Random) -> str:
    """Return a URL of a page that does not exist."""
    return f"https://feedback.example.com/{random.getrandbits(32)}-{random.choice(('idea', 'größe', 'café'))}?ref=a%20b"


def average(random: Random) -> float | str:
    """Return a number, which some accounts send as text."""
    value = round(random.uniform(0, 10), 2)
    return f"{value:.2f}" if random.random() < 0.3 else value  # noqa: PLR2004 - some


def option(random: Random) -> dict[str, Any]:
    """Return the value of a custom field that is chosen from a list."""
    number = random.randint(1, 4)
    return {"id": 500 + number, "label": f"Option {number} – größer", "value": f"option_{number}"}


#: A maker for each kind of value.
KINDS: dict[str, Callable[[Random], Any]] = {
    "agent": lambda random: random.choice(AGENTS),
    "amount": lambda random: round(random.uniform(0, 90_000), 2),
    "average": average,
    "bodies": lambda random: [body(random) for _ in range(random.randint(1, 2))],
    "body": body,
    "browser": lambda random: random.choice(("Chrome", "Edge", "Firefox", "Safari")),
    "channel": lambda random: random.choice(("api", "email", "import", "portal", "sidebar", "widget")),
    "company": lambda random: random.choice(COMPANIES),
    "count": lambda random: int(random.expovariate(0.02)),
    "custom_option": option,
    "custom_text": lambda random: random.choice(("EMEA", "Köln / Bonn", "n/a", "", "東京")),
    "customer": lambda random: f"cus_{random.randrange(5_000):06d}",
    "email": lambda random: f"user.{random.randrange(9_000)}+test@example.com",
    "flag": lambda random: random.random() < 0.5,  # noqa: PLR2004 - even odds
    "ip": lambda random: f"192.0.2.{random.randrange(256)}",
    "language": lambda random: random.choice(LANGUAGES),
    "mime": lambda random: random.choice(("text/html", "text/plain")),
    "moment": moment,
    "name": lambda random: random.choice(NAMES),
    "os": lambda random: random.choice(("Android", "iOS", "Linux", "macOS", "Windows")),
    "plan": lambda random: random.choice(("enterprise", "free", "pro", "team")),
    "rating": lambda random: random.randint(0, 10),
    "score": lambda random: round(random.uniform(-1, 100), 3),
    "state": lambda random: random.choice(("approved", "closed", "draft", "published", "spam")),
    "title": lambda random: random.choice(TITLES),
    "token": lambda random: f"{random.getrandbits(48):012x}",
    "url": url,
    "user_type": lambda random: random.choice(("admin", "customer", "lead")),
    "version": lambda random: f"{random.randint(80, 130)}.0.{random.randint(0, 99)}",
}

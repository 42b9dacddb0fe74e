"""The rows that the sandbox makes up: each a pure function of seed, stream and number."""

# ruff: noqa: RUF001 - the texts are of many languages, each with its own marks

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple

from sandbox.timeline import SECOND

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class Stream(NamedTuple):
    """A stream, the API that has it and the last part of its path there."""

    name: str
    api: str
    resource: str


STREAMS = (
    Stream("feedback_data", "feedback", "feedback"),
    Stream("forums", "analytics", "forums"),
    Stream("external_accounts", "analytics", "external_accounts"),
    Stream("external_users", "analytics", "external_users"),
    Stream("features", "analytics", "features"),
    Stream("feedback_records", "analytics", "feedback_records"),
    Stream("suggestions", "analytics", "suggestions"),
    Stream("customer_support_data", "support", "resource"),
)

#: Fields by stream and kind of value; `id`, the time of the last update and the links come on top.
FIELDS = {
    "feedback_data": {
        "customer": "customer_id",
        "body": "feedback_text",
        "rating": "rating",
        "language": "language",
    },
    "customer_support_data": {
        "customer": "customer_id",
        "moment": "created_at",
        "title": "subject",
        "bodies": "messages",
    },
    "forums": {
        "name": "name",
        "title": "prompt example welcome_message",
        "url": "portal_url",
        "mime": "welcome_message_mime_type",
        "flag": "is_open is_public is_private classic_voting category_required importance_enabled moderation_enabled",
        "count": "suggestions_count open_suggestions_count",
        "moment": "created_at",
    },
    "external_accounts": {
        "company": "name",
        "token": "external_id",
        "plan": "plan",
        "amount": "mrr revenue ltv",
        "count": "mrr_cents ltv_cents users_count requests_count supported_ideas_count",
        "rating": "nps",
        "flag": "is_blocker",
        "moment": "external_created_at last_active_at created_at",
        "custom_text": "cf_region",
        "custom_option": "cf_industry",
        "score": "cv_health cv_sample_segment.revenue",
    },
    "external_users": {
        "name": "name",
        "email": "email",
        "token": "external_id",
        "user_type": "type",
        "ip": "ip",
        "count": "seen_days",
        "moment": "external_created_at last_seen_at created_at",
        "custom_option": "cf_role",
        "custom_text": "cf_office",
        "score": "cv_activity",
    },
    "features": {
        "title": "name",
        "body": "description",
        "count": "position suggestions_count supporting_users_count supporting_accounts_count jira_link_count "
        "vsts_link_count supporter_mrr_cents",
        "amount": "supporter_revenue",
        "flag": "is_blocker",
        "moment": "created_at",
    },
    "feedback_records": {
        "body": "body",
        "mime": "body_mime_type",
        "channel": "channel source_type",
        "token": "source_guid",
        "url": "source_url",
        "rating": "severity",
        "score": "sentiment_score",
        "flag": "has_attachments",
        "moment": "created_at",
    },
    "suggestions": {
        "title": "title",
        "body": "body",
        "mime": "body_mime_type",
        "state": "state",
        "channel": "channel",
        "url": "admin_url portal_url redirect_url creator_referrer",
        "os": "creator_os",
        "browser": "creator_browser",
        "version": "creator_browser_version",
        "agent": "creator_user_agent",
        "average": "importance_score_average",
        "flag": "creator_mobile is_blocker",
        "count": "supporters_count account_supporters_count supporting_accounts_count votes_count comments_count "
        "notes_count requests_count merge_candidates_count jira_link_count vsts_link_count internal_flags_count "
        "all_internal_flags_count inappropriate_flags_count importance_low_count importance_medium_count "
        "importance_high_count importance_total_count satisfaction_promoter_count satisfaction_neutral_count "
        "satisfaction_detractor_count recent_engagement",
        "score": "importance_low_percent importance_medium_percent importance_high_percent "
        "supporter_satisfaction_score sentiment_score total_sentiment_score average_engagement engagement_trend "
        "cv_sample_segment.revenue",
        "amount": "supporter_mrr supporter_revenue",
        "moment": "approved_at closed_at first_support_at last_internal_flag_at created_at",
        "custom_option": "cf_priority",
        "custom_text": "cf_team",
    },
}

#: Links by stream, with the resource that each leads to.
LINKS = {
    "forums": {"updated_by": "users"},
    "external_accounts": {},
    "external_users": {"user": "users", "external_account": "external_accounts"},
    "features": {
        "created_by": "users",
        "updated_by": "users",
        "feature_status": "feature_statuses",
        "product_area": "product_areas",
        "roadmap": "roadmaps",
        "suggestions": "suggestions",
        "custom_fields": "custom_fields",
    },
    "feedback_records": {
        "user": "users",
        "supporter": "supporters",
        "suggestion": "suggestions",
        "ticket": "tickets",
        "created_by": "users",
        "updated_by": "users",
        "sfdc_opportunity": "sfdc_opportunities",
    },
    "suggestions": {
        "forum": "forums",
        "category": "categories",
        "status": "statuses",
        "created_by": "users",
        "captured_by": "users",
        "parent_suggestion": "suggestions",
        "ticket": "tickets",
        "last_status_update": "status_updates",
        "last_internal_status_update": "internal_status_updates",
        "last_supporter_message": "supporter_messages",
        "labels": "labels",
        "features": "features",
        "custom_fields": "custom_fields",
    },
}
#: The links that lead to several records.
PLURAL_LINKS = frozenset({"custom_fields", "features", "labels", "suggestions"})

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

#: So many rows of a stream differ in more than id and time; from then on their contents come again.
POOL = 2_000
FIRST_ID = 1_000_001
ABSENT, NULL = 0.04, 0.06
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
#: Stands in a template where the time of the last update goes.
UPDATED = "@updated@"


def body(random: Random) -> str:
    """A text of one to five sentences."""
    return random.choice((" ", "\n\n")).join(random.choices(SENTENCES, k=random.randint(1, 5)))


def moment(random: Random) -> str:
    """A time before the first row was updated."""
    seconds = random.randrange(1_420_070_400, 1_577_836_800)  # 2015 to 2019
    return (EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def url(random: Random) -> str:
    """An address that leads nowhere."""
    return f"https://feedback.example.com/{random.getrandbits(32)}-{random.choice(('idea', 'größe', 'café'))}?ref=a%20b"


def average(random: Random) -> float | str:
    """A number, which some accounts send as text."""
    value = round(random.uniform(0, 10), 2)
    return f"{value:.2f}" if random.random() < 0.3 else value  # noqa: PLR2004 - some


def option(random: Random) -> dict[str, Any]:
    """The value of a custom field that is chosen from a list."""
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


def links(random: Random, stream: str) -> dict[str, Any]:
    """The links of a row: an id, null, or a list of ids."""
    return {
        name: [random.randrange(FIRST_ID, FIRST_ID + POOL) for _ in range(random.randrange(4))]
        if name in PLURAL_LINKS
        else random.choice((random.randrange(FIRST_ID, FIRST_ID + POOL), None))
        for name in LINKS[stream]
    }


def template(seed: int, stream: str, number: int) -> bytes:
    """A row as JSON, with the places of its number and of its last update left open for `%`."""
    random = Random(f"{seed} {stream} {number}")
    row: dict[str, Any] = {}
    for kind, names in FIELDS[stream].items():
        for name in names.split():
            fate = random.random()
            if fate >= ABSENT:
                row[name] = None if fate < ABSENT + NULL else KINDS[kind](random)
    if stream in LINKS and random.random() >= ABSENT:
        row["links"] = links(random, stream)
    row["timestamp" if stream == "feedback_data" else "updated_at"] = UPDATED
    # Some servers escape what is not ASCII, some do not; here it is every second row.
    text = json.dumps(row, ensure_ascii=bool(number % 2), separators=(",", ":")).replace("%", "%%")
    start = '{"id":%d,' if stream in LINKS else '{"id":"row-%d",'
    return (start + text[1:].replace(UPDATED, "%s")).encode()


@lru_cache(maxsize=4096)
def hour(number: int, offset: int) -> bytes:
    """The first half of a timestamp, up to the hour, in a zone so many hours east of UTC."""
    return (EPOCH + timedelta(hours=number + offset)).strftime("%Y-%m-%dT%H:").encode()


def stamp(number: int, instant: int) -> bytes:
    """The last update of a row as it is sent: most in whole seconds, some with milliseconds, some with an offset."""
    seconds, fraction = divmod(instant, SECOND)
    hours, seconds = divmod(seconds, 3600)
    if fraction:
        return b"%s%02d:%02d.%06dZ" % (hour(hours, 0), *divmod(seconds, 60), fraction)
    style = number % 16
    if style == 5:  # noqa: PLR2004 - one row in 16
        return b"%s%02d:%02d.000Z" % (hour(hours, 0), *divmod(seconds, 60))
    if style == 11:  # noqa: PLR2004 - one row in 16
        return b"%s%02d:%02d+02:00" % (hour(hours, 2), *divmod(seconds, 60))
    return b"%s%02d:%02dZ" % (hour(hours, 0), *divmod(seconds, 60))


class Rows:
    """The rows of a stream as JSON, made when they are asked for."""

    def __init__(self, seed: int, stream: str) -> None:
        self._seed = seed
        self._stream = stream
        self._pool: list[bytes | None] = [None] * POOL

    def encode(self, rows: Iterable[tuple[int, int]]) -> list[bytes]:
        """Rows as JSON, each given by its number and the instant of its last update."""
        return [self._template(number % POOL) % (FIRST_ID + number, stamp(number, instant)) for number, instant in rows]

    def _template(self, number: int) -> bytes:
        known = self._pool[number]
        if known is None:
            known = self._pool[number] = template(self._seed, self._stream, number)
        return known

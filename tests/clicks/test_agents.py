"""What user agents of the real world are taken for."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortly.clicks.agents import Agent, Agents, bot_name, crawler_patterns

AGENTS = Agents()
ANDROID = "Mozilla/5.0 (Linux; Android 13; {}) AppleWebKit/537.36 (KHTML, like Gecko) {} Safari/537.36"
WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64{}) AppleWebKit/537.36 (KHTML, like Gecko) {} Safari/537.36"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) {}"


@pytest.mark.parametrize(
    ("user_agent", "agent"),
    [
        (WINDOWS.format("", "Chrome/126.0.0.0"), Agent("Chrome", "Windows", "desktop")),
        (WINDOWS.format("", "Chrome/126.0.0.0") + " Edg/126.0.0.0", Agent("Edge", "Windows", "desktop")),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:127.0) Gecko/20100101 Firefox/127.0",
            Agent("Firefox", "Windows", "desktop"),
        ),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
            "Version/17.4 Safari/605.1.15",
            Agent("Safari", "Mac OS X", "desktop"),
        ),
        (
            "Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/115.0",
            Agent("Firefox", "Linux", "desktop"),
        ),
        (
            "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) "
            "Chrome/126.0.0.0 Safari/537.36",
            Agent("Chrome", "Chrome OS", "desktop"),
        ),
        (IPHONE.format("Version/17.5 Mobile/15E148 Safari/604.1"), Agent("Mobile Safari", "iOS", "mobile")),
        (IPHONE.format("Mobile/15E148 Instagram 330.0.0.40.92"), Agent("Instagram", "iOS", "mobile")),
        (IPHONE.format("Mobile/15E148 [FBAN/FBIOS;FBAV/400.0]"), Agent("Facebook", "iOS", "mobile")),
        (IPHONE.format("Mobile/15E148 [Pinterest/iOS]"), Agent("Pinterest", "iOS", "mobile")),
        (
            "Mozilla/5.0 (iPad; CPU OS 16_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
            "Version/16.0 Mobile/15E148 Safari/604.1",
            Agent("Mobile Safari", "iOS", "tablet"),
        ),
        (ANDROID.format("K", "Chrome/126.0.0.0 Mobile"), Agent("Chrome Mobile", "Android", "mobile")),
        (ANDROID.format("CUBOT_X19", "Chrome/126.0.0.0 Mobile"), Agent("Chrome Mobile", "Android", "mobile")),
        (ANDROID.format("SM-X906", "Chrome/126.0.0.0"), Agent("Chrome", "Android", "tablet")),
        (
            ANDROID.format("KFTRWI", "Silk/120.4.1 like Chrome/120.0.0.0"),
            Agent("Amazon Silk", "Android", "tablet"),
        ),
        (
            "Mozilla/5.0 (Web0S; Linux/SmartTV) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/94.0.4606.128 "
            "Safari/537.36 WebAppManager",
            Agent("Chrome", "Web0S", "tv"),
        ),
        (
            WINDOWS.format("; Xbox; Xbox One", "Chrome/126.0.0.0") + " Edg/126.0.0.0",
            Agent("Edge", "Windows", "console"),
        ),
        ("", Agent()),
        ("hello", Agent()),
        ("x" * 512, Agent()),
    ],
)
def test_a_browser_is_told_by_family_system_and_device(user_agent: str, agent: Agent) -> None:
    assert AGENTS.agent_of(user_agent) == agent


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "Googlebot"),
        ("Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)", "bingbot"),
        ("facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)", "facebookexternalhit"),
        ("Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)", "Slackbot"),
        ("TelegramBot (like TwitterBot)", "TelegramBot"),
        ("WhatsApp/2.23.20.0 A", "WhatsApp"),
        ("curl/8.5.0", "curl"),
        ("python-requests/2.31.0", "python-requests"),
        ("Go-http-client/2.0", "Go-http-client"),
        (WINDOWS.format("", "HeadlessChrome/126.0.0.0"), "HeadlessChrome"),
        ("NeverHeardOfBot/1.0", "NeverHeardOfBot"),
        ("My first web-crawler, be kind", "web-crawler"),
    ],
)
def test_a_bot_has_a_name_and_no_browser(user_agent: str, name: str) -> None:
    assert AGENTS.agent_of(user_agent) == Agent(bot=name)


def test_every_listed_crawler_has_a_short_readable_name() -> None:
    names = [bot_name(pattern) for pattern in crawler_patterns()]
    assert len(names) > 1000
    assert [name for name in names if not re.fullmatch(r"[\w][\w .'!@-]{1,49}", name)] == []


@given(st.text(max_size=600))
def test_no_user_agent_is_too_strange(user_agent: str) -> None:
    for text in AGENTS.agent_of(user_agent):
        assert len(text) <= 100
        assert text.encode() is not None

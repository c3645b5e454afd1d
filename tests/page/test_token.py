"""A daemon that asks for a token, and the page's prompt for it, in Chromium."""

from pathlib import Path

from selenium.webdriver.common.keys import Keys

from tests.daemon.process import Daemon
from tests.page.browser import Page
from tests.page.case import PageTestCase

TOKEN = "Viewers-token_0123456789"


class TokenTests(PageTestCase):
    """From the prompt to live data."""

    timeout = 120
    forgiven = r"\b401\b"  # Chromium's line for each answer that is one, and for the WebSocket that was refused.

    def start_daemon(self, *options: str) -> Daemon:
        self.path = Path(self.mktemp()).absolute()
        self.path.write_text(f"{TOKEN}\n")
        return super().start_daemon("--token-file", str(self.path), *options)

    def enter(self, page: Page, text: str) -> None:
        page.wait_for("it asks", lambda: page.find("#token[open] input"))
        page.press(text, Keys.ENTER)

    def test_it_asks_until_the_token_is_right_and_then_shows_the_cluster(self) -> None:
        self.start_cluster("--token-file", str(self.path))
        page = self.open()
        self.enter(page, "wrong")
        page.wait_for("it says so", lambda: "refused" in page.text("#token[open]"))
        self.enter(page, TOKEN)
        page.wait_for("it is live", lambda: page.mode == "live")
        page.first_data_ms()
        self.assertEqual(page.find("#token[open]"), [])
        self.assertNotIn(TOKEN, page.driver.current_url)
        page.driver.refresh()
        page.wait_for("the tab still knows it", lambda: page.mode == "live")
        self.assertNotIn(TOKEN, "\n".join(self.daemon.lines))

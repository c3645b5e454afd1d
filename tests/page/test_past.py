"""The page of a moment that has passed."""

from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from selenium.webdriver import ActionChains
from selenium.webdriver.common.keys import Keys

from tests.page.browser import Page
from tests.page.case import PageTestCase, alive, elected

STEP_MS = 1_000
"""Of an arrow key."""


class PastTests(PageTestCase):
    """Shard 1 is led by node 1, and then, over two steps later, by node 2."""

    def setUp(self) -> None:
        super().setUp()
        self.nodes = [self.connect(number, f"node-{number}") for number in (1, 2)]
        self.tell(self.nodes[0], alive(1), elected(1, 1))
        self.tell(self.nodes[1], alive(2))
        self.first_ms = self.newest_ms()
        self.daemon.wait_for_stats(lambda stats: stats["uptime_ms"] > self.uptime_ms + 3 * STEP_MS)
        self.tell(self.nodes[1], elected(1, 2, term=2))

    def newest_ms(self) -> int:
        stats = self.daemon.get("/api/stats")[1]
        self.uptime_ms = stats["uptime_ms"]
        return stats["newest_event_ms"]

    def open_live(self) -> Page:
        page = self.open()
        page.wait_for("node 2 leads", lambda: page.leads("2", shard=1))
        return page

    def go_back(self, page: Page) -> None:
        """By arrow keys, to half a second around the middle between the two elections."""
        page.press(" ")
        page.wait_for("it is held", lambda: page.mode == "past")
        wanted_ms = self.first_ms + 3 * STEP_MS // 2
        page.press(Keys.ARROW_LEFT * round((self.instant_ms(page) - wanted_ms) / STEP_MS))
        page.wait_for("node 1 leads", lambda: page.leads("1", shard=1))

    def instant_ms(self, page: Page) -> int:
        """That the page shows."""
        shown = datetime.fromisoformat(page.run("return document.querySelector('[data-part=live] time').dateTime"))
        return round(shown.timestamp() * 1000)

    def query(self, page: Page) -> dict[str, Any]:
        return parse_qs(urlsplit(page.driver.current_url).query)

    def test_arrow_keys_go_back_to_the_earlier_state_and_escape_to_the_present(self) -> None:
        page = self.open_live()
        self.go_back(page)
        self.assertEqual(page.mode, "past")
        page.press(Keys.ESCAPE)
        page.wait_for("it is live, and node 2 leads", lambda: page.mode == "live" and page.leads("2", shard=1))

    def test_dragging_the_tape_moves_the_page_and_escape_brings_it_back(self) -> None:
        page = self.open_live()
        [tape] = page.find("#tape-plot")
        hold = ActionChains(page.driver).move_to_element_with_offset(tape, 300, 0).click_and_hold()
        hold.move_by_offset(-200, 0).release().perform()
        page.wait_for("it is in the past", lambda: page.mode == "past")
        page.wait_for("it says what there is", lambda: "Nothing is stored before" in page.part("tape"))
        page.press(Keys.ESCAPE)
        page.wait_for("it is live", lambda: page.mode == "live")

    def test_space_holds_the_page_at_this_instant_and_escape_shows_what_came_next(self) -> None:
        page = self.open_live()
        page.press(" ")
        page.wait_for("it is held", lambda: page.mode == "past")
        instant_ms = self.instant_ms(page)
        self.tell(self.nodes[0], elected(1, 1, term=3))
        self.assertTrue(page.leads("2", shard=1))
        self.assertEqual(self.instant_ms(page), instant_ms)
        page.press(Keys.ESCAPE)
        page.wait_for("it is live, and node 1 leads again", lambda: page.mode == "live" and page.leads("1", shard=1))

    def test_a_link_shows_the_same_moment_node_and_window(self) -> None:
        page = self.open_live()
        page.press("]")
        self.go_back(page)
        # The last of the keys may still be on its way.
        page.wait_for("the address names it", lambda: self.query(page).get("at") == [str(self.instant_ms(page))])
        link = page.driver.current_url
        instant_ms = int(parse_qs(urlsplit(link).query)["at"][0])
        page.visit("about:blank")
        page.visit(link)
        page.wait_for("the same moment is shown", lambda: page.mode == "past" and page.leads("1", shard=1))
        self.assertEqual((self.instant_ms(page), page.driver.current_url), (instant_ms, link))
        self.assertEqual(page.text("[aria-label^='Window'] [aria-pressed=true]"), "15 min")

    def test_brackets_change_the_window(self) -> None:
        page = self.open_live()
        for key, minutes in ("]", "15"), ("]", "60"), ("]", "60"), ("[", "15"), ("[", None), ("[", "1"), ("[", "1"):
            page.press(key)
            page.wait_for(
                f"the window is {minutes}", lambda is_=minutes: self.query(page).get("window", [None]) == [is_]
            )

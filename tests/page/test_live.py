"""The page of a daemon as it is now."""

import signal
import time
from datetime import datetime

from selenium.webdriver.common.keys import Keys

from tests.page.case import PageTestCase, alive, elected
from tests.page.proxy import Proxy
from tests.stream.made import said

FIRST_DATA_MS = 1_000
"""The promise."""
VISITS = 5
"""Of which one has to keep it: the others may have met a machine that was busy with something else."""

_NAMELESS = """
return [...document.querySelectorAll("a, button, input, [tabindex='0']")]
    .filter(each => each.checkVisibility() && !(each.ariaLabel || each.title || each.textContent.trim()))
    .map(each => each.outerHTML)
"""
"""All that takes the focus, and of which a screen reader could say nothing."""


class OpeningTests(PageTestCase):
    """What is there at the first look."""

    def test_a_quiet_cluster_is_shown_within_a_second(self) -> None:
        for node in (1, 2, 3):
            self.tell(self.connect(node, f"node-{node}"), alive(node), elected(node, node))
        page = self.open()
        took_ms = [page.first_data_ms()]
        while min(took_ms) >= FIRST_DATA_MS and len(took_ms) < VISITS:
            page.visit(page.driver.current_url)
            took_ms.append(page.first_data_ms())
        self.assertLess(min(took_ms), FIRST_DATA_MS, took_ms)
        page.wait_for("every leader is shown", lambda: all(page.leads(str(node), shard=node) for node in (1, 2, 3)))
        page.wait_for(
            "the verdict", lambda: "All 3 nodes are up and all 3 shards have a leader" in page.part("verdict")
        )
        self.assertEqual(page.mode, "live")
        self.assertEqual(len(page.find("[data-part=strips] [data-node]")), 3)

    def test_an_empty_daemon_says_how_to_connect_a_node_and_fills_by_itself(self) -> None:
        page = self.open()
        page.wait_for("it says that it is empty", lambda: page.mode == "empty")
        page.wait_for("the verdict says so, too", lambda: "No node has connected yet" in page.part("verdict"))
        self.assertIn(f"127.0.0.1:{self.daemon.grpc_port}", page.text("main"))
        self.tell(self.connect(1, "node-1"), alive(1), elected(1, 1))
        page.wait_for("the node is shown", lambda: page.mode == "live" and page.leads("1", shard=1))
        self.assertNotIn("No node has connected", page.part("verdict"))

    def test_a_failure_changes_the_verdict_and_the_title(self) -> None:
        self.start_cluster("--nodes=3", "--shards=8", "--rate=200", "--scenario=node-crash")
        page = self.open()
        page.wait_for("all is well", lambda: page.part("verdict").startswith("All 3 nodes are up"))
        title = page.driver.title
        page.wait_for("the crash is seen", lambda: " is suspect" in page.part("verdict"))
        page.wait_for("its death is confirmed", lambda: " is dead" in page.part("verdict"))
        self.assertNotEqual(page.driver.title, title)
        self.assertTrue(page.driver.title.endswith("- NoriKV"), page.driver.title)
        page.wait_for("its row says so", lambda: "dead" in page.text("[data-part=strips]"))


class KindsTests(PageTestCase):
    """Clusters of other kinds than five nodes that report everything."""

    def test_a_cluster_as_of_today_is_connected_and_nobody_is_said_to_be_alive(self) -> None:
        self.start_cluster("--nodes=3", "--shards=8", "--rate=300", "--as-of-today")
        page = self.open()
        page.wait_for("the verdict", lambda: page.part("verdict").startswith("All 3 nodes are connected"))
        self.assertIn("Nothing reports membership", page.part("verdict"))
        page.wait_for("the lane of Swim says so", lambda: "Swim: never seen" in page.part("tape"))
        self.assertNotIn("alive", page.part("strips"))

    def test_many_nodes_and_shards_are_a_raster_each_that_the_keyboard_reaches(self) -> None:
        self.start_cluster("--nodes=40", "--shards=200", "--rate=400", "--scenario=healthy")
        page = self.open()
        page.wait_for(
            "the verdict", lambda: "40 nodes" in page.part("verdict") and "200 shards" in page.part("verdict")
        )
        rasters = page.find("[data-part=strips] [role=slider], [data-part=shards] [role=slider]")
        self.assertEqual([each.is_displayed() for each in rasters], [True, True])
        self.assertTrue(all(each.get_attribute("aria-label") for each in rasters))
        self.assertEqual(page.run(_NAMELESS), [])


class StrangeTests(PageTestCase):
    """Whatever nodes call themselves."""

    def test_a_name_with_html_in_it_is_text(self) -> None:
        underlined, picture = "<u>x</u>", "<img src=x onerror=alert(1)>"
        self.tell(self.connect(1, underlined), alive(1), elected(1, 1))
        self.tell(self.connect(2, picture), alive(2), elected(2, 2))
        self.tell(self.connect(3), said("Cache", name="<script>alert(2)</script>", hit_ratio=0.5))
        page = self.open("/?types=raft,swim,cache")
        page.wait_for("all nodes are shown", lambda: len(page.find("[data-part=strips] [data-node]")) == 3)
        page.wait_for("all events are shown", lambda: len(page.find("[data-part=events] li")) == 5)
        labels = [each.get_attribute("aria-label") for each in page.find("[data-part=strips] [data-node]")]
        for name in (underlined, picture):
            self.assertTrue(any(each.startswith(name) for each in labels), labels)
        page.find("[data-node='2']")[0].send_keys(Keys.ENTER)
        page.wait_for("the node is selected", lambda: page.find("[data-node='2'][aria-pressed=true]"))
        self.assertEqual(page.find("u, img, body script"), [])

    def test_the_highest_number_of_a_node_and_of_a_shard(self) -> None:
        most = 2**32 - 1
        self.tell(self.connect(most, "last"), alive(most), elected(most, most, term=2**64 - 1))
        page = self.open()
        page.wait_for("its leader is shown", lambda: page.leads("last", shard=most))
        self.assertEqual(len(page.find(f'[data-part=strips] [data-node="{most}"]')), 1)

    def test_a_browser_whose_clock_is_an_hour_off_shows_the_daemons_time(self) -> None:
        self.tell(self.connect(1), alive(1), elected(1, 1))
        page = self.open()
        off = page.command(
            "Page.addScriptToEvaluateOnNewDocument",
            source="const right = Date.now; Date.now = () => right() + 3_600_000;",
        )
        self.addCleanup(page.command, "Page.removeScriptToEvaluateOnNewDocument", **off)
        page.visit(f"http://127.0.0.1:{self.daemon.http_port}/")
        page.first_data_ms()
        self.assertGreater(page.run("return Date.now()") / 1000 - time.time(), 3_000)

        def is_right() -> bool:
            shown = datetime.fromisoformat(page.find("[data-part=live] time")[0].get_attribute("datetime"))
            return abs(shown.timestamp() - time.time()) < 60

        page.wait_for("the daemon's time is shown", is_right)  # The browser's stands there unseen, before.
        self.assertEqual(page.mode, "live")

    def test_at_420_pixels_nothing_is_wider_than_the_page(self) -> None:
        self.start_cluster("--nodes=5", "--shards=24", "--rate=300")
        page = self.open(width=420, height=900)
        page.first_data_ms()
        wider = page.run("return document.documentElement.scrollWidth - document.documentElement.clientWidth")
        self.assertEqual(wider, 0)


class ConnectionTests(PageTestCase):
    """What happens to a page when its connection does not last."""

    # What was under way when the wire was cut; the browser says so, and no page can keep it from that. So it is with
    # what is asked of a new daemon about windows that the old one has just told of.
    forgiven = r"net::ERR_|WebSocket connection to \S+ failed|/api/state\?at=\S+ .*\b410\b"

    def setUp(self) -> None:
        super().setUp()
        self.node = self.connect()
        self.tell(self.node, alive(1), elected(1, 1))
        self.proxy = Proxy(self.daemon.http_port)
        self.addCleanup(self.proxy.close)
        self.page = self.open(port=self.proxy.port)
        self.page.wait_for("the leader is shown", lambda: self.page.leads("1", shard=1))

    def streams(self) -> list[str]:
        return [each for each in self.proxy.requests if "/ws/events" in each]

    def test_after_a_cut_it_goes_on_by_position_with_what_happened_meanwhile(self) -> None:
        before = len(self.streams())
        self.proxy.cut(hold=True)
        self.tell(self.node, *(elected(shard, 1) for shard in range(2, 6)))
        self.proxy.join(self.daemon.http_port)
        for shard in range(2, 6):
            self.page.wait_for(f"the leader of shard {shard}", lambda shard=shard: self.page.leads("1", shard=shard))
        again = self.page.wait_for(
            "both streams are back", lambda: self.streams()[before:][1:] and self.streams()[before:]
        )
        self.assertTrue(all("position=" in each for each in again), again)
        self.page.wait_for("it is live", lambda: self.page.mode == "live")
        self.assertEqual([each["gaps"] for each in self.daemon.get("/api/stats")[1]["clients"]], [{}, {}])

    def test_after_a_restart_of_the_daemon_it_shows_what_the_new_one_knows(self) -> None:
        self.proxy.cut(hold=True)
        self.daemon.kill()
        self.page.wait_for("it says that it knows nothing", lambda: self.page.mode == "stale")
        self.daemon = self.start_daemon()
        self.tell(self.connect(2, "node-2"), alive(2), elected(7, 2))
        self.proxy.join(self.daemon.http_port)
        self.page.wait_for("the new state is shown", lambda: self.page.leads("2", shard=7))
        self.page.wait_for("it is live", lambda: self.page.mode == "live")

    def test_a_daemon_that_says_nothing_turns_it_grey_until_it_speaks_again(self) -> None:
        self.daemon.process.send_signal(signal.SIGSTOP)
        self.page.wait_for("it is stale", lambda: self.page.mode == "stale")
        self.page.wait_for("it says so", lambda: "This page has had no data for" in self.page.part("verdict"))
        self.daemon.process.send_signal(signal.SIGCONT)
        self.page.wait_for("it is live again", lambda: self.page.mode == "live")
        self.page.wait_for("the verdict is of the cluster", lambda: "This page" not in self.page.part("verdict"))

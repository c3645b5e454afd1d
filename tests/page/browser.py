"""Chromium, as an operator opens the page in it: without a window, and driven over WebDriver.

It needs Debian's ``chromium`` and ``chromium-driver``, or others of one version on the path. One browser serves the
whole process; each page has a tab of its own.
"""

import atexit
import functools
import shutil
import tempfile
from collections.abc import Callable
from typing import Any, TypeVar

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

__all__ = ["PATIENCE_S", "Page", "open_page"]

Found = TypeVar("Found")

PATIENCE_S = 20
"""For what has to happen at all; what has to happen soon is measured."""
POLL_S = 0.05

_FLAGS = (
    "--headless=new",
    "--no-sandbox",  # In a container its own sandbox can't start.
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    # It talks to the daemon, and to nobody else.
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-default-apps",
)


_NOTE_FIRST_DATA = """
requestAnimationFrame(function look() {
    const shown = document.querySelector('[data-part=strips] :is([data-node], #raster:not([hidden]))')
    if (shown) window.firstDataMs = performance.now()
    else requestAnimationFrame(look)
})
"""


def _executable(names: tuple[str, ...], package: str) -> str:
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        raise FileNotFoundError(f"there is no {names[0]} on the path: apt-get install {package}")
    return found


@functools.cache
def _driver() -> webdriver.Chrome:
    """The one browser; it ends with this process."""
    options = webdriver.ChromeOptions()
    # Both paths are given, so that selenium looks for nothing and fetches nothing.
    options.binary_location = _executable(("chromium", "chromium-browser", "google-chrome"), "chromium")
    service = Service(_executable(("chromedriver",), "chromium-driver"))
    profile = tempfile.TemporaryDirectory(prefix="vizd-chromium-")
    atexit.register(profile.cleanup)
    for flag in (*_FLAGS, f"--user-data-dir={profile.name}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=service)
    atexit.register(driver.quit)
    return driver


class Page:
    """One tab; there is one at a time.

    What the page says is found by the names that it is made with: ``data-part`` of its parts, ``data-node`` of the
    rows of nodes, ``data-shard`` of the cells of shards.

    :ivar driver: for all that has no verb here.
    """

    def __init__(self, width: int, height: int, scheme: str) -> None:
        self.driver = _driver()
        self._home = self.driver.window_handles[0]
        self.driver.switch_to.new_window("tab")
        self.resize(width, height)
        self.command("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.command("Emulation.setTimezoneOverride", timezoneId="UTC")
        self.command("Page.addScriptToEvaluateOnNewDocument", source=_NOTE_FIRST_DATA)
        self.driver.get_log("browser")  # What an earlier tab has left.

    def command(self, name: str, **parameters: Any) -> Any:
        """One of the DevTools protocol."""
        return self.driver.execute_cdp_cmd(name, parameters)

    def resize(self, width: int, height: int) -> None:
        """The viewport, in CSS pixels; below 720 it is that of a phone."""
        self.command(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 720
        )

    def visit(self, url: str) -> None:
        """Go there; returns when the document and its modules are loaded."""
        self.driver.get(url)

    def run(self, script: str, *arguments: Any) -> Any:
        """What JavaScript returns that sees ``arguments``."""
        return self.driver.execute_script(script, *arguments)

    def find(self, selector: str) -> list[WebElement]:
        """All elements that match, in the order of the document."""
        return self.driver.find_elements("css selector", selector)

    def text(self, selector: str) -> str:
        """What stands in the first match, on one line, seen or not; empty if there is none."""
        script = "return document.querySelector(arguments[0])?.textContent ?? ''"
        return " ".join(self.run(script, selector).split())

    def part(self, name: str) -> str:
        """The text of a part."""
        return self.text(f"[data-part={name}]")

    @property
    def mode(self) -> str:
        """``live``, ``past``, ``stale``, ``empty`` or ``refused``."""
        return self.run("return document.documentElement.dataset.mode ?? ''")

    def leads(self, name: str, shard: int) -> bool:
        """Whether the cell of a shard names a node as its leader whose name ends so."""
        return self.text(f'[data-shard="{shard}"] .leader').endswith(name)

    def first_data_ms(self) -> float:
        """From the beginning of the visit to the frame that showed the first node; waits for it."""
        return self.wait_for("a node is shown", lambda: self.run("return window.firstDataMs"))

    def wait_for(self, what: str, condition: Callable[[], Found], patience_s: float = PATIENCE_S) -> Found:
        """Until ``condition`` returns something true; that.

        :raises AssertionError: it did not; with ``what`` and what the page shows instead.
        """
        try:
            return WebDriverWait(self.driver, patience_s, POLL_S).until(lambda _: condition())
        except Exception as why:
            parts = {name: self.part(name)[:200] for name in ("verdict", "live", "attention", "events")}
            complaints = "\n".join(self.complaints())
            raise AssertionError(
                f"after {patience_s} s still waiting until {what}; mode {self.mode!r}, {parts}\n{complaints}"
            ) from why

    def press(self, *keys: str) -> None:
        """On the keyboard, wherever the focus is."""
        webdriver.ActionChains(self.driver).send_keys(*keys).perform()

    def complaints(self) -> list[str]:
        """Errors in the console, uncaught ones too, and violations of the policy, since it was asked last."""
        return [
            f"{each['source']}: {each['message']}"
            for each in self.driver.get_log("browser")
            if each["level"] == "SEVERE" or each["source"] == "security"
        ]

    def close(self) -> None:
        """The tab."""
        self.driver.close()
        self.driver.switch_to.window(self._home)


def open_page(url: str, width: int = 1440, height: int = 900, scheme: str = "dark") -> Page:
    """A new tab there.

    :param scheme: ``dark`` or ``light``.
    """
    page = Page(width, height, scheme)
    page.visit(url)
    return page

"""The explorer in a real browser: Chromium without a window, driven through chromedriver, both from the system's packages."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.support.ui import WebDriverWait

from ratified.diagram.explorer.server import BrowserServer, Explorer
from ratified.models.raft.broken import HalfQuorums
from ratified.models.raft.raft import Raft
from tests.diagram.toys import Lease

pytestmark = pytest.mark.xdist_group("browser")

SECONDS = 60


@pytest.fixture(scope="module")
def browser() -> Iterator[webdriver.Chrome]:
    """Chromium, or a failure that says what to install."""
    found = {name: shutil.which(name) for name in ("chromium", "chromedriver")}
    missing = [name for name, path in found.items() if path is None]
    assert not missing, f"apt-get install chromium chromium-driver (missing: {', '.join(missing)})"
    options = webdriver.ChromeOptions()
    options.binary_location = str(found["chromium"])
    for argument in (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--hide-scrollbars",
    ):
        options.add_argument(argument)
    options.add_argument("--window-size=1400,1250")
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(str(found["chromedriver"])))
    yield driver
    driver.quit()


@pytest.fixture
def serve() -> Iterator[list[BrowserServer]]:
    """Servers that are stopped afterwards."""
    servers: list[BrowserServer] = []
    yield servers
    for server in servers:
        server.shutdown()
        server.server_close()


def complaints(browser: webdriver.Chrome) -> list[str]:
    """What the browser found wrong with the page since somebody last asked: scripts that fail, what a policy forbids."""
    entries = browser.get_log("browser")  # type: ignore[no-untyped-call]  # selenium does not say
    return [entry["message"] for entry in entries if entry["source"] != "network"]


class Page:
    """The page of a model."""

    def __init__(self, browser: webdriver.Chrome, servers: list[BrowserServer], explorer: Explorer) -> None:
        self.browser = browser
        self.server = BrowserServer(explorer, 0)
        servers.append(self.server)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.open(self.server.url)

    def open(self, url: str) -> None:
        self.browser.get(url)

    def text(self, name: str) -> str:
        return self.browser.find_element(By.ID, name).text

    def click(self, name: str) -> None:
        self.browser.find_element(By.ID, name).click()

    def until(self, name: str, words: str) -> None:
        wait = WebDriverWait(self.browser, SECONDS)
        wait.until(lambda _: words in self.text(name), f"{words!r} in #{name}")

    def wait_for(self, selector: str, count: int | None = None) -> None:
        def there(_: WebDriver) -> bool:
            found = len(self.browser.find_elements(By.CSS_SELECTOR, selector))
            return found > 0 if count is None else found == count

        WebDriverWait(self.browser, SECONDS).until(there, selector)

    def take(self, call: str) -> None:
        """Click the button of an action."""
        steps = self.text("depth")
        buttons = self.browser.find_elements(By.CSS_SELECTOR, "#actions button")
        next(b for b in buttons if b.text.splitlines()[0] == call).click()
        WebDriverWait(self.browser, SECONDS).until(lambda _: self.text("depth") != steps)

    def find(self, condition: str) -> None:
        box = self.browser.find_element(By.ID, "condition")
        box.clear()
        box.send_keys(condition)
        box.submit()


def test_a_walk_to_a_violation(browser: webdriver.Chrome, serve: list[BrowserServer]) -> None:
    page = Page(browser, serve, Explorer(Lease(Client=2)))
    page.until("depth", "(initial)")
    for call in ("acquire(c=c1)", "expire()", "acquire(c=c2)"):
        page.take(call)
    page.until("depth", "after 3 steps")
    assert page.text("wrong") == "\u2717 mutual_exclusion is false"
    assert [e.text for e in browser.find_elements(By.CSS_SELECTOR, "td.changed")] == ["True", "c2"]
    assert [e.text for e in browser.find_elements(By.CSS_SELECTOR, "#run li")] == [
        "initial state",
        "acquire(c=c1)",
        "expire()",
        "acquire(c=c2)",
    ]
    page.click("back")
    page.until("depth", "after 2 steps")
    browser.back()  # the browser's own button goes back in history: to the state before
    page.until("depth", "after 3 steps")
    assert complaints(browser) == []


def test_a_permalink(browser: webdriver.Chrome, serve: list[BrowserServer]) -> None:
    page = Page(browser, serve, Explorer(Lease(Client=2)))
    page.until("depth", "(initial)")
    page.take("acquire(c=c2)")
    link = browser.find_element(By.ID, "permalink").get_attribute("href")
    assert link == browser.current_url
    page.open("about:blank")
    page.open(link or "")
    page.until("depth", "after 1 step")
    assert browser.find_elements(By.CSS_SELECTOR, "#run li")[1].text == "acquire(c=c2)"
    page.open(f"{page.server.url}state/nowhere")
    page.until("error", "this link leads to no state of the model")


def test_the_drawing_can_be_clicked(browser: webdriver.Chrome, serve: list[BrowserServer]) -> None:
    page = Page(browser, serve, Explorer(Lease(Client=2)))
    page.wait_for("#near g.node")
    nodes = browser.find_elements(By.CSS_SELECTOR, "#near g.node")
    next(n for n in nodes if "holds[c2]" in n.text).click()
    page.until("depth", "after 1 step")
    assert browser.find_elements(By.CSS_SELECTOR, "#run li")[1].text == "acquire(c=c2)"


def test_searching(browser: webdriver.Chrome, serve: list[BrowserServer]) -> None:
    page = Page(browser, serve, Explorer(Raft(Server=2, Value=1)))
    page.until("depth", "(initial)")
    page.find("role[s1] == LEADER and commit_index[s1] == 1")
    page.until("said", "nearest after 15 steps")
    page.until("depth", "after 15 steps")
    page.find("all(role[i] == LEADER for i in Server)")
    page.until("said", "none of all 13,479 states satisfies it")
    page.until("depth", "after 15 steps")
    page.find("__import__('os')")
    page.until("error", "`__import__` is not part of the modelling language")
    page.find("<img src=x onerror=alert(1)>")
    page.until("error", "this is not an expression")


def test_the_counterexample_and_its_picture(
    browser: webdriver.Chrome, serve: list[BrowserServer], checkout: Path
) -> None:
    size = HalfQuorums.sizes["small"]
    page = Page(browser, serve, Explorer(HalfQuorums(**size)))
    page.until("depth", "(initial)")
    page.click("counterexample")
    page.until("said", "election_safety fails")
    page.wait_for("#run li", 11)
    page.until("wrong", "election_safety is false")
    page.wait_for("#near g.node")
    page.click("draw")
    page.wait_for("#sequence svg")
    assert complaints(browser) == []
    if os.environ.get("RATIFIED_UPDATE_GOLDENS"):
        browser.save_screenshot(str(checkout / "docs" / "pictures" / "explorer.png"))
        pytest.fail(
            "wrote docs/pictures/explorer.png: look at it, and run again without RATIFIED_UPDATE_GOLDENS"
        )
    assert (checkout / "docs" / "pictures" / "explorer.png").read_bytes().startswith(b"\x89PNG")

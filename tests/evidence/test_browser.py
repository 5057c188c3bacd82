"""The HTML report in a real browser: charts drawn, nothing fetched, no complaint, filter, dark mode, a phone's width."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from redgen.evidence import html
from tests.evidence.cards import empty, healthy, hostile, large, losing

webdriver = pytest.importorskip("selenium.webdriver", reason="selenium drives the browser")
CHROMIUM = next((found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None)
CHROMEDRIVER = shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(not CHROMIUM or not CHROMEDRIVER, reason="needs chromium and chromedriver")

CARDS = {"losing": losing, "healthy": healthy, "empty": empty, "hostile": hostile, "huge": partial(large, 10_000)}
PARTS = "return [...document.querySelectorAll('.chart')].map(c => [c.id, c.querySelectorAll('svg .mark-group, svg path').length])"


@pytest.fixture(scope="module")
def browser() -> Iterator[webdriver.Chrome]:
    """One headless browser for all."""
    options = webdriver.ChromeOptions()
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"):
        options.add_argument(argument)
    options.binary_location = CHROMIUM
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(CHROMEDRIVER))
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The reports as files."""
    folder = tmp_path_factory.mktemp("reports")
    for name, make in CARDS.items():
        (folder / f"{name}.html").write_bytes(html.render(make()))
    return folder


def wait(browser: webdriver.Chrome, script: str) -> None:
    """Until the page says yes."""
    from selenium.webdriver.support.ui import WebDriverWait

    WebDriverWait(browser, 30, poll_frequency=0.05).until(lambda b: b.execute_script("return " + script))


@pytest.fixture
def visit(browser: webdriver.Chrome, site: Path) -> Callable[..., webdriver.Chrome]:
    """``visit(name, width, scheme)`` opens a report and waits until its charts are drawn."""

    def go(name: str, width: int = 1280, scheme: str = "light") -> webdriver.Chrome:
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                                {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500})
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia",
                                {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
        browser.get((site / f"{name}.html").as_uri())
        wait(browser, f"document.documentElement.dataset.drawn === '{scheme}'")
        return browser

    return go


@pytest.mark.parametrize("name", CARDS)
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (360, "dark")])
def test_it_is_drawn_quietly_and_fits(name: str, width: int, scheme: str, visit) -> None:
    browser = visit(name, width, scheme)
    for chart, marks in browser.execute_script(PARTS):
        assert marks > 3, f"{chart} is empty"
    assert browser.get_log("browser") == []
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    assert browser.execute_script("return window.innerWidth") == width
    wide = browser.execute_script(
        "return [...document.querySelectorAll('.chart svg')].filter(s => s.getBoundingClientRect().right > innerWidth).length")
    assert wide == 0
    assert browser.execute_script("return document.images.length + document.querySelectorAll('[onerror]').length") == 0


def test_nothing_is_fetched(visit, site: Path) -> None:
    browser = visit("losing")
    asked = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    urls = {m["params"]["request"]["url"] for m in asked if m["method"] == "Network.requestWillBeSent"}
    assert urls - {"data:,"} <= {(site / f"{name}.html").as_uri() for name in CARDS}


def visible(browser: webdriver.Chrome, kind: str) -> list[str]:
    """The ids of the rows that can be seen."""
    return browser.execute_script(
        f"return [...document.querySelectorAll('tr[data-kind={kind}]')].filter(r => r.offsetParent).map(r => r.dataset.id)")


def on_timeline(browser: webdriver.Chrome) -> str:
    """All words of the timeline."""
    return browser.execute_script("return [...document.querySelectorAll('#timeline text')].map(t => t.textContent).join(' ')")


def type_filter(browser: webdriver.Chrome, words: str) -> None:
    """Type into the filter as a person would."""
    from selenium.webdriver.common.by import By

    box = browser.find_element(By.ID, "q")
    box.clear()
    box.send_keys(words)


def test_the_filter_narrows_tables_timeline_and_graphs(visit) -> None:
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import Select

    browser = visit("losing")
    assert len(visible(browser, "campaign")) == 8
    tall = browser.execute_script("return document.querySelector('#timeline svg').getBoundingClientRect().height")
    type_filter(browser, "mfa-fatigue")
    assert visible(browser, "campaign") == ["C-0002", "C-0006"]
    wait(browser, "!document.querySelector('#timeline').textContent.includes('C-0005')")
    assert "C-0002" in on_timeline(browser) and "C-0006" in on_timeline(browser)
    assert browser.execute_script("return document.querySelector('#timeline svg').getBoundingClientRect().height") < tall
    assert browser.execute_script("return [...document.querySelectorAll('.graph')].filter(g => g.offsetParent).length") == 1
    assert "2 of 8 campaigns" in browser.find_element(By.ID, "count").text
    Select(browser.find_element(By.ID, "status")).select_by_value("LATE")
    assert visible(browser, "campaign") == ["C-0006"]
    browser.find_element(By.ID, "reset").click()
    wait(browser, "[...document.querySelectorAll('tr[data-kind=campaign]')].every(r => r.offsetParent)")
    type_filter(browser, "stuffing success")
    assert visible(browser, "rule") == ["stuffing"]
    type_filter(browser, "nothing of the kind")
    assert visible(browser, "campaign") == []
    assert "No campaign matches the filter." in browser.find_element(By.CSS_SELECTOR, "[data-none=campaign]").text
    assert browser.get_log("browser") == []


def test_the_timeline_shows_time_as_well_as_share(visit) -> None:
    from selenium.webdriver.common.by import By

    browser = visit("losing")
    assert "100%" in on_timeline(browser)
    browser.find_element(By.CSS_SELECTOR, "input[name=mode][value=hours]").click()
    wait(browser, "document.querySelector('#timeline').textContent.includes('min')")


def test_dark_mode_reaches_the_charts_without_a_reload(visit) -> None:
    browser = visit("losing", scheme="light")
    ink = "return getComputedStyle(document.querySelector('#timeline text')).fill + getComputedStyle(document.body).color"
    before = browser.execute_script(ink)
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": "dark"}]})
    wait(browser, "document.documentElement.dataset.drawn === 'dark'")
    assert browser.execute_script(ink) != before
    assert browser.get_log("browser") == []


CONTRAST = """
const lum = c => { const v = c.map(x => { x /= 255; return x <= .03928 ? x / 12.92 : ((x + .055) / 1.055) ** 2.4; });
  return .2126 * v[0] + .7152 * v[1] + .0722 * v[2]; };
const rgb = s => s.match(/[\\d.]+/g).map(Number);
const back = e => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor);
  if (c.length < 4 || c[3] > 0) return c; } return [255, 255, 255]; };
return [...document.querySelectorAll('p, h1, h2, h3, td, th, small, a, .chip, dt, dd, caption, summary, label')]
  .filter(e => e.offsetParent && e.textContent.trim()).map(e => {
    const a = lum(rgb(getComputedStyle(e).color)), b = lum(back(e));
    return [(Math.max(a, b) + .05) / (Math.min(a, b) + .05), e.tagName + '.' + e.className]; })
  .filter(([ratio]) => ratio < 4.5);
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground(scheme: str, visit) -> None:
    """WCAG 2.1 asks for a contrast of 4.5 to 1."""
    assert visit("losing", scheme=scheme).execute_script(CONTRAST) == []


def test_a_keyboard_reaches_the_filter(visit) -> None:
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    browser = visit("losing")
    body = browser.find_element(By.TAG_NAME, "body")
    body.send_keys(Keys.TAB)
    assert browser.switch_to.active_element.text == "Skip to the findings"
    body.send_keys("/")
    assert browser.switch_to.active_element.get_attribute("id") == "q"

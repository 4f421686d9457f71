"""What all tests share: the line that says which copy is under test, deterministic examples, and a headless browser."""

import importlib.util
import os
import shutil
from pathlib import Path

import hypothesis
import pytest

# There is no deadline, since on a shared machine a slow example says nothing. Each run draws the same examples, so that
# a test that starts to fail does so because of a change. The quick run takes the first few of them, `pytest -m slow`
# all; with `pytest --hypothesis-profile=search -m slow` Hypothesis looks for new ones.
hypothesis.settings.register_profile("few", deadline=None, derandomize=True, max_examples=20)
hypothesis.settings.register_profile("many", deadline=None, derandomize=True, max_examples=100)
hypothesis.settings.register_profile("search", deadline=None, max_examples=2000)


SLOW_FIXTURES = {"browser", "fresh"}  # Chromium; the notebooks, run in kernels of their own


def is_quick(config):
    return "not slow" in config.getoption("markexpr")


def pytest_configure(config):
    """Choose the profile before the tests are imported, for that is when @given reads it."""
    if not config.getoption("--hypothesis-profile"):
        hypothesis.settings.load_profile("few" if is_quick(config) else "many")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    """Put what takes long into the slow run, and tests with drawn examples, too, since it draws more of them."""
    for item in items:
        if SLOW_FIXTURES.intersection(item.fixturenames):
            item.add_marker("slow")
    if not is_quick(config):
        for item in items:
            drawn = getattr(getattr(item, "function", None), "is_hypothesis_test", False)
            if drawn and not item.get_closest_marker("campaign"):
                item.add_marker("slow")


def pytest_report_header():
    spec = importlib.util.find_spec("chainrule")
    return f"copy under test: {Path(spec.origin).parents[1] if spec and spec.origin else 'none: pip install . first'}"


def find_browser():
    """The paths of Chromium and its driver, or None."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
    binary = next(filter(None, map(shutil.which, names)), None)
    driver = shutil.which("chromedriver")
    return (binary, driver) if binary and driver else None


@pytest.fixture(scope="session")
def driver():
    """A Selenium driver of headless Chromium, for all tests."""
    found = find_browser() if importlib.util.find_spec("selenium") else None
    if found is None:
        reason = "no chromium with chromedriver on this machine, or no selenium"
        (pytest.fail if os.environ.get("CHAINRULE_REQUIRE_BROWSER") == "1" else pytest.skip)(reason)
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = found[0]
    for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                 "--disable-background-networking", "--window-size=1300,700"):  # fmt: skip
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(found[1]))
    yield driver
    driver.quit()


@pytest.fixture
def browser(driver):
    """The driver, whose console log is that of this test: `browser.get_log("browser")` reads it."""
    driver.get("about:blank")  # the page of another test says no more
    driver.get_log("browser")
    return driver

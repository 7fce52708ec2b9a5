"""A headless Chromium for tests of pages and figures."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

NAMES = ("chromium", "chromium-browser", "google-chrome")
PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 900}
CONTRAST = """() => {
  const channels = (colour) => (colour.match(/[\\d.]+/g) ?? []).map(Number);
  const isOpaque = (colour) => {
    const [, , , alpha = 1] = channels(colour);
    return channels(colour).length >= 3 && alpha > 0.99;
  };
  const luminance = (colour) => {
    const [red, green, blue] = channels(colour).map((part) => {
      part /= 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const isShape = (element) => element instanceof SVGGeometryElement;
  const isText = (element) => element instanceof SVGTextContentElement;
  const fillOf = (element) => {
    const style = getComputedStyle(element);
    if (isShape(element)) return style.fill;
    return isText(element) ? "none" : style.backgroundColor;
  };
  const walker = document.createTreeWalker(document, NodeFilter.SHOW_TEXT);
  const found = [];
  while (walker.nextNode()) {
    const node = walker.currentNode, range = document.createRange();
    if (!node.data.trim()) continue;
    range.selectNodeContents(node);
    const { x, y, width, height } = range.getBoundingClientRect();
    const stack = document.elementsFromPoint(x + width / 2, y + height / 2);
    const parent = node.parentElement;
    const place = stack.findIndex((each) => each === parent || parent.contains(each));
    if (!width || place < 0) continue;
    if (stack.slice(0, place).some((each) => isOpaque(fillOf(each)))) continue;
    const style = getComputedStyle(parent);
    const colour = isText(parent) ? style.fill : style.color;
    const below = stack.slice(place).map(fillOf).find(isOpaque) ?? "rgb(255, 255, 255)";
    const [low, high] = [luminance(colour), luminance(below)].sort((a, b) => a - b);
    found.push({ text: node.data.trim(), colour, below, ratio: (high + 0.05) / (low + 0.05) });
  }
  return found;
}"""  # noqa: E501  -- JavaScript
"""Each visible text with the ratio of its colour to what is painted below it."""


@contextmanager
def chromium() -> Iterator["Browser"]:
    """Start a browser; skip the tests where there is none."""
    reason = "playwright is not installed: pip install playwright"
    api = pytest.importorskip("playwright.sync_api", reason=reason)
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        pytest.skip("Chromium is not installed")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox"]
        )
        yield browser
        browser.close()


@contextmanager
def opened(browser: "Browser", address: str, **context: Any) -> Iterator["Page"]:
    """Open a page, which must load nothing else and write nothing to the console."""
    found = browser.new_context(**context)
    page = found.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: said.append(request.url))
    page.goto(address)
    yield page
    found.close()
    assert said == [address]


def lowest_contrast(page: "Page") -> tuple[float, dict[str, Any]]:
    """Return the lowest ratio of a visible text in a window with the whole page."""
    height = page.evaluate("document.documentElement.scrollHeight")
    size = page.viewport_size
    assert size is not None
    page.set_viewport_size({"width": size["width"], "height": max(300, height)})
    found = page.evaluate(CONTRAST)
    page.set_viewport_size(size)
    assert len(found) > 10
    worst = min(found, key=lambda each: each["ratio"])
    return worst["ratio"], worst

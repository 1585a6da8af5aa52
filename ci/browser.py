"""Looks at pages in Chromium as people do, and says what is wrong with them; `ci/browser` runs it."""

import base64
import pathlib
import sys

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

# CSS pixels; at 200% a laptop has half as many of them.
SCREENS = {
    "telephone": (360, 740),
    "laptop": (1280, 800),
    "wide": (1920, 1080),
    "laptop at 200%": (640, 400),
}

# Texts whose contrast with what is behind them is below WCAG's level AA: 4.5, or 3 for large ones.
CONTRAST = r"""
const parse = text => {
  const n = (text.match(/[\d.]+/g) || []).map(Number);
  return { rgb: n.slice(0, 3), alpha: n.length > 3 ? n[3] : 1 };
};
const over = (top, bottom, alpha) => top.map((v, i) => v * alpha + bottom[i] * (1 - alpha));
const light = rgb => {
  const [r, g, b] = rgb.map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const contrast = (a, b) => {
  const [x, y] = [light(a), light(b)];
  return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
};
const behind = element => {
  for (let e = element; e; e = e.parentElement) {
    const { rgb, alpha } = parse(getComputedStyle(e).backgroundColor);
    if (alpha === 1) return rgb;
  }
  return [255, 255, 255];
};
const poor = [];
const look = (text, style, colour, back) => {
  const size = parseFloat(style.fontSize);
  const isLarge = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
  const found = contrast(colour, back);
  if (found < (isLarge ? 3 : 4.5)) poor.push(`${found.toFixed(2)}: ${text.trim().slice(0, 40)}`);
};
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const [node, element] = [walker.currentNode, walker.currentNode.parentElement];
  if (!node.data.trim() || !element.getClientRects().length) continue;
  if (['SCRIPT', 'STYLE', 'style', 'title'].includes(element.tagName)) continue;
  const style = getComputedStyle(element);
  const picture = element.closest('svg.mi');
  if (picture) {
    const card = parse(getComputedStyle(picture.querySelector('rect')).fill).rgb;
    const { rgb, alpha } = parse(style.fill);
    look(node.data, style, over(rgb, card, alpha * Number(style.fillOpacity)), card);
  } else {
    const back = behind(element);
    const { rgb, alpha } = parse(style.color);
    look(node.data, style, over(rgb, back, alpha), back);
  }
}
return poor;
"""

# Figures without a picture that is shown, with two, with nothing drawn, or with series that only colour tells apart.
FIGURES = r"""
const wrong = [];
document.querySelectorAll('figure:not(.table)').forEach(figure => {
  const name = figure.querySelector('figcaption b').textContent;
  if (figure.closest('details:not([open])')) return;
  const pictures = [...figure.querySelectorAll('svg.mi')].filter(p => p.getClientRects().length);
  const isPanels = figure.querySelector('.panels') !== null;
  if (isPanels ? pictures.length < 1 : pictures.length !== 1) wrong.push(`${name} shows ${pictures.length} pictures`);
  pictures.forEach(picture => {
    const marks = [...picture.querySelectorAll('path')].filter(p => !p.closest('.key') && p.getBBox().width > 0);
    if (marks.length === 0) wrong.push(`${name} has no marks`);
    const box = picture.getBoundingClientRect();
    if (box.width < 200 || box.height < 100) wrong.push(`${name} is ${box.width} by ${box.height}`);
    const looks = [...picture.querySelectorAll('.key[data-series]')].map(key =>
      [...key.querySelectorAll('path')].map(path => {
        const [box, length] = [path.getBBox(), path.getTotalLength()];
        const outline = [...Array(12).keys()].map(i => path.getPointAtLength(length * i / 12))
          .map(p => [p.x - box.x, p.y - box.y].map(v => v.toFixed(0)));
        return [path.getAttribute('stroke-dasharray'), ...outline].join();
      }).join(';'));
    if (picture.querySelector('.series') !== null && new Set(looks).size !== looks.length) {
      wrong.push(`${name} has series that only colour tells apart`);
    }
  });
});
return wrong;
"""

# What reaches beyond the window, other than what scrolls by itself.
OVERFLOW = r"""
const width = document.documentElement.clientWidth;
const wrong = document.scrollingElement.scrollWidth > width ? [`the page is ${document.scrollingElement.scrollWidth} wide`] : [];
document.querySelectorAll('p, li, h1, h2, figcaption, summary, dl, nav, pre, svg.mi, .scroll').forEach(element => {
  const box = element.getBoundingClientRect();
  if (element.closest('.scroll') && !element.matches('.scroll')) return;
  if (box.width && (box.left < -0.5 || box.right > width + 0.5)) {
    wrong.push(`${element.tagName} from ${box.left.toFixed(0)} to ${box.right.toFixed(0)} of ${width}: `
      + element.textContent.trim().slice(0, 30));
  }
});
return wrong;
"""


class Page:
    """One page in one browser, with everything that was found wrong with it."""

    def __init__(self, driver, path):
        self.driver, self.path, self.faults = driver, path, []

    def send(self, command, **parameters):
        return self.driver.execute_cdp_cmd(command, parameters)

    def run(self, script):
        return self.driver.execute_script(script)

    def fault(self, where, what):
        self.faults.append(f"{where}: {what}")

    def check(self, where, script):
        for what in self.run(script):
            self.fault(where, what)

    def open(self, width, height, scheme="light", media="screen", scripts=True):
        self.send("Emulation.setScriptExecutionDisabled", value=not scripts)
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.send(
            "Emulation.setEmulatedMedia", media=media, features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.driver.get(self.path.resolve().as_uri())

    def open_details(self):
        self.run("document.querySelectorAll('details').forEach(d => { d.open = true; })")

    def picture(self, name):
        height = int(self.send("Page.getLayoutMetrics")["cssContentSize"]["height"])
        size = {"x": 0, "y": 0, "width": self.run("return innerWidth"), "height": min(height, 16000), "scale": 1}
        data = self.send("Page.captureScreenshot", captureBeyondViewport=True, clip=size)["data"]
        file = self.path.with_name(f"{self.path.stem}-{name}.png".replace(" ", "-"))
        file.write_bytes(base64.b64decode(data))

    # How it looks

    def screens(self):
        for name, (width, height) in SCREENS.items():
            for scheme in ("light", "dark"):
                self.open(width, height, scheme)
                where = f"{name}, {scheme}"
                for opened in (False, True):
                    if opened:
                        self.open_details()
                    for script in (OVERFLOW, FIGURES, CONTRAST):
                        self.check(where + (", all opened" if opened else ""), script)
                    if not opened:
                        self.picture(where.replace(",", ""))

    def paper(self):
        # A4 less its margins.
        self.open(673, 950, media="print")
        for script in (OVERFLOW, FIGURES, CONTRAST):
            self.check("paper", script)
        for button in self.driver.find_elements(By.CSS_SELECTOR, ".theme"):
            if button.is_displayed():
                self.fault("paper", "a button is printed")
        self.picture("paper")

    def without_colour(self):
        self.open(1280, 800)
        self.send("Emulation.setEmulatedVisionDeficiency", type="achromatopsia")
        self.picture("without colour")
        self.send("Emulation.setEmulatedVisionDeficiency", type="none")

    def without_script(self):
        text = "return document.querySelector('main').innerText"
        self.open(1280, 800, scripts=False)
        self.send("Emulation.setScriptExecutionDisabled", value=False)
        for script in (OVERFLOW, FIGURES):
            self.check("without script", script)
        plain = self.run(text)
        if self.driver.find_elements(By.TAG_NAME, "button"):
            self.fault("without script", "there is a button that does nothing")
        self.open(1280, 800)
        theme = self.driver.find_element(By.CSS_SELECTOR, ".theme").text
        if self.run(text).replace(theme, "", 1).split() != plain.split():
            self.fault("without script", "the page says something else")

    # What a screen reader hears

    def tree(self):
        self.open(1280, 800)
        self.open_details()
        nodes = [n for n in self.send("Accessibility.getFullAXTree")["nodes"] if not n.get("ignored")]

        def role(node):
            return node["role"]["value"]

        def name(node):
            return node.get("name", {}).get("value", "").strip()

        for node in nodes:
            if role(node) in ("image", "img", "button", "link", "columnheader", "rowheader", "heading", "group"):
                # A group without a name is <details> or <fieldset>.
                if not name(node) and role(node) != "group":
                    self.fault("screen reader", f"a {role(node)} without a name")
        levels = [
            int(next(p["value"]["value"] for p in n["properties"] if p["name"] == "level"))
            for n in nodes if role(n) == "heading"
        ]
        if levels[:1] != [1] or levels.count(1) != 1 or any(b > a + 1 for a, b in zip(levels, levels[1:])):
            self.fault("screen reader", f"headings of levels {levels}")
        pictures = self.run("return document.querySelectorAll('svg.mi[aria-label]').length")
        if pictures != self.run("return document.querySelectorAll('svg.mi').length"):
            self.fault("screen reader", "a figure without a description")
        if not self.run("return document.documentElement.lang"):
            self.fault("screen reader", "the page does not say its language")

    # What it does

    def theme(self):
        for scheme in ("light", "dark"):
            self.open(1280, 800, scheme)
            colours = "return [getComputedStyle(document.body).backgroundColor, ...[...document.querySelectorAll(" \
                "'svg.mi rect')].map(r => getComputedStyle(r).fill)].join()"
            before = self.run(colours)
            self.driver.find_element(By.CSS_SELECTOR, ".theme").send_keys(Keys.ENTER)
            after = self.run(colours)
            self.check(f"{scheme}, switched", CONTRAST)
            self.open(1280, 800, "dark" if scheme == "light" else "light")
            if after == before or after != self.run(colours):
                self.fault("light and dark", f"the switch from {scheme} is not the other one")

    def sorting(self):
        self.open(1280, 800)
        self.open_details()
        numbers = "return [...arguments[0].tBodies].map(body => [...body.rows].filter(r => !r.matches('.group'))" \
            ".map(r => r.cells[arguments[1]].textContent))"
        sorted_tables = 0
        for table in self.driver.find_elements(By.CSS_SELECTOR, "figure.table table"):
            buttons = table.find_elements(By.CSS_SELECTOR, "thead button")
            before = self.driver.execute_script(numbers, table, 0)
            for column, button in enumerate(buttons):
                for direction, sign in (("ascending", 1), ("descending", -1)):
                    button.send_keys(Keys.ENTER)
                    state = button.find_element(By.XPATH, "..").get_attribute("aria-sort")
                    if state != direction:
                        self.fault("sorting", f"{button.text} says {state}")
                    for cells in self.driver.execute_script(numbers, table, column):
                        try:
                            values = [float(cell.split(" ")[0].replace("−", "-").rstrip("%")) for cell in cells]
                        except ValueError:
                            continue
                        if values != sorted(values, key=lambda v: sign * v):
                            self.fault("sorting", f"{button.text}: {values}")
            after = self.driver.execute_script(numbers, table, 0)
            if [sorted(rows) for rows in before] != [sorted(rows) for rows in after]:
                self.fault("sorting", "rows went to another group, or were lost")
            sorted_tables += 1
        if sorted_tables == 0:
            self.fault("sorting", "there is no table")

    def hiding(self):
        self.open(1280, 800)
        self.open_details()
        keys = [k for k in self.driver.find_elements(By.CSS_SELECTOR, "svg.mi .key[role=button]") if k.is_displayed()]
        if not keys:
            self.fault("hiding", "no series can be hidden")
        shown = "const s = arguments[0].dataset.series; return [...arguments[0].closest('svg.mi').querySelectorAll(" \
            "`.series[data-series='${s}']`)].filter(e => getComputedStyle(e).display !== 'none').length"
        for key in keys[:6]:
            before = self.driver.execute_script(shown, key)
            key.send_keys(Keys.ENTER)
            hidden = self.driver.execute_script(shown, key)
            key.send_keys(Keys.SPACE)
            if hidden != 0 or before == 0 or self.driver.execute_script(shown, key) != before:
                self.fault("hiding", f"{key.text}: {before}, then {hidden}")

    def policy(self):
        self.open(1280, 800)
        self.run("const s = document.createElement('script'); s.textContent = 'window.ran = true'; document.body.append(s)")
        if self.run("return window.ran === true"):
            self.fault("policy", "a script ran that is not the page's")

    def look(self):
        self.screens()
        self.paper()
        self.without_colour()
        self.without_script()
        self.tree()
        self.theme()
        self.sorting()
        self.hiding()
        for entry in self.driver.get_log("browser"):
            self.fault("console", entry["message"])
        # Last: what is refused here is told on the console.
        self.policy()
        self.driver.get_log("browser")
        return self.faults


def main():
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)
    try:
        failed = False
        for path in map(pathlib.Path, sys.argv[1:]):
            faults = Page(driver, path).look()
            failed = failed or bool(faults)
            print(f"{path}: {len(faults) or 'no'} fault{'' if len(faults) == 1 else 's'}")
            for fault in dict.fromkeys(faults):
                print(f"  {fault}")
    finally:
        driver.quit()
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()

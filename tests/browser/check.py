"""Looks at the reports of real runs as a person would, in a browser: light and dark, on a phone and on paper. And at the
service's page: see live.py.

    tests/browser/run [FOLDER]      builds the program, makes the runs, checks the pages, leaves pictures in FOLDER

What is held: nothing on the console, no request but for the file itself, nothing wider than the screen, charts with a
name and figures for those who cannot see them, tables that sort, and nothing that could load or run beside the page.
"""

import os
import pathlib
import subprocess
import sys
import tempfile

import live
from browser import Browser

PROGRAM = os.path.abspath(sys.argv[1])
PICTURES = pathlib.Path(sys.argv[2]).absolute()

CAMPAIGN = """
name: {name}
provider: simulator
channel: whatsapp
recipients: {{csv: {name}.csv, to: phone}}
message: {{type: template, template: {{name: hello, components: [{{type: body, parameters: [{{type: text, text: "{{{{ first_name }}}}"}}]}}]}}}}
dispatch: {{rate: 500/s, concurrency: 16, halt: off}}
reconcile: {{after: 1s, every: 1s, for: {wait}}}
"""

# Calling codes, and how many digits follow them.
COUNTRIES = [("852", 8), ("447", 9), ("65", 8), ("4915", 9), ("1202", 7)]


def numbers(count):
    for row in range(count):
        code, digits = COUNTRIES[row % 7 % len(COUNTRIES)]
        yield f"{code}{6 * 10 ** (digits - 1) + row}"


def make_run(folder, name, lines, wait="12s", *arguments):
    """Runs a campaign with these rows, and gives back its page."""
    (folder / f"{name}.csv").write_text("phone,first_name\n" + "".join(f"{line}\n" for line in lines))
    (folder / f"{name}.yaml").write_text(CAMPAIGN.format(name=name, wait=wait))
    done = subprocess.run([PROGRAM, "run", f"{name}.yaml", "--quiet", *arguments], cwd=folder, check=False)
    # 2: no row could be sent. 3: some rows failed. Both are what some of these lists are for.
    assert done.returncode in (0, 2, 3), done.returncode
    return (folder / "reports" / f"{name}-1" / "report.html").as_uri()


def check(browser, name, page, expect):
    for look in ({}, {"dark": True}, {"width": 390, "height": 844, "mobile": True}):
        browser.open(page, **look)
        looked = "-".join([name, *(key for key in look if key in ("dark", "mobile"))])
        browser.picture(PICTURES / f"{looked}.png")
        width = browser.run("document.documentElement.scrollWidth")
        assert width <= look.get("width", 1100), f"{looked} is {width} wide"
        assert browser.complaints == [], browser.complaints
        assert browser.requests == [page], browser.requests
    text = browser.run("document.body.innerText")
    for words in expect:
        assert words in text, f"{words} is not in {name}: {text}"
    nameless = browser.run("[...document.querySelectorAll('svg[role=img]')].filter(chart => !chart.querySelector('title').textContent).length")
    assert nameless == 0, nameless
    browser.print(PICTURES / f"{name}.pdf")
    # The page's own policy: neither an image from elsewhere nor a script of somebody else gets through.
    refused = browser.run("""new Promise((done) => {
        let refused = 0;
        document.addEventListener("securitypolicyviolation", () => { if (++refused === 2) done(refused); });
        document.body.append(Object.assign(new Image(), { src: "https://example.com/x.png" }));
        document.body.append(Object.assign(document.createElement("script"), { textContent: "window.ran = true" }));
    })""")
    assert refused == 2 and browser.run("window.ran === undefined")


def check_sorting(browser, page):
    browser.open(page)
    column = "[...document.querySelectorAll('table.states tbody tr')].map(row => Number(row.cells[2].dataset.n))"
    press = "document.querySelectorAll('table.states th button')[2].click()"
    before = browser.run(column)
    browser.run(press)
    assert browser.run(column) == sorted(before, reverse=True)
    assert browser.run("document.querySelectorAll('table.states th')[2].ariaSort") == "descending"
    browser.run(press)
    assert browser.run(column) == sorted(before)
    browser.run("document.querySelector('table.states th button').click()")
    names = browser.run("[...document.querySelectorAll('table.states tbody tr')].map(row => row.cells[0].innerText.trim())")
    assert names == sorted(names)
    assert browser.complaints == []


def main():
    PICTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, Browser() as browser:
        folder = pathlib.Path(folder)
        rows = [f"{number},{'Ana' if row % 97 else ''}" for row, number in enumerate(numbers(2_000), 1)]
        evil = "<img src=x onerror=alert(1)>,</script><script>alert(1)</script>"
        whole = make_run(folder, "spring-sale", [*rows, rows[0], evil])
        check(browser, "spring-sale", whole, ["How far the messages got", "Time to read", "Hong Kong", "1 duplicate", "empty_cell"])
        check_sorting(browser, whole)
        one = make_run(folder, "one-row", rows[:1], "12s", "--no-wait")
        check(browser, "one-row", one, ["accepted 1 of 1 message"])
        none = make_run(folder, "none-sent", ["12,Ana"], "2s", "--no-wait")
        check(browser, "none-sent", none, ["The only row could not be sent", "bad_number"])
        (folder / "served").mkdir()
        live.check(browser, PROGRAM, folder / "served", PICTURES, numbers)
    print(f"the reports and the service's page are as they should be; pictures are in {PICTURES}")


main()

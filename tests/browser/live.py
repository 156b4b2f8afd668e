"""Looks at the service's page as a person would, while a run goes on: what it shows moves, whoever has the token can hold
the run, and when the service is gone the page says so and comes back by itself."""

import atexit
import json
import os
import re
import subprocess
import time
import urllib.error
import urllib.request

TOKEN = "correct-horse-battery"
ROWS = 3_000

CAMPAIGN = """
name: live
provider: simulator
channel: whatsapp
recipients: {csv: live.csv, to: phone}
message: {type: template, template: {name: hello, components: [{type: body, parameters: [{type: text, text: "{{ first_name }}"}]}]}}
dispatch: {rate: 100/s, concurrency: 16, halt: off}
reconcile: {after: 1s, every: 1s, for: 60s}
"""


class Service:
    """A service, and where it answers."""

    def __init__(self, program, folder, address="127.0.0.1:0"):
        self.log = open(folder / "serve.log", "w+")
        self.process = subprocess.Popen(
            [program, "serve", "--listen", address], cwd=folder, stderr=self.log, env={**os.environ, "CAMPAIGNER_TOKEN": TOKEN},
        )
        atexit.register(self.process.kill)
        until(lambda: self.address(), "the service says where it answers")

    def address(self):
        self.log.seek(0)
        found = re.search(r"address=(\S+)", self.log.read())
        return found and found[1]

    def end(self, how="terminate"):
        getattr(self.process, how)()
        self.process.wait()
        self.log.close()


def until(condition, what, seconds=30):
    """Waits until something is so."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, f"never: {what}"
        time.sleep(0.1)
    return found


def whole_number(text):
    return int(text.replace(",", ""))


def check(browser, program, folder, pictures, numbers):
    (folder / "live.csv").write_text(
        "phone,first_name\n" + "".join(f"{number},{'Ana' if row % 97 else ''}\n" for row, number in enumerate(numbers(ROWS)))
    )
    at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(time.time() + 3))
    (folder / "live.yaml").write_text(CAMPAIGN + f"schedule: {{at: {at}, timezone: UTC}}\n")
    service = Service(program, folder)
    address = service.address()
    home = f"http://{address}/"
    shown = lambda part: browser.run(f"document.querySelector({part!r})?.innerText ?? ''")
    accepted = lambda: whole_number(shown("#headlines dd b") or "0")
    now = lambda: shown("#facts b")

    browser.open(home)
    until(lambda: "No run has started yet" in shown("#empty"), "there is no run yet")
    until(lambda: accepted() > 50, "messages are accepted")
    first = accepted()
    until(lambda: accepted() > first + 100, "the numbers move")
    until(lambda: "empty_cell" in shown("#errors"), "problems are shown")
    assert now() == "sending" and "%" in browser.run("document.title")
    assert "/s" in shown("#headlines div:nth-child(4) b"), shown("#headlines")
    curve = lambda: browser.run("document.querySelector('#curve path').getAttribute('d') ?? ''")
    until(lambda: curve().count("L") > 3, "the rate is drawn")
    assert re.fullmatch(r"now [\d.]+/s, highest [\d.]+/s", browser.run("document.querySelector('#curve desc').textContent"))
    # As `status` has it.
    status = json.load(urllib.request.urlopen(home + "runs/live-1"))
    assert status["rows"] == ROWS and status["states"]["invalid"] == len([row for row in range(ROWS) if row % 97 == 0])
    assert f"{status['states']['invalid']} invalid" in shown("#funnel")
    for look in ({"dark": True}, {"width": 390, "height": 844, "mobile": True}, {}):
        browser.open(home, **look)
        until(lambda: accepted() > 0, "the page opens in the middle")
        browser.picture(pictures / ("-".join(["live", *(key for key in look if key in ("dark", "mobile"))]) + ".png"))
        width = browser.run("document.documentElement.scrollWidth")
        assert width <= look.get("width", 1100), f"{look}: {width} wide"
        assert browser.complaints == [], browser.complaints
        assert all(url.startswith(home) for url in browser.requests), browser.requests

    # Without the token there is nothing to press, and the service does nothing.
    assert browser.run("document.getElementById('orders').hidden && !document.getElementById('key').hidden")
    try:
        urllib.request.urlopen(urllib.request.Request(home + "runs/live-1/pause", method="POST"))
        raise AssertionError("paused without a token")
    except urllib.error.HTTPError as error:
        assert error.code == 401

    def give(token):
        browser.run(f"document.getElementById('token').value = '{token}'; document.getElementById('key').requestSubmit()")

    def press(name):
        browser.run(f"document.querySelector('#orders [name={name}]').click()")

    give("wrong-horse-battery")
    press("pause")
    until(lambda: "token" in shown("#news"), "a wrong token is shown")
    assert browser.run("document.getElementById('orders').hidden")
    browser.complaints.clear()  # the browser itself tells of the 401
    give(TOKEN)
    press("pause")
    until(lambda: now() == "paused", "the run is paused")
    until(lambda: "live-1: paused" in shown("#news"), "and who cannot see it hears of it")
    still = accepted()
    browser.run("document.getElementById('rate').value = '200/s'; document.getElementById('orders').requestSubmit()")
    until(lambda: "the rate will change" in shown("#news"), "the rate is changed")
    assert accepted() <= still + 16
    press("resume")
    until(lambda: accepted() > still + 50, "the run goes on")
    assert browser.complaints == [], browser.complaints

    # The service dies in the middle, and comes back.
    service.end("kill")
    until(lambda: "has not answered" in shown("#gone"), "it is shown that the service is gone")
    browser.picture(pictures / "live-gone.png")
    before = accepted()
    service = Service(program, folder, address)
    until(lambda: browser.run("document.getElementById('gone').hidden"), "the page finds the service again")
    until(lambda: accepted() > before, "and goes on counting")
    browser.complaints.clear()  # the browser tells of each question that had no answer
    press("cancel")
    until(lambda: now() == "cancelled", "the run is cancelled, after a yes")
    until(lambda: browser.run("document.getElementById('changes').hidden"), "there is nothing more to be ordered")
    assert browser.complaints == [], browser.complaints

    # Nobody's number is there, and no name.
    page = browser.run("document.documentElement.outerHTML") + urllib.request.urlopen(home + "live").read().decode()
    for secret in [*numbers(ROWS), "Ana", TOKEN]:
        assert str(secret) not in page, secret
    # The page's policy lets nothing in from elsewhere.
    assert browser.run("fetch('https://example.com/').then(() => false, () => true)")
    service.end()

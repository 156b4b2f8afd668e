"""Writes cronsim.tsv: what CronSim, which follows Debian's cron, says comes next.

    pip install cronsim==2.8 tzdata==2026.6
    python3 fixture.py > cronsim.tsv

Moments are drawn around the changes of each zone's clocks, and elsewhere; the seed is fixed. Where CronSim is no measure
it is left out: within an hour that comes twice it steps on the wall clock and may name a moment that is over, and of
intervals on Lord Howe, whose clocks are changed by half an hour, it steps over times as it goes on by whole hours.
"""

import random
from datetime import datetime, timedelta, timezone
from importlib.metadata import version
from zoneinfo import ZoneInfo, reset_tzpath

from cronsim import CronSim

reset_tzpath([])  # the package tzdata, not this machine's
ZONES = """UTC Europe/Berlin Europe/Dublin Europe/London America/New_York America/St_Johns America/Santiago
America/Havana America/Sao_Paulo Atlantic/Azores Africa/Cairo Asia/Beirut Asia/Hong_Kong Asia/Kolkata
Asia/Kathmandu Asia/Tokyo Australia/Lord_Howe Australia/Sydney Pacific/Auckland Pacific/Chatham Pacific/Apia
Antarctica/Troll""".split()
FIXED = """0 9 * * *|30 2 * * *|0 2 * * *|15,45 2 * * *|0 0 * * *|30 0 * * *|59 23 * * *|30 1 * * *|0 3 * * *
0 1,2,3 * * *|30 1,13 * * *|10-50/20 0-4 * * *|0 9 * * MON|0 9 * * MON-FRI|30 2 * * SUN|0 0 * * 0|0 0 * * 7
0 9 1 * *|0 9 31 * *|0 9 30 * *|0 9 29 2 *|0 9 L * *|30 2 LW * *|0 9 * * 5#2|0 9 * * 5L|0 0 29 2 MON
0 9 1-7 * MON|0 9 13 * FRI|0 9 */2 * MON|0 9 1 */3 *|0 9 1 JAN,JUL *|5 4 * * sun|0 22 * * 1-5|23 0-20/2 * * *
0 12 31 5,7,8 *|0 2 30,31 3 *|0 2 25-31 3,10 SUN|45 2 * 3,10,11 0""".replace("\n", "|").split("|")
INTERVAL = "* * * * *|*/5 * * * *|*/30 * * * *|0 * * * *|30 * * * *|0 */2 * * *|15 */3 * * *|*/20 2 * * *|*/15 0-3 * * SUN"

lots = random.Random(7)


def changes(zone):
    """The moments in three years at which the clocks of a zone are changed."""
    hour, found = timedelta(hours=1), []
    at, end = datetime(2025, 1, 1, tzinfo=timezone.utc), datetime(2028, 1, 1, tzinfo=timezone.utc)
    while at < end:
        if (at + hour).astimezone(zone).utcoffset() != at.astimezone(zone).utcoffset():
            found.append(at + hour)
        at += hour
    return found


def moments(zone):
    around = [at + timedelta(minutes=m) for at in changes(zone) for m in lots.sample(range(-200, 200), 6)]
    anywhere = [datetime(2024, 1, 1, tzinfo=timezone.utc) + timedelta(minutes=lots.randrange(3 * 525600)) for _ in range(6)]
    return around + anywhere


print("# What comes next after a moment, by CronSim, which follows Debian's cron: expression, zone, after, next.")
print(f"# Made by fixture.py with cronsim {version('cronsim')} and tzdata {version('tzdata')}; not by this program.")
for name in ZONES:
    zone = ZoneInfo(name)
    for after in moments(zone):
        expression = lots.choice(FIXED if lots.random() < 0.7 else INTERVAL.split("|"))
        following = next(CronSim(expression, after.astimezone(zone))).astimezone(timezone.utc)
        lord_howe = name == "Australia/Lord_Howe" and expression in INTERVAL.split("|")
        if following > after and not lord_howe:
            stamps = [at.strftime("%Y-%m-%dT%H:%MZ") for at in (after, following)]
            print("\t".join([expression, name, *stamps]))

"""Write the scenarios of a network: ``python networks/bochum/scenarios.py NETWORK...``."""

from __future__ import annotations

import sys

from city import HERE

FOLDER = HERE.parents[1] / "scenarios"
TITLES = {
    "bochum-herner": "Herner Straße, ring to A43",
    "bochum-universitaet": "Universitätsstraße, ring to A448, with the U35",
    "bochum-dorstener": "Dorstener Straße, ring to Riemker Straße, with trams 306 and 316",
    "bochum-inner-city": "Inner city of Bochum with its radials",
    "bochum-ring": "Innenstadtring Bochum",
}
# name: (what, begin, end, program; "" is the one in the net)
WINDOWS = {
    "am": ("morning peak 07:00 to 08:00", "07:00:00", "08:00:00", ""),
    "pm": ("afternoon peak 16:00 to 17:00", "16:00:00", "17:00:00", "pm"),
    "offpeak": ("late morning 11:00 to 12:00", "11:00:00", "12:00:00", "offpeak"),
    "night": ("night 23:00 to 24:00", "23:00:00", "24:00:00", "night"),
    "day": ("whole working day", "00:00:00", "24:00:00", "day"),
}
# Where buses count for more than their passengers.
WEIGHTS = {
    "bochum-herner": """
# The bus is the only public transport of the street; its passengers count twice (assumed), 2 x 20 / 1.3 cars.
[weights]
bus = 30
"""
}


def write_scenarios(network: str) -> None:
    """
    Write the five scenarios of a network.

    Parameters
    ----------
    network : str
        Its name.
    """
    ring = network == "bochum-ring"  # its morning has a file written by hand; it has no loops and stops
    for name, (what, begin, end, program) in WINDOWS.items():
        if ring and name == "am":
            continue
        files = [] if ring else [f"network:{network}/{network}.add.xml"]
        files += [f"network:{network}/{network}.{program}.add.xml"] if program else []
        text = f"""#:schema ./scenario.schema.json
# Written by networks/bochum/scenarios.py.
name = "{network}-{name}"
description = "{TITLES[network]}, {what}: modelled on the city, programmes and volumes are assumptions (networks/{network}/README.md)"
network = "network:{network}"
demand = ["demand/{network}.rou.xml.gz"]
additional = [{", ".join(f'"{file}"' for file in files)}]
begin = "{begin}"
end = "{end}"
seeds = [1, 2, 3]
controllers = ["program", "actuated", "self-control", "horizon"]
"""
        if name == "day":
            text += "time_limit = 21600 # [s] of the clock on the wall, for one run\n"
        weights = WEIGHTS.get(network, "")
        text += f"""
[signals]
yellow = "program"
all_red = "program"
red_yellow = "program"

# The level is assumed: a bus with 20 people in it counts like 15 cars. Lines have headways and no timetables, so nobody is late.
[[priorities]]
modes = ["tram", "bus"]
level = "high"
{weights}
# Who waits at a crossing is seen (assumed: a push button or a detector at each), and waits 80 s at most where that can be kept.
[pedestrians]
call = "button"
maximum_wait = 80

# Two of SUMO's drivers who meet before a crossing can give way to each other for ever; after a minute one goes (assumed).
[sumo_options]
"ignore-junction-blocker" = 60
"""
        (FOLDER / f"{network}-{name}.toml").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    for network in sys.argv[1:] or sorted(TITLES):
        write_scenarios(network)

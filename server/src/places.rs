//! What places are called: the towns of GeoNames (`data/towns.py` tells how they came here), looked up without
//! asking anyone.

use std::io::Read as _;
use std::ops::Range;
use std::sync::LazyLock;

use shared::photo::Location;

static TOWNS: &[u8] = include_bytes!("../data/towns.tsv.br");
/// What a reader of compressed bytes takes at once, in bytes.
const BUFFER_BYTES: usize = 64 * 1024;
/// Further from every town, a place has no name; in kilometres.
const DISTANCE_KM_MAX: f64 = 60.0;
const KM_PER_DEGREE: f64 = 111.2;
/// The least that a town reaches, in kilometres.
const RADIUS_KM_MIN: f64 = 1.0;
/// A city so many times as wide as a town in it is named, too.
const CITY_RADII_MIN: f64 = 3.0;
/// Cells of one degree each way.
const COLUMNS: i32 = 360;
const ROWS: i32 = 180;
/// Columns looked at on either side, however near a pole is.
const COLUMNS_ASIDE_MAX: i32 = 12;

static GAZETTEER: LazyLock<Gazetteer> = LazyLock::new(Gazetteer::read);

/// The town at a place, its region and its country: `Munich, Bavaria, Germany`; the city that it is in, too. None far
/// from any.
pub fn name_of(location: Location) -> Option<String> {
    GAZETTEER.name_of(location.latitude.into(), location.longitude.into())
}

struct Town {
    latitude: f32,
    longitude: f32,
    /// How far it reaches, in kilometres.
    radius: f32,
    /// Where its line's name is.
    name: (u32, u16),
    region: u16,
}

/// Towns by the cell that they are in.
struct Gazetteer {
    text: String,
    towns: Vec<Town>,
    /// Where the towns of each cell begin, and where the last ones end.
    cells: Vec<u32>,
    /// Names of regions, and of the countries that they are in.
    regions: Vec<[(u32, u16); 2]>,
}

/// A town near a place.
#[derive(Clone, Copy)]
struct Near<'a> {
    town: &'a Town,
    distance_km: f64,
}

impl Near<'_> {
    fn radius_km(self) -> f64 {
        f64::from(self.town.radius).max(RADIUS_KM_MIN)
    }

    fn is_inside(self) -> bool {
        self.distance_km <= self.radius_km()
    }

    /// The town whose middle is the nearest, for how far it reaches; outside of all of them, the one that ends
    /// the nearest.
    fn rank(self) -> f64 {
        if self.is_inside() {
            self.distance_km / self.radius_km() - 1.0
        } else {
            self.distance_km - self.radius_km()
        }
    }
}

impl Gazetteer {
    /// What cannot be read has no names: a file that is part of the executable can.
    fn read() -> Self {
        let mut text = String::new();
        drop(brotli::Decompressor::new(TOWNS, BUFFER_BYTES).read_to_string(&mut text));
        let (mut towns, mut regions) = (Vec::new(), Vec::new());
        let (mut at, mut country) = (0, (0, 0));
        for line in text.split_inclusive('\n') {
            let name_at = |from: usize| ((at + from) as u32, (line.trim_end().len() - from) as u16);
            if let Some((latitude, longitude, radius, from)) = numbers(line) {
                let region = regions.len().saturating_sub(1) as u16;
                towns.push(Town { latitude, longitude, radius, name: name_at(from), region });
            } else if line.starts_with('=') {
                country = name_at(1);
            } else if line.starts_with('-') {
                regions.push([name_at(1), country]);
            }
            at += line.len();
        }
        towns.sort_by_key(|town| cell_of(f64::from(town.latitude), f64::from(town.longitude)));
        let mut cells = vec![0; (COLUMNS * ROWS) as usize + 1];
        for town in &towns {
            cells[cell_of(f64::from(town.latitude), f64::from(town.longitude)) + 1] += 1;
        }
        for cell in 1..cells.len() {
            cells[cell] += cells[cell - 1];
        }
        Self { text, towns, cells, regions }
    }

    fn name_of(&self, latitude: f64, longitude: f64) -> Option<String> {
        let near = self.near(latitude, longitude);
        let town = *near.iter().min_by(|a, b| a.rank().total_cmp(&b.rank()))?;
        let city = near
            .iter()
            .filter(|city| city.is_inside() && city.radius_km() >= CITY_RADII_MIN * town.radius_km())
            .max_by(|a, b| a.radius_km().total_cmp(&b.radius_km()));
        let [region, country] = self.regions.get(usize::from(town.town.region))?;
        let names = [Some(town.town.name), city.map(|city| city.town.name), Some(*region), Some(*country)];
        let mut names: Vec<&str> = names.into_iter().flatten().map(|name| self.text(name)).collect();
        names.retain(|name| !name.is_empty());
        names.dedup();
        Some(names.join(", "))
    }

    /// All towns that are not too far.
    fn near(&self, latitude: f64, longitude: f64) -> Vec<Near<'_>> {
        let across = latitude.to_radians().cos();
        let rows = (DISTANCE_KM_MAX / KM_PER_DEGREE).ceil() as i32;
        let columns = ((DISTANCE_KM_MAX / KM_PER_DEGREE / across).ceil() as i32).clamp(1, COLUMNS_ASIDE_MAX);
        let (row, column) = (row_of(latitude), column_of(longitude));
        let mut near = Vec::new();
        for row in (row - rows).max(0)..=(row + rows).min(ROWS - 1) {
            for column in column - columns..=column + columns {
                let cell = (row * COLUMNS + column.rem_euclid(COLUMNS)) as usize;
                let towns: Range<usize> = self.cells[cell] as usize..self.cells[cell + 1] as usize;
                for town in &self.towns[towns] {
                    let east = (f64::from(town.longitude) - longitude + 540.0).rem_euclid(360.0) - 180.0;
                    let north = f64::from(town.latitude) - latitude;
                    let distance_km = (east * across).hypot(north) * KM_PER_DEGREE;
                    if distance_km <= DISTANCE_KM_MAX {
                        near.push(Near { town, distance_km });
                    }
                }
            }
        }
        near
    }

    fn text(&self, (from, length): (u32, u16)) -> &str {
        &self.text[from as usize..][..usize::from(length)]
    }
}

/// A town's degrees, its radius in kilometres, and where in the line its name begins.
fn numbers(line: &str) -> Option<(f32, f32, f32, usize)> {
    let mut parts = line.splitn(4, '\t');
    let mut number = || parts.next()?.parse::<f32>().ok();
    let (latitude, longitude, radius) = (number()?, number()?, number()?);
    Some((latitude / 1000.0, longitude / 1000.0, radius / 10.0, line.len() - parts.next()?.len()))
}

fn row_of(latitude: f64) -> i32 {
    ((latitude + 90.0).floor() as i32).clamp(0, ROWS - 1)
}

fn column_of(longitude: f64) -> i32 {
    ((longitude + 180.0).floor() as i32).clamp(0, COLUMNS - 1)
}

fn cell_of(latitude: f64, longitude: f64) -> usize {
    (row_of(latitude) * COLUMNS + column_of(longitude)) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(latitude: f64, longitude: f64) -> Option<String> {
        name_of(Location::new(latitude, longitude).unwrap())
    }

    #[test]
    fn places_are_called_by_their_town() {
        for (latitude, longitude, expected) in [
            (48.1372, 11.5755, "Munich, Bavaria, Germany"),
            (48.0660, 11.6156, "Unterhaching, Munich, Bavaria, Germany"),
            (35.6812, 139.7671, "Tokyo, Japan"),
            (48.8584, 2.2945, "Paris"),
            (-33.8568, 151.2153, "Sydney, New South Wales, Australia"),
            (40.6892, -74.0445, "United States"),
            (64.1466, -21.9426, "Iceland"),
        ] {
            let found = name(latitude, longitude).unwrap_or_default();
            let parts: Vec<&str> = found.split(", ").collect();
            assert!(expected.split(", ").all(|part| parts.contains(&part)), "{expected}: {found}");
        }
    }

    #[test]
    fn the_middle_of_nowhere_has_no_name() {
        for (latitude, longitude) in [(0.0, -30.0), (90.0, 0.0), (-90.0, 180.0), (-48.0, -123.0)] {
            assert_eq!(name(latitude, longitude), None, "{latitude} {longitude}");
        }
    }

    #[test]
    fn the_date_line_is_no_edge() {
        // Egvekinot lies at 179.13 degrees west.
        for longitude in [-179.2, 179.95] {
            assert!(name(66.32, longitude).is_some_and(|name| name.ends_with("Russia")), "{longitude}");
        }
    }
}

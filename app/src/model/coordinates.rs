//! Places on the earth as people write them.

use shared::photo::Location;

/// "48.13715, 11.57612", "48.13715° N 11.57612° E", "33,8688 S; 151,2093 E": degrees, latitude first.
pub fn parse_coordinates(text: &str) -> Option<Location> {
    let text = text.trim();
    let (latitude, longitude) = halves(text)?;
    Location::new(degrees(latitude, 'N', 'S')?, degrees(longitude, 'E', 'W')?).ok()
}

/// Before and behind what parts the two numbers.
fn halves(text: &str) -> Option<(&str, &str)> {
    let parted = |separator: &str| text.split_once(separator).filter(|(_, rest)| !rest.contains(separator));
    parted(";").or_else(|| parted(", ")).or_else(|| parted(",")).or_else(|| {
        // By the letter of the latitude, or by the only space.
        let letter = text.find(['N', 'S', 'n', 's']).filter(|at| *at > 0);
        letter.map(|at| text.split_at(at + 1)).or_else(|| {
            let mut parts = text.split_whitespace();
            let both = parts.next().zip(parts.next())?;
            (parts.next().is_none() && !both.0.ends_with(',')).then_some(both)
        })
    })
}

fn degrees(text: &str, positive: char, negative: char) -> Option<f64> {
    let text = text.trim();
    let letter = text.chars().find(|letter| letter.is_alphabetic()).map(|letter| letter.to_ascii_uppercase());
    let sign = match letter {
        None => 1.0,
        Some(letter) if letter == positive => 1.0,
        Some(letter) if letter == negative => -1.0,
        Some(_) => return None,
    };
    let number: String =
        text.chars().filter(|it| !it.is_alphabetic() && !it.is_whitespace() && *it != '°').collect();
    let number = number.replace(',', ".").replace('\u{2212}', "-");
    let is_plain = number.chars().all(|it| it.is_ascii_digit() || matches!(it, '.' | '-' | '+'));
    let degrees: f64 = number.parse().ok().filter(|_| is_plain)?;
    // A letter takes the place of a sign.
    (letter.is_none() || degrees >= 0.0).then_some(sign * degrees)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_as_people_write_them() {
        let munich = Location::new(48.137_15, 11.576_12).unwrap();
        for text in [
            "48.13715, 11.57612",
            " 48.13715,11.57612 ",
            "48.13715 11.57612",
            "48.13715° N, 11.57612° E",
            "48.13715°N 11.57612°E",
            "48,13715; 11,57612",
            "48,13715 N 11,57612 E",
            "+48.13715, +11.57612",
        ] {
            assert_eq!(parse_coordinates(text), Some(munich), "{text}");
        }
        let sydney = Location::new(-33.8688, -151.2093).unwrap();
        for text in ["-33.8688, -151.2093", "33.8688 S, 151.2093 W", "\u{2212}33.8688 \u{2212}151.2093"] {
            assert_eq!(parse_coordinates(text), Some(sydney), "{text}");
        }
        for text in [
            "",
            "48",
            "48,",
            ", 11",
            "91, 0",
            "0, 181",
            "48 E, 11 N",
            "-48 S, 11 E",
            "a, b",
            "1, 2, 3",
            "1e1, 2",
            "NaN, 1",
            "48.1.2, 3",
        ] {
            assert_eq!(parse_coordinates(text), None, "{text}");
        }
    }
}

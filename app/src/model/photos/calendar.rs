use shared::photo_index::WallDay;

/// A month of a year; months count from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month {
    pub year: i32,
    pub month: u8,
}

/// The month that a day is in, in the proleptic Gregorian calendar.
pub fn month_of(day: WallDay) -> Month {
    const DAYS_OF_ERA: i32 = 146_097;
    // From 0000-03-01, so that the leap day is a year's last.
    let days = day.0 + 719_468;
    let era = days.div_euclid(DAYS_OF_ERA);
    let of_era = days.rem_euclid(DAYS_OF_ERA);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = year_of_era + era * 400 + i32::from(month <= 2);
    Month { year, month: month as u8 }
}

#[cfg(test)]
mod tests {
    use shared::photo::WallTime;

    use super::*;

    #[test]
    fn months_are_those_that_dates_are_written_in() {
        // From year 0 to 9999.
        for day in (-719_528..2_932_896).step_by(7) {
            let day = WallDay(day);
            let written = day.start().to_string();
            let (year, rest) = written.split_once('-').unwrap();
            let expected = Month { year: year.parse().unwrap(), month: rest[..2].parse().unwrap() };
            assert_eq!(month_of(day), expected, "{written}");
        }
        let leap: WallTime = "2024-02-29T12:00:00".parse().unwrap();
        assert_eq!(month_of(leap.into()), Month { year: 2024, month: 2 });
    }
}

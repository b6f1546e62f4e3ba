//! What Apple hands out of iCloud: `Photo Details*.csv` beside the pictures, and a table for each album that names its
//! pictures.

use shared::Timestamp;

use super::csv;

/// What `Photo Details.csv` says of one picture.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Details {
    pub name: String,
    pub taken_at: Option<Timestamp>,
    pub is_favorite: bool,
    pub hidden: bool,
    pub deleted: bool,
}

/// What one table is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Table {
    Details(Vec<Details>),
    /// The names of an album's pictures.
    Names(Vec<String>),
    Other,
}

impl Table {
    pub fn read(text: &str) -> Self {
        let mut rows = csv::rows(text).into_iter();
        let Some(head) = rows.next() else { return Self::Other };
        let column = |name: &str| head.iter().position(|field| field.trim() == name);
        let first = head.first().map(|field| field.trim());
        match column("imgName").zip(column("originalCreationDate")) {
            Some((name, date)) => {
                let marks = ["favorite", "hidden", "deleted"].map(column);
                Self::Details(rows.map(|row| details(&row, name, date, marks)).collect())
            }
            None if matches!(first, Some("imgName" | "imageName" | "Images")) => {
                Self::Names(rows.filter_map(|row| row.into_iter().next()).collect())
            }
            None => Self::Other,
        }
    }
}

fn details(row: &[String], name: usize, date: usize, marks: [Option<usize>; 3]) -> Details {
    let field = |at: usize| row.get(at).map(|field| field.trim()).unwrap_or_default();
    let [is_favorite, hidden, deleted] = marks.map(|at| at.is_some_and(|at| field(at) == "yes"));
    // Some exports write the date, which has a comma, without quotes.
    let taken_at = parse_date(field(date)).or_else(|| parse_date(&[field(date), field(date + 1)].join(",")));
    Details { name: field(name).to_owned(), taken_at, is_favorite, hidden, deleted }
}

/// "Saturday June 4,2022 12:11 PM GMT".
fn parse_date(text: &str) -> Option<Timestamp> {
    const MONTHS: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    let words: Vec<&str> = text.split([' ', ',', '\u{202f}']).filter(|word| !word.is_empty()).collect();
    let [_, month, day, year, time, half, "GMT" | "UTC"] = words[..] else { return None };
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    let (hour, minute) = time.split_once(':')?;
    let [day, year, hour, minute] = [day, year, hour, minute].map(|number| number.parse::<u32>().ok());
    let hour = match (hour?, half) {
        (hour, "AM") => hour % 12,
        (hour, "PM") => hour % 12 + 12,
        _ => return None,
    };
    format!("{:04}-{month:02}-{:02}T{hour:02}:{:02}:00Z", year?, day?, minute?).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn details_are_read_by_their_columns() {
        let text = "imgName,fileChecksum,favorite,hidden,deleted,originalCreationDate,viewCount,importDate\n\
            IMG_1.HEIC,Abc+/,yes,no,no,\"Saturday June 4,2022 12:11 PM GMT\",10,\"Saturday June 4,2022 12:11 PM GMT\"\n\
            IMG_2.JPG,x,no,yes,yes,Sunday June 27,2021 9:00 AM GMT,0,\n\
            IMG_3.JPG,x,no,no,no,someday,0,\n";
        let Table::Details(details) = Table::read(text) else { panic!("details") };
        let at = |text: &str| Some(text.parse().unwrap());
        let one = Details { name: "IMG_1.HEIC".into(), is_favorite: true, ..Details::default() };
        assert_eq!(details[0], Details { taken_at: at("2022-06-04T12:11:00Z"), ..one });
        let two = Details { name: "IMG_2.JPG".into(), hidden: true, deleted: true, ..Details::default() };
        assert_eq!(details[1], Details { taken_at: at("2021-06-27T09:00:00Z"), ..two });
        assert_eq!(details[2].taken_at, None);
    }

    #[test]
    fn twelve_is_before_one() {
        let at = |text: &str| parse_date(text).map(|at| at.to_string());
        assert_eq!(at("Monday January 2,2023 12:05 AM GMT").as_deref(), Some("2023-01-02T00:05:00.000Z"));
        assert_eq!(at("Monday January 2,2023 4:05 PM GMT").as_deref(), Some("2023-01-02T16:05:00.000Z"));
        assert_eq!(at("Monday January 32,2023 4:05 PM GMT"), None);
        assert_eq!(at(""), None);
    }

    #[test]
    fn albums_are_lists_of_names_under_any_heading() {
        for head in ["imgName", "imageName", "Images"] {
            let names = vec!["IMG_1.HEIC".to_owned(), "a, b.jpg".to_owned()];
            assert_eq!(
                Table::read(&format!("{head}\r\nIMG_1.HEIC\r\n\"a, b.jpg\"\r\n")),
                Table::Names(names)
            );
        }
        assert_eq!(Table::read("date,amount\n1,2\n"), Table::Other);
        assert_eq!(Table::read(""), Table::Other);
    }
}

//! Tables as spreadsheets write them into texts (RFC 4180), parted by commas, semicolons or tabs.

use std::mem::take;

/// Cells that are shown of one table.
const CELLS_MAX: usize = 10_000;
const SEPARATORS: [char; 3] = [',', ';', '\t'];

/// What is shown of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// The first is the heading.
    pub rows: Vec<Vec<String>>,
    /// Whether there is no more of it.
    pub is_whole: bool,
}

impl Table {
    /// Reads any text: what is no table is one of a single column.
    pub fn of(text: &str) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let separator = separator(text);
        let mut rows = Vec::new();
        let (mut row, mut cell) = (Vec::new(), String::new());
        let (mut cells, mut is_quoted) = (0, false);
        let mut rest = text.chars().peekable();
        while let Some(c) = rest.next() {
            let ends_row = c == '\n' && !is_quoted;
            match c {
                '"' if is_quoted && rest.next_if_eq(&'"').is_some() => cell.push('"'),
                '"' if is_quoted => is_quoted = false,
                '"' if cell.is_empty() => is_quoted = true,
                '\r' if !is_quoted && rest.peek() == Some(&'\n') => {}
                c if ends_row || c == separator && !is_quoted => {
                    row.push(take(&mut cell));
                    cells += 1;
                }
                c => cell.push(c),
            }
            if ends_row {
                rows.push(take(&mut row));
            }
            if cells == CELLS_MAX {
                break;
            }
        }
        if !cell.is_empty() || !row.is_empty() {
            row.push(cell);
            rows.push(row);
        }
        Self { rows, is_whole: rest.peek().is_none() }
    }
}

/// The one that stands in the first line most often.
fn separator(text: &str) -> char {
    let heading = text.lines().next().unwrap_or_default();
    let count = |separator: &char| heading.matches(*separator).count();
    SEPARATORS.into_iter().rev().max_by_key(count).unwrap_or(',')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Vec<Vec<String>> {
        Table::of(text).rows
    }

    #[test]
    fn quotes_hold_separators_lines_and_quotes() {
        let text = "\u{feff}name,note\r\n\"Archer, Ann\",\"two\nlines\"\r\n5\" pipe,\"says \"\"yes\"\"\"";
        let expected =
            [vec!["name", "note"], vec!["Archer, Ann", "two\nlines"], vec!["5\" pipe", "says \"yes\""]];
        assert_eq!(rows(text), expected);
        assert_eq!(rows("a,\n,b\n"), [["a", ""], ["", "b"]]);
    }

    #[test]
    fn the_heading_tells_what_parts_the_cells() {
        assert_eq!(rows("a;b;c\n1,5;2;3"), [["a", "b", "c"], ["1,5", "2", "3"]]);
        assert_eq!(rows("a\tb\n1\t2"), [["a", "b"], ["1", "2"]]);
        assert_eq!(rows("only words"), [["only words"]]);
        assert!(rows("").is_empty());
    }

    #[test]
    fn so_many_cells_are_shown_and_no_more() {
        let text = "1,2\n".repeat(CELLS_MAX);
        let table = Table::of(&text);
        assert_eq!((table.rows.len(), table.is_whole), (CELLS_MAX / 2, false));
        assert!(Table::of("1,2\n").is_whole);
    }
}

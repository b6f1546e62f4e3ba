//! Tables as spreadsheets write them (RFC 4180), read leniently.

/// Fields of a row behind these are left out.
const FIELDS_MAX: usize = 64;

/// The rows, each with its fields; empty lines are none.
pub fn rows(text: &str) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    let mut row = vec![String::new()];
    let mut is_quoted = false;
    let mut chars = text.trim_start_matches('\u{feff}').chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if is_quoted && chars.peek() == Some(&'"') => {
                chars.next();
                push(&mut row, '"');
            }
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted && row.len() <= FIELDS_MAX => row.push(String::new()),
            ',' if !is_quoted => {}
            '\n' | '\r' if !is_quoted => {
                let whole = std::mem::replace(&mut row, vec![String::new()]);
                rows.push(whole);
            }
            c => push(&mut row, c),
        }
    }
    rows.push(row);
    for row in &mut rows {
        row.truncate(FIELDS_MAX);
    }
    rows.retain(|row| row.iter().any(|field| !field.is_empty()));
    rows
}

fn push(row: &mut [String], c: char) {
    if let Some(field) = row.last_mut() {
        field.push(c);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_hold_commas_lines_and_quotes() {
        let read = rows("\u{feff}a,b\r\n\"1,2\",\"say \"\"hi\"\"\nthere\"\r\n\r\n,x\n");
        assert_eq!(read, [vec!["a", "b"], vec!["1,2", "say \"hi\"\nthere"], vec!["", "x"]]);
        assert_eq!(rows(""), Vec::<Vec<String>>::new());
        assert_eq!(rows(&["x"; 1_000].join(",")), [vec!["x"; FIELDS_MAX]]);
        assert_eq!(rows("\"never closed, and on"), [vec!["never closed, and on"]]);
    }
}

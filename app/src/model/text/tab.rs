use super::{Match, byte_at, length};

/// Which way the tab key goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Indent {
    More,
    Less,
}

/// What a step is where the text has none to go by.
const STEP: &str = "    ";
const STEP_SPACES_MAX: usize = 8;

/// One step, as the text does it: by its first line that is moved in.
fn step(text: &str) -> String {
    let moved_in = text.lines().find(|line| line.starts_with([' ', '\t']) && !line.trim().is_empty());
    match moved_in {
        Some(line) if line.starts_with('\t') => "\t".to_owned(),
        Some(line) => {
            let spaces = line.bytes().take_while(|byte| *byte == b' ').count();
            " ".repeat(if spaces > STEP_SPACES_MAX { STEP.len() } else { spaces })
        }
        None => STEP.to_owned(),
    }
}

/// What the tab key makes of a selection: the stretch that changes, what it becomes, and what is selected
/// after it. None where there is nothing to do.
pub fn indented(text: &str, selected: Match, way: Indent) -> Option<(Match, String, Match)> {
    let step = step(text);
    let (from, to) = (byte_at(text, selected.start), byte_at(text, selected.end));
    let many = text[from..to].contains('\n');
    if way == Indent::More && !many {
        let after = selected.start + length(&step);
        return Some((selected, step, Match { start: after, end: after }));
    }
    let line_start = text[..from].rfind('\n').map_or(0, |at| at + 1);
    // A selection that ends at the start of a line does not take that line along.
    let last = if many && text[..to].ends_with('\n') { to - 1 } else { to };
    let line_end = text[last..].find('\n').map_or(text.len(), |at| last + at);
    let lines = &text[line_start..line_end];
    let changed: Vec<String> = lines
        .split('\n')
        .map(|line| match way {
            Indent::More if line.is_empty() => String::new(),
            Indent::More => format!("{step}{line}"),
            Indent::Less => outdented(line, &step).to_owned(),
        })
        .collect();
    let changed = changed.join("\n");
    if changed == lines {
        return None;
    }
    let start = selected.start - length(&text[line_start..from]);
    let stretch = Match { start, end: start + length(lines) };
    let after = if many {
        Match { start, end: start + length(&changed) }
    } else {
        let moved = length(lines) - length(&changed);
        let caret = |place: u32| place.saturating_sub(moved).max(start);
        Match { start: caret(selected.start), end: caret(selected.end) }
    };
    Some((stretch, changed, after))
}

fn outdented<'a>(line: &'a str, step: &str) -> &'a str {
    if let Some(rest) = line.strip_prefix('\t') {
        return rest;
    }
    let spaces = line.bytes().take_while(|byte| *byte == b' ').count();
    &line[spaces.min(step.len().max(1))..]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pressed(text: &str, start: u32, end: u32, way: Indent) -> Option<(String, u32, u32)> {
        let (stretch, by, after) = indented(text, Match { start, end }, way)?;
        let mut text = text.to_owned();
        text.replace_range(byte_at(&text, stretch.start)..byte_at(&text, stretch.end), &by);
        Some((text, after.start, after.end))
    }

    #[test]
    fn a_caret_moves_on_as_the_text_does() {
        assert_eq!(pressed("ab", 1, 1, Indent::More), Some(("a    b".to_owned(), 5, 5)));
        assert_eq!(pressed("x\n\ty\nz", 5, 5, Indent::More), Some(("x\n\ty\n\tz".to_owned(), 6, 6)));
        assert_eq!(
            pressed("- a\n  - b\n- c", 10, 10, Indent::More),
            Some(("- a\n  - b\n  - c".to_owned(), 12, 12))
        );
    }

    #[test]
    fn lines_move_together() {
        let moved = pressed("a\n\nb\nc", 0, 5, Indent::More);
        assert_eq!(moved, Some(("    a\n\n    b\nc".to_owned(), 0, 12)));
        assert_eq!(pressed("    a\n  b\nc", 2, 9, Indent::Less), Some(("a\nb\nc".to_owned(), 0, 3)));
        assert_eq!(pressed("\ta", 2, 2, Indent::Less), Some(("a".to_owned(), 1, 1)));
        assert_eq!(pressed("a", 1, 1, Indent::Less), None);
    }
}

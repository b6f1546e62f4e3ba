use shared::diff::{self, DiffOp};

use super::length;

/// One stretch of a text that gives way to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Patch {
    pub start: u32,
    pub end: u32,
    pub text: String,
}

/// Lines that are compared one by one; texts that differ more than that are replaced as a whole.
const COMPARED_LINES_MAX: usize = 4_000;

/// What makes `new` of `old`, as few letters as lines allow, in order.
pub fn patches(old: &str, new: &str) -> Vec<Patch> {
    let (head, old_rest, new_rest) = without_common_ends(old, new);
    if old_rest.is_empty() && new_rest.is_empty() {
        return Vec::new();
    }
    let start = length(head);
    let old_lines: Vec<&str> = old_rest.split_inclusive('\n').collect();
    let new_lines: Vec<&str> = new_rest.split_inclusive('\n').collect();
    if old_lines.len().max(new_lines.len()) > COMPARED_LINES_MAX {
        return vec![Patch { start, end: start + length(old_rest), text: new_rest.to_owned() }];
    }
    let mut place = start;
    let mut found = Vec::new();
    for op in diff::ops(&old_lines, &new_lines) {
        let gone = old_lines[op.old_range()].concat();
        if !matches!(op, DiffOp::Equal { .. }) {
            let come = new_lines[op.new_range()].concat();
            let (head, gone, come) = without_common_ends(&gone, &come);
            let start = place + length(head);
            found.push(Patch { start, end: start + length(gone), text: come.to_owned() });
        }
        place += length(&gone);
    }
    found
}

/// What both begin with, and what is between that and the common end.
fn without_common_ends<'a>(old: &'a str, new: &'a str) -> (&'a str, &'a str, &'a str) {
    let head: usize =
        old.chars().zip(new.chars()).take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum();
    let (common, old, new) = (&old[..head], &old[head..], &new[head..]);
    let tail: usize =
        old.chars().rev().zip(new.chars().rev()).take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum();
    (common, &old[..old.len() - tail], &new[..new.len() - tail])
}

/// Where a place in the old text is in the new one. What comes in exactly there comes after it.
pub fn carried(place: u32, patches: &[Patch]) -> u32 {
    let mut shift = 0_i64;
    for patch in patches {
        if place <= patch.start {
            break;
        }
        let come = length(&patch.text);
        if place < patch.end {
            let into = (place - patch.start).min(come);
            return (i64::from(patch.start) + shift) as u32 + into;
        }
        shift += i64::from(come) - i64::from(patch.end - patch.start);
    }
    (i64::from(place) + shift).max(0) as u32
}

#[cfg(test)]
mod tests {
    use super::super::byte_at;
    use super::*;

    fn applied(old: &str, patches: &[Patch]) -> String {
        let mut text = old.to_owned();
        for patch in patches.iter().rev() {
            text.replace_range(byte_at(&text, patch.start)..byte_at(&text, patch.end), &patch.text);
        }
        text
    }

    #[test]
    fn patches_make_the_new_text() {
        let texts =
            ["", "a", "a\nb\nc\n", "a\nB\nc\n", "x\na\nb\n\nc", "Grüße 👋🏽\nb\n", "Grüße 👋\nb\nc", "\n\n"];
        for old in texts {
            for new in texts {
                assert_eq!(applied(old, &patches(old, new)), new, "{old:?} to {new:?}");
            }
        }
    }

    #[test]
    fn changes_in_two_places_stay_apart() {
        let found = patches("one\ntwo\nthree\nfour\n", "one!\ntwo\nthree\nfive\n");
        assert_eq!(found.len(), 2);
        assert_eq!(found[0], Patch { start: 3, end: 3, text: "!".to_owned() });
    }

    #[test]
    fn texts_with_nothing_in_common_are_replaced_at_once() {
        let long = |letter: &str| format!("{letter}\n").repeat(COMPARED_LINES_MAX + 1);
        let found = patches(&long("a"), &long("b"));
        assert_eq!(found.len(), 1);
    }

    #[test]
    fn the_caret_stays_where_the_person_writes() {
        let old = "first\nsecond\n";
        let new = "zeroth\nfirst\nSecond\n";
        let found = patches(old, new);
        // After "first".
        assert_eq!(carried(5, &found), 12);
        // Before and after the letter that changed, and at the end.
        assert_eq!(carried(6, &found), 13);
        assert_eq!(carried(7, &found), 14);
        assert_eq!(carried(13, &found), 20);
        // In what is gone.
        assert_eq!(carried(3, &patches("abcdef", "af")), 1);
        // Something comes in right at the caret.
        assert_eq!(carried(1, &patches("ab", "aXb")), 1);
        // Letters of two units.
        assert_eq!(carried(3, &patches("👋b", "👋👋b")), 5);
    }
}

//! Two texts side by side, line by line, with the words that differ.

use std::ops::Range;

use shared::diff::{self, DiffOp};

/// Equal lines that are shown around each difference.
const CONTEXT_LINES: usize = 3;
/// Fewer equal lines than this are not worth folding.
const FOLD_LINES_MIN: usize = 4;
/// Between two texts that have more lines than this apart, only their common beginning and end are looked
/// for: the time a diff takes grows with the square of what differs.
const COMPARED_LINES_MAX: usize = 4_000;
/// The same for the words of one line.
const COMPARED_WORDS_MAX: usize = 400;
/// Lines that have less than this share of their words in common are not shown word by word.
const COMMON_SHARE_MIN: f64 = 0.25;

/// Some characters of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    pub text: String,
    /// Whether the other side has it otherwise.
    pub differs: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// From 1.
    pub number: usize,
    pub parts: Vec<Part>,
}

impl Line {
    fn whole(at: usize, text: &str, differs: bool) -> Self {
        Self { number: at + 1, parts: vec![Part { text: visible(text), differs }] }
    }
}

/// What stands beside each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pair {
    Same { left: usize, right: usize, text: String },
    Differs { left: Option<Line>, right: Option<Line> },
}

/// Pairs that are shown, or equal ones that are folded away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stretch {
    Shown(Range<usize>),
    Folded(Range<usize>),
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TextDiff {
    pub pairs: Vec<Pair>,
    pub stretches: Vec<Stretch>,
    /// Places where the texts differ.
    pub differences: usize,
}

impl TextDiff {
    pub fn between(left: &str, right: &str) -> Self {
        let (left, right) = (lines(left), lines(right));
        let mut diff = Self::default();
        for op in line_ops(&left, &right) {
            let (old, new) = (op.old_range(), op.new_range());
            if let DiffOp::Equal { .. } = op {
                let same = old.zip(new);
                diff.pairs.extend(same.map(|(l, r)| Pair::Same {
                    left: l + 1,
                    right: r + 1,
                    text: visible(left[l]),
                }));
                continue;
            }
            diff.differences += 1;
            let count = old.len().max(new.len());
            diff.pairs.extend((0..count).map(|n| {
                let (l, r) = (old.clone().nth(n), new.clone().nth(n));
                pair(l.map(|at| (at, left[at])), r.map(|at| (at, right[at])))
            }));
        }
        diff.stretches = stretches(&diff.pairs);
        diff
    }
}

fn lines(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

fn line_ops(left: &[&str], right: &[&str]) -> Vec<DiffOp> {
    let head = left.iter().zip(right).take_while(|(l, r)| l == r).count();
    let tail = left[head..].iter().rev().zip(right[head..].iter().rev()).take_while(|(l, r)| l == r).count();
    let (old, new) = (left.len() - head - tail, right.len() - head - tail);
    if old.max(new) <= COMPARED_LINES_MAX {
        return diff::ops(left, right);
    }
    let mut ops = Vec::new();
    if head > 0 {
        ops.push(DiffOp::Equal { old_index: 0, new_index: 0, len: head });
    }
    ops.push(DiffOp::Replace { old_index: head, old_len: old, new_index: head, new_len: new });
    if tail > 0 {
        ops.push(DiffOp::Equal { old_index: head + old, new_index: head + new, len: tail });
    }
    ops
}

fn pair(left: Option<(usize, &str)>, right: Option<(usize, &str)>) -> Pair {
    let (Some((l, left)), Some((r, right))) = (left, right) else {
        let whole = |side: Option<(usize, &str)>| side.map(|(at, text)| Line::whole(at, text, false));
        return Pair::Differs { left: whole(left), right: whole(right) };
    };
    let (old, new) = (words(left), words(right));
    let is_long = old.len().max(new.len()) > COMPARED_WORDS_MAX;
    let ops = if is_long { Vec::new() } else { diff::ops(&old, &new) };
    let common: usize = ops.iter().filter(|op| is_equal(op)).map(|op| op.old_range().len()).sum();
    if (common as f64) < old.len().max(new.len()) as f64 * COMMON_SHARE_MIN {
        let whole = |at, text| Some(Line::whole(at, text, false));
        return Pair::Differs { left: whole(l, left), right: whole(r, right) };
    }
    let side = |at: usize, words: &[&str], range: fn(&DiffOp) -> Range<usize>| {
        let parts = ops.iter().filter(|op| !range(op).is_empty());
        let parts =
            parts.map(|op| Part { text: visible(&words[range(op)].concat()), differs: !is_equal(op) });
        Some(Line { number: at + 1, parts: parts.collect() })
    };
    Pair::Differs { left: side(l, &old, DiffOp::old_range), right: side(r, &new, DiffOp::new_range) }
}

fn is_equal(op: &DiffOp) -> bool {
    matches!(op, DiffOp::Equal { .. })
}

/// Runs of letters and digits, runs of blanks, and every other character by itself.
fn words(line: &str) -> Vec<&str> {
    #[derive(PartialEq)]
    enum Kind {
        Word,
        Blank,
        Other,
    }
    let kind = |c: char| match c {
        '\r' | '\n' => Kind::Other,
        c if c.is_whitespace() => Kind::Blank,
        c if c.is_alphanumeric() || c == '_' => Kind::Word,
        _ => Kind::Other,
    };
    let mut words = Vec::new();
    let mut start = 0;
    let mut last = None;
    for (at, c) in line.char_indices() {
        let this = kind(c);
        if last.is_some_and(|last| last != this || this == Kind::Other) {
            words.push(&line[start..at]);
            start = at;
        }
        last = Some(this);
    }
    if start < line.len() {
        words.push(&line[start..]);
    }
    words
}

/// Without the line break, which the table makes; other marks of that kind are shown.
fn visible(text: &str) -> String {
    let text = text.strip_suffix('\n').unwrap_or(text);
    text.strip_suffix('\r').unwrap_or(text).replace('\r', "␍")
}

/// Folds equal lines that are far from every difference.
fn stretches(pairs: &[Pair]) -> Vec<Stretch> {
    let mut stretches = Vec::new();
    let mut at = 0;
    while at < pairs.len() {
        let is_same = |pair: &Pair| matches!(pair, Pair::Same { .. });
        let same = is_same(&pairs[at]);
        let end = at + pairs[at..].iter().take_while(|pair| is_same(pair) == same).count();
        let before = if at == 0 { 0 } else { CONTEXT_LINES };
        let after = if end == pairs.len() { 0 } else { CONTEXT_LINES };
        if same && end - at >= before + after + FOLD_LINES_MIN {
            show(&mut stretches, at..at + before);
            stretches.push(Stretch::Folded(at + before..end - after));
            show(&mut stretches, end - after..end);
        } else {
            show(&mut stretches, at..end);
        }
        at = end;
    }
    stretches
}

fn show(stretches: &mut Vec<Stretch>, more: Range<usize>) {
    match stretches.last_mut() {
        Some(Stretch::Shown(range)) => range.end = more.end,
        _ if more.is_empty() => {}
        _ => stretches.push(Stretch::Shown(more)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(line: Option<&Line>) -> Option<String> {
        line.map(|line| {
            line.parts
                .iter()
                .map(|part| if part.differs { format!("[{}]", part.text) } else { part.text.clone() })
                .collect()
        })
    }

    fn differing(diff: &TextDiff) -> Vec<(Option<String>, Option<String>)> {
        let pairs = diff.pairs.iter().filter_map(|pair| match pair {
            Pair::Same { .. } => None,
            Pair::Differs { left, right } => Some((text(left.as_ref()), text(right.as_ref()))),
        });
        pairs.collect()
    }

    #[test]
    fn words_that_differ_are_marked_within_their_lines() {
        let diff = TextDiff::between("Milk\nBread, 2 loaves\n", "Milk\nBread, 3 loaves\nEggs\n");
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(
            differing(&diff),
            [(some("Bread, [2] loaves"), some("Bread, [3] loaves")), (None, some("Eggs"))]
        );
        assert_eq!(diff.differences, 1);
    }

    #[test]
    fn lines_with_nothing_in_common_stand_whole() {
        let diff = TextDiff::between("alpha beta gamma\n", "1 2 3 4 5 6 7 8 9\n");
        assert_eq!(differing(&diff)[0].0.as_deref(), Some("alpha beta gamma"));
    }

    #[test]
    fn equal_lines_far_from_a_difference_are_folded() {
        let lines = (1..=20).map(|n| format!("line {n}\n")).collect::<Vec<_>>().concat();
        let many = |last: &str| format!("{lines}{last}");
        let diff = TextDiff::between(&many("mine"), &many("theirs"));
        assert_eq!(diff.stretches, [Stretch::Folded(0..17), Stretch::Shown(17..21)]);
        let few = TextDiff::between("1\n2\n3\n4\n5\nmine", "1\n2\n3\n4\n5\ntheirs");
        assert_eq!(few.stretches, [Stretch::Shown(0..6)], "too few to fold");
    }

    #[test]
    fn every_line_of_both_texts_is_somewhere() {
        let left = "a\nb\nc\nd\n";
        let right = "b\nx\nd\ne\n";
        let diff = TextDiff::between(left, right);
        let numbers = |left: bool| {
            let of = |pair: &Pair| match pair {
                Pair::Same { left: l, right: r, .. } => Some(if left { *l } else { *r }),
                Pair::Differs { left: l, right: r } => {
                    (if left { l } else { r }).as_ref().map(|line| line.number)
                }
            };
            diff.pairs.iter().filter_map(of).collect::<Vec<_>>()
        };
        assert_eq!((numbers(true), numbers(false)), (vec![1, 2, 3, 4], vec![1, 2, 3, 4]));
    }

    #[test]
    fn texts_too_far_apart_keep_their_common_ends() {
        let many = |what: &str| {
            (0..=COMPARED_LINES_MAX).map(|n| format!("{what} {n}\n")).collect::<Vec<_>>().concat()
        };
        let diff = TextDiff::between(
            &format!("head\n{}tail\n", many("mine")),
            &format!("head\n{}tail\n", many("theirs")),
        );
        assert_eq!(diff.differences, 1);
        assert!(matches!(&diff.pairs[0], Pair::Same { text, .. } if text == "head"));
        assert!(matches!(diff.pairs.last(), Some(Pair::Same { text, .. }) if text == "tail"));
    }
}

//! Line-wise three-way merge of texts.
//!
//! The classic diff3 (Khanna, Kunal, Pierce, "A Formal Investigation of Diff3", 2007) over two diffs from
//! the base, with one difference: edits of neighbouring lines do not overlap. Two insertions at the same
//! place do.

use std::ops::Range;

use crate::code::code_type;
use crate::diff::{self, DiffOp};

/// What a merge of a text may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MergeKind {
    /// Prose: a clean merge is taken silently.
    Silent,
    /// Code, data, markup: lines may depend on each other, so a person decides.
    Proposal,
}

/// Texts that are not called text.
const TEXT_APPLICATION_TYPES: [&str; 31] = [
    "application/ecmascript",
    "application/graphql",
    "application/javascript",
    "application/json",
    "application/json5",
    "application/rtf",
    "application/sql",
    "application/toml",
    "application/typescript",
    "application/x-csh",
    "application/x-httpd-php",
    "application/x-javascript",
    "application/x-latex",
    "application/x-ndjson",
    "application/x-perl",
    "application/x-php",
    "application/x-python",
    "application/x-ruby",
    "application/x-sh",
    "application/x-shellscript",
    "application/x-sql",
    "application/x-subrip",
    "application/x-tcl",
    "application/x-tex",
    "application/x-texinfo",
    "application/x-toml",
    "application/x-troff",
    "application/x-typescript",
    "application/x-yaml",
    "application/xml",
    "application/yaml",
];

/// Data, markup, settings, and sources that [`code_type`] leaves to the usual tables: called plain text now and then.
const STRUCTURED_EXTENSIONS: [&str; 40] = [
    "atom", "bib", "cfg", "conf", "css", "csv", "diff", "env", "geojson", "gpx", "graphql", "htm", "html",
    "ics", "ipynb", "js", "json", "json5", "jsonl", "jsx", "kml", "less", "lua", "mjs", "ndjson", "patch",
    "php", "pl", "rs", "scss", "sh", "sql", "svg", "tex", "toml", "tsv", "vcf", "xml", "yaml", "yml",
];

/// How a file of that name and type is merged; None where it is no text. A source is one whatever its type says,
/// which may be what somebody made of its name; and data that is called plain text is still data.
pub fn merge_kind(name: &str, mime_type: Option<&str>) -> Option<MergeKind> {
    if code_type(name).is_some() {
        return Some(MergeKind::Proposal);
    }
    let is_structured = name.rsplit_once('.').is_some_and(|(_, extension)| {
        STRUCTURED_EXTENSIONS.iter().any(|known| known.eq_ignore_ascii_case(extension))
    });
    let essence = mime_type?.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match essence.as_str() {
        "text/plain" if is_structured => Some(MergeKind::Proposal),
        "text/plain" | "text/markdown" => Some(MergeKind::Silent),
        other if other.starts_with("text/") || other.ends_with("+json") || other.ends_with("+xml") => {
            Some(MergeKind::Proposal)
        }
        other if TEXT_APPLICATION_TYPES.contains(&other) => Some(MergeKind::Proposal),
        _ => None,
    }
}

/// A merge, and in how many regions both sides changed the same lines differently. There the text has the
/// server's lines, then the local ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextMerge {
    pub text: String,
    pub overlaps: u32,
}

/// One side's edit: these lines of the base became those of the side.
#[derive(Clone, Debug)]
struct Hunk {
    base: Range<usize>,
    lines: Range<usize>,
    side: Side,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Side {
    Server,
    Local,
}

pub fn merge_text(base: &str, server: &str, local: &str) -> TextMerge {
    if crate::faults::Fault::MergeDropsLocal.is_planted() {
        return TextMerge { text: server.to_owned(), overlaps: 0 };
    }
    let lines = |text| -> Vec<&str> { str::split_inclusive(text, '\n').collect() };
    let (base, server, local) = (lines(base), lines(server), lines(local));
    let mut hunks = hunks(&base, &server, Side::Server);
    hunks.extend(self::hunks(&base, &local, Side::Local));
    // An insertion before a line comes before an edit of that line.
    hunks.sort_by_key(|hunk| (hunk.base.start, hunk.base.end, hunk.side));
    let mut merge = TextMerge { text: String::new(), overlaps: 0 };
    let mut at = 0;
    for (region, group) in regions(hunks) {
        append(&mut merge.text, &base[at..region.start]);
        let theirs = of_side(&group, Side::Server, &region).map(|range| &server[range]);
        let ours = of_side(&group, Side::Local, &region).map(|range| &local[range]);
        append(&mut merge.text, theirs.unwrap_or_default());
        if theirs != ours {
            append(&mut merge.text, ours.unwrap_or_default());
            merge.overlaps += u32::from(theirs.is_some() && ours.is_some());
        }
        at = region.end;
    }
    append(&mut merge.text, &base[at..]);
    merge
}

fn hunks(base: &[&str], lines: &[&str], side: Side) -> Vec<Hunk> {
    let mut hunks: Vec<Hunk> = Vec::new();
    for op in diff::ops(base, lines) {
        if matches!(op, DiffOp::Equal { .. }) {
            continue;
        }
        let (base, lines) = (op.old_range(), op.new_range());
        match hunks.last_mut() {
            Some(last) if last.base.end == base.start && last.lines.end == lines.start => {
                last.base.end = base.end;
                last.lines.end = lines.end;
            }
            _ => hunks.push(Hunk { base, lines, side }),
        }
    }
    hunks
}

/// The hunks in order, those together that overlap, each group with the lines of the base that it spans.
fn regions(hunks: Vec<Hunk>) -> Vec<(Range<usize>, Vec<Hunk>)> {
    let mut regions: Vec<(Range<usize>, Vec<Hunk>)> = Vec::new();
    for hunk in hunks {
        match regions.last_mut() {
            Some((region, group)) if overlap(region, &hunk.base) => {
                region.end = region.end.max(hunk.base.end);
                group.push(hunk);
            }
            _ => regions.push((hunk.base.clone(), vec![hunk])),
        }
    }
    regions
}

fn overlap(a: &Range<usize>, b: &Range<usize>) -> bool {
    let at_one_place = a.is_empty() && b.is_empty() && a.start == b.start;
    at_one_place || (a.start < b.end && b.start < a.end)
}

/// The side's lines for the region of the base; None where it changed nothing there.
fn of_side(group: &[Hunk], side: Side, region: &Range<usize>) -> Option<Range<usize>> {
    let first = group.iter().find(|hunk| hunk.side == side)?;
    let last = group.iter().rfind(|hunk| hunk.side == side)?;
    let start = first.lines.start - (first.base.start - region.start);
    Some(start..last.lines.end + (region.end - last.base.end))
}

/// A last line without its end gets one where another follows.
fn append(text: &mut String, lines: &[&str]) {
    for line in lines {
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        text.push_str(line);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn merged(base: &str, server: &str, local: &str) -> (String, u32) {
        let merge = merge_text(base, server, local);
        (merge.text, merge.overlaps)
    }

    #[test]
    fn edits_of_different_lines_are_both_kept() {
        let rows = [
            ("a\nb\nc\n", "A\nb\nc\n", "a\nb\nC\n", "A\nb\nC\n"),
            // neighbours
            ("a\nb\n", "A\nb\n", "a\nB\n", "A\nB\n"),
            ("a\nb\n", "x\na\nb\n", "A\nb\n", "x\nA\nb\n"),
            ("a\nb\n", "A\nb\n", "a\nx\nb\n", "A\nx\nb\n"),
            ("a\nb\nc\n", "a\nc\n", "a\nb\nC\n", "a\nC\n"),
            // the same edit on both sides
            ("a\nb\nc\n", "X\nb\nc\n", "X\nb\nC\n", "X\nb\nC\n"),
            // a last line that loses its end
            ("a\nb\n", "a\nb", "a\nb\nc\n", "a\nb\nc\n"),
            ("", "a\n", "", "a\n"),
        ];
        for (base, server, local, expected) in rows {
            assert_eq!(merged(base, server, local), (expected.to_owned(), 0), "{base:?}");
        }
    }

    #[test]
    fn edits_of_the_same_lines_overlap() {
        assert_eq!(merged("a\nb\nc\n", "a\nX\nc\n", "a\nY\nc\n"), ("a\nX\nY\nc\n".into(), 1));
        assert_eq!(merged("a\n", "a\nx\n", "a\ny\n"), ("a\nx\ny\n".into(), 1));
        assert_eq!(merged("a\nb\n", "b\n", "A\nb\n").1, 1, "deleted here, edited there");
    }

    #[test]
    fn prose_merges_silently_code_is_proposed_and_pictures_are_neither() {
        let of_type = |mime_type| merge_kind("a", Some(mime_type));
        assert_eq!(of_type("text/plain; charset=utf-8"), Some(MergeKind::Silent));
        assert_eq!(of_type("text/markdown"), Some(MergeKind::Silent));
        for code in ["text/csv", "application/json", "image/svg+xml", "text/x-rust", "application/x-perl"] {
            assert_eq!(of_type(code), Some(MergeKind::Proposal), "{code}");
        }
        assert_eq!(of_type("image/png"), None);
        assert_eq!(of_type("application/octet-stream"), None);
        assert_eq!(merge_kind("a", None), None);
    }

    #[test]
    fn sources_are_proposed_whatever_their_type_is_said_to_be() {
        for (name, mime_type) in [
            ("a.py", "text/plain"),
            ("a.ts", "video/vnd.dlna.mpeg-tts"),
            ("A.JAVA", "application/octet-stream"),
            ("a.json", "text/plain"),
            ("a.YML", "text/plain"),
        ] {
            assert_eq!(merge_kind(name, Some(mime_type)), Some(MergeKind::Proposal), "{name}");
        }
        assert_eq!(merge_kind("a.txt", Some("text/plain")), Some(MergeKind::Silent));
        assert_eq!(merge_kind("a.log", Some("text/plain")), Some(MergeKind::Silent));
        assert_eq!(merge_kind("a.json", Some("image/png")), None, "its name alone makes no text of it");
    }

    fn any_text() -> impl Strategy<Value = String> {
        proptest::collection::vec(0u8..4, 0..12)
            .prop_map(|lines| lines.iter().flat_map(|line| [line.to_string(), "\n".into()]).collect())
    }

    proptest! {
        #[test]
        fn one_side_alone_is_taken_as_it_is(base in any_text(), side in any_text()) {
            prop_assert_eq!(merged(&base, &side, &base), (side.clone(), 0));
            prop_assert_eq!(merged(&base, &base, &side), (side.clone(), 0));
            prop_assert_eq!(merged(&base, &side, &side), (side, 0));
        }

        #[test]
        fn no_added_line_is_lost(base in any_text(), server in any_text(), local in any_text()) {
            let mark = |text: &str, by: &str| text.lines().flat_map(|line| [line, by, "\n"]).collect::<String>();
            // Every line of either side is new: all of them are in the merge.
            let (server, local) = (mark(&server, "s"), mark(&local, "l"));
            let (text, _) = merged(&base, &server, &local);
            for line in server.lines().chain(local.lines()) {
                prop_assert!(text.lines().any(|kept| kept == line));
            }
        }
    }
}

use super::byte_at;

/// A stretch that was looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Match {
    pub start: u32,
    pub end: u32,
}

/// More than these are not counted.
pub const MATCHES_MAX: usize = 10_000;

/// Where `wanted` stands, whatever its case, none overlapping, in order.
pub fn find(text: &str, wanted: &str) -> Vec<Match> {
    if wanted.is_empty() {
        return Vec::new();
    }
    let wanted = wanted.to_lowercase();
    if text.is_ascii() {
        let text = text.to_ascii_lowercase();
        let found = text.match_indices(&wanted).take(MATCHES_MAX);
        return found
            .map(|(start, part)| Match { start: start as u32, end: (start + part.len()) as u32 })
            .collect();
    }
    // A letter may have more or fewer bytes in lower case: each folded byte remembers its letter.
    let mut folded = String::with_capacity(text.len());
    let mut letters: Vec<(usize, u32)> = Vec::new();
    let mut place = 0;
    for c in text.chars() {
        letters.push((folded.len(), place));
        folded.extend(c.to_lowercase());
        place += c.len_utf16() as u32;
    }
    letters.push((folded.len(), place));
    let first_from = |byte: usize| letters[letters.partition_point(|(at, _)| *at < byte)].1;
    let holding = |byte: usize| letters[letters.partition_point(|(at, _)| *at <= byte) - 1].1;
    let found = folded.match_indices(&wanted).take(MATCHES_MAX);
    found.map(|(start, part)| Match { start: holding(start), end: first_from(start + part.len()) }).collect()
}

/// The text with every match replaced.
pub fn replaced(text: &str, matches: &[Match], by: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let (mut byte, mut place) = (0, 0);
    for found in matches {
        let start = byte + byte_at(&text[byte..], found.start - place);
        let end = start + byte_at(&text[start..], found.end - found.start);
        out.push_str(&text[byte..start]);
        out.push_str(by);
        (byte, place) = (end, found.end);
    }
    out.push_str(&text[byte..]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(text: &str, wanted: &str) -> Vec<(u32, u32)> {
        find(text, wanted).into_iter().map(|found| (found.start, found.end)).collect()
    }

    #[test]
    fn case_does_not_matter_and_matches_do_not_overlap() {
        assert_eq!(places("Banana BANANA", "ana"), [(1, 4), (8, 11)]);
        assert_eq!(places("aaaa", "aa"), [(0, 2), (2, 4)]);
        assert_eq!(places("abc", ""), []);
    }

    #[test]
    fn places_are_counted_as_the_browser_does() {
        assert_eq!(places("👋 Größe GRÖSSE größe", "GRÖ"), [(3, 6), (9, 12), (16, 19)]);
        // Two letters in lower case.
        assert_eq!(places("İz İz", "z"), [(1, 2), (4, 5)]);
    }

    #[test]
    fn every_match_is_replaced() {
        let text = "👋 cat, Cat, dog";
        assert_eq!(replaced(text, &find(text, "cat"), "cow"), "👋 cow, cow, dog");
        assert_eq!(replaced(text, &[], "cow"), text);
    }
}

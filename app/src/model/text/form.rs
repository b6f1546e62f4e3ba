use shared::{ChunkHash, ContentHash};

/// The mark that some programs put before the first letter.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// What a file's text has and a field does not show: given back to it when it is stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Form {
    has_mark: bool,
    ends_with_return: bool,
}

impl Form {
    /// The text as a field holds it, and its form.
    pub fn take_off(stored: &str) -> (String, Self) {
        let plain = stored.strip_prefix(BYTE_ORDER_MARK);
        let text = plain.unwrap_or(stored);
        let breaks = text.matches('\n').count();
        let with_return = text.matches("\r\n").count();
        let form = Self { has_mark: plain.is_some(), ends_with_return: with_return * 2 > breaks };
        let shown = if text.contains('\r') {
            text.replace("\r\n", "\n").replace('\r', "\n")
        } else {
            text.to_owned()
        };
        (shown, form)
    }

    /// The bytes to store for a field's text.
    pub fn put_on(self, shown: &str) -> String {
        let mut text = if self.ends_with_return { shown.replace('\n', "\r\n") } else { shown.to_owned() };
        if self.has_mark {
            text.insert(0, BYTE_ORDER_MARK);
        }
        text
    }
}

/// How a text of this size is named everywhere: no cut goes through so few bytes.
pub fn content_hash(stored: &str) -> ContentHash {
    let chunk = (!stored.is_empty()).then(|| ChunkHash::of(stored.as_bytes()));
    ContentHash::of_chunks(chunk.as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_keeps_its_line_ends_and_its_mark() {
        for stored in ["", "a\nb\n", "a\r\nb\r\n", "\u{feff}a\r\nb", "\u{feff}", "one line"] {
            let (shown, form) = Form::take_off(stored);
            assert!(!shown.contains(['\r', BYTE_ORDER_MARK]), "{stored:?}");
            assert_eq!(form.put_on(&shown), stored);
        }
    }

    #[test]
    fn mixed_line_ends_become_those_that_most_lines_have() {
        let (shown, form) = Form::take_off("a\r\nb\r\nc\nd");
        assert_eq!((shown.as_str(), form.put_on(&shown).as_str()), ("a\nb\nc\nd", "a\r\nb\r\nc\r\nd"));
        let (shown, form) = Form::take_off("a\rb\nc");
        assert_eq!(form.put_on(&shown), "a\nb\nc");
    }

    #[test]
    fn a_text_is_named_as_its_one_chunk_names_it() {
        assert_eq!(content_hash(""), ContentHash::of_chunks([]));
        assert_eq!(content_hash("a"), ContentHash::of_chunks([&ChunkHash::of(b"a")]));
    }
}

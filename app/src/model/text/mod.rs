//! Texts as a person edits them. Places in a text are counted as browsers count them, in UTF-16 units.

mod find;
mod form;
mod patch;
mod tab;

pub use find::{MATCHES_MAX, Match, find, replaced};
pub use form::{Form, content_hash};
pub use patch::{Patch, carried, patches};
pub use tab::{Indent, indented};

/// The length of a text in a field.
pub fn length(text: &str) -> u32 {
    if text.is_ascii() { text.len() as u32 } else { text.chars().map(|c| c.len_utf16() as u32).sum() }
}

/// The byte at a place; the end where there are fewer.
pub fn byte_at(text: &str, place: u32) -> usize {
    if text.is_ascii() {
        return (place as usize).min(text.len());
    }
    let mut units = 0;
    for (byte, c) in text.char_indices() {
        if units >= place {
            return byte;
        }
        units += c.len_utf16() as u32;
    }
    text.len()
}

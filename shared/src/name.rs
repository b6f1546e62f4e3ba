//! What a file or folder may be called, and when two names are the same name.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::limits::NAME_BYTES_MAX;
use crate::unicode::{case_folded, nfc};

/// Of a device's name in that of a conflict's copy.
const DEVICE_BYTES_MAX: usize = 120;

/// A valid name, kept as it was given.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ItemName(String);

/// Why a text is no name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidName {
    #[error("a name cannot be empty")]
    Empty,
    #[error("a name has at most {NAME_BYTES_MAX} bytes")]
    TooLong,
    #[error("a name cannot contain \"/\" or control characters")]
    ForbiddenCharacter,
    #[error("a name cannot be \".\" or \"..\"")]
    Reserved,
}

/// The form under which siblings are compared: NFC, full case folding, NFC again (folding can undo the
/// composition). Ordered as bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FoldedName(String);

impl FoldedName {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl ItemName {
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        if text.is_empty() {
            Err(InvalidName::Empty)
        } else if nfc(text).len() > NAME_BYTES_MAX {
            Err(InvalidName::TooLong)
        } else if text == "." || text == ".." {
            Err(InvalidName::Reserved)
        } else if text.chars().any(|c| c == '/' || c.is_control()) {
            Err(InvalidName::ForbiddenCharacter)
        } else {
            Ok(Self(text.to_owned()))
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn folded(&self) -> FoldedName {
        if crate::faults::Fault::CaseMakesANameFree.is_planted() {
            return FoldedName(self.0.clone());
        }
        if self.0.is_ascii() {
            return FoldedName(self.0.to_ascii_lowercase());
        }
        FoldedName(nfc(&case_folded(&nfc(&self.0))))
    }

    /// The name without its extension, and the extension with its dot (`("photo", ".jpg")`). A leading
    /// dot begins no extension.
    pub fn stem_and_extension(&self) -> (&str, &str) {
        match self.0.rfind('.') {
            Some(dot) if dot > 0 && dot + 1 < self.0.len() => self.0.split_at(dot),
            _ => (&self.0, ""),
        }
    }

    /// `name (n).ext`: what the `n`-th of several equal names becomes. Shortened to the limit.
    #[must_use]
    pub fn numbered(&self, n: u32) -> Self {
        self.with_suffix(&format!(" ({n})"))
    }

    /// `name (conflict, DEVICE, DATE).ext`: the local side of a conflict beside the other.
    #[must_use]
    pub fn conflict_copy(&self, device: &str, date: &str) -> Self {
        let device: String = device.chars().filter(|c| *c != '/' && !c.is_control()).take(40).collect();
        let device = nfc(device.trim());
        self.with_suffix(&format!(" (conflict, {}, {date})", shorten(&device, DEVICE_BYTES_MAX)))
    }

    /// Puts `suffix` between stem and extension, shortening the stem at a character boundary, and the
    /// extension only where it alone is too long.
    fn with_suffix(&self, suffix: &str) -> Self {
        let (stem, extension) = self.stem_and_extension();
        let room = NAME_BYTES_MAX.saturating_sub(suffix.len());
        // Some characters are longer in NFC than as they were given.
        let extension = nfc(extension);
        let extension = if extension.len() < room { &*extension } else { "" };
        let stem = shorten(&nfc(stem), room - extension.len()).to_owned();
        Self(format!("{stem}{suffix}{extension}"))
    }
}

fn shorten(text: &str, bytes_max: usize) -> &str {
    if text.len() <= bytes_max {
        return text;
    }
    let mut end = bytes_max;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].trim_end()
}

impl fmt::Display for ItemName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for ItemName {
    type Error = InvalidName;

    fn try_from(text: String) -> Result<Self, InvalidName> {
        Self::parse(&text)
    }
}

impl From<ItemName> for String {
    fn from(name: ItemName) -> Self {
        name.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> ItemName {
        ItemName::parse(text).unwrap()
    }

    #[test]
    fn refuses_what_the_contract_refuses() {
        assert_eq!(ItemName::parse(""), Err(InvalidName::Empty));
        assert_eq!(ItemName::parse(".."), Err(InvalidName::Reserved));
        assert_eq!(ItemName::parse("a/b"), Err(InvalidName::ForbiddenCharacter));
        assert_eq!(ItemName::parse("a\0b"), Err(InvalidName::ForbiddenCharacter));
        assert_eq!(ItemName::parse("a\u{85}b"), Err(InvalidName::ForbiddenCharacter));
        assert_eq!(ItemName::parse(&"é".repeat(128)), Err(InvalidName::TooLong));
        assert!(ItemName::parse(&"x".repeat(255)).is_ok());
    }

    #[test]
    fn the_limit_counts_the_composed_form() {
        let decomposed = "e\u{301}".repeat(127);
        assert_eq!(name(&decomposed).as_str(), decomposed);
    }

    #[test]
    fn twins_by_case_and_by_composition_are_equal() {
        assert_eq!(name("Straße").folded(), name("STRASSE").folded());
        assert_eq!(name("é").folded(), name("E\u{301}").folded());
        assert_ne!(name("a").folded(), name("b").folded());
    }

    #[test]
    fn generated_names_keep_the_extension_and_the_limit() {
        assert_eq!(name("photo.jpg").numbered(2).as_str(), "photo (2).jpg");
        assert_eq!(name(".bashrc").numbered(2).as_str(), ".bashrc (2)");
        let long = name(&format!("{}.jpg", "é".repeat(125))).numbered(10);
        assert!(long.as_str().len() <= NAME_BYTES_MAX && long.as_str().ends_with(" (10).jpg"));
        // In NFC this letter is twice as long.
        let letters = "\u{958}".repeat(42);
        for grown in [format!("a.{letters}"), format!("{letters}.a"), format!("a.{}", &letters[..120])] {
            for generated in [name(&grown).numbered(2), name(&grown).conflict_copy(&letters, "2026-01-02")] {
                assert_eq!(ItemName::parse(generated.as_str()), Ok(generated.clone()));
                assert!(generated.as_str().len() <= NAME_BYTES_MAX, "{generated}");
            }
        }
        let copy = name("a.txt").conflict_copy("Ann's Mac/Book", "2026-01-02");
        assert_eq!(copy.as_str(), "a (conflict, Ann's MacBook, 2026-01-02).txt");
    }
}

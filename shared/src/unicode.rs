//! The forms of a text that Unicode defines, for names that are compared.
//!
//! Normalisation needs large tables. Every browser has them, so there it is asked instead of bringing them along.
//! Unicode promises that what is assigned never normalises differently, so the two ends can only differ in
//! characters that are newer than a browser; the server's answer counts.

pub use tables::{nfc, unaccented};

#[cfg(not(target_arch = "wasm32"))]
mod tables {
    use unicode_normalization::char::is_combining_mark;
    use unicode_normalization::{UnicodeNormalization as _, is_nfc};

    pub fn nfc(text: &str) -> String {
        if is_nfc(text) { text.to_owned() } else { text.nfc().collect() }
    }

    /// Decomposed, without the marks.
    pub fn unaccented(text: &str) -> String {
        text.nfd().filter(|c| !is_combining_mark(*c)).collect()
    }
}

#[cfg(target_arch = "wasm32")]
mod tables {
    use js_sys::{JsString, RegExp};

    thread_local! {
        static MARKS: RegExp = RegExp::new(r"\p{M}", "gu");
    }

    pub fn nfc(text: &str) -> String {
        if text.is_ascii() { text.to_owned() } else { JsString::from(text).normalize("NFC").into() }
    }

    /// Decomposed, without the marks.
    pub fn unaccented(text: &str) -> String {
        let apart = JsString::from(text).normalize("NFD");
        MARKS.with(|marks| apart.replace_by_pattern(marks, "")).into()
    }
}

/// Full case folding, locale aside: what `CaseFolding.txt` lists as C and F.
pub fn case_folded(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            // The capital of a letter that has none folds as the letter does.
            'ẞ' => folded.push_str("ss"),
            // Dotless, and equal to nothing but itself; and Cherokee, which folds to its capitals.
            'ı' | 'Ꭰ'..='Ᏽ' => folded.push(c),
            '\u{13f8}'..='\u{13fd}' | '\u{ab70}'..='\u{abbf}' => folded.extend(c.to_uppercase()),
            _ => folded.extend(c.to_uppercase().flat_map(char::to_lowercase)),
        }
    }
    folded
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Came with Unicode 17, which the crate below does not know yet.
    fn is_newer(c: char) -> bool {
        matches!(c, '\u{a7ce}' | '\u{a7d2}' | '\u{a7d4}' | '\u{16ea0}'..='\u{16eb8}')
    }

    #[test]
    fn folding_is_unicode_s_own_for_every_character() {
        for c in ('\0'..=char::MAX).filter(|c| !is_newer(*c)) {
            let text = c.to_string();
            assert_eq!(case_folded(&text), caseless::default_case_fold_str(&text), "{:x}", u32::from(c));
        }
    }

    #[test]
    fn marks_go_and_letters_stay() {
        assert_eq!(unaccented("Ǻngström ﬁ 한"), "Angstrom ﬁ 한".replace('한', "\u{1112}\u{1161}\u{11ab}"));
    }
}

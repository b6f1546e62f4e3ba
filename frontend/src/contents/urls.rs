//! Addresses of contents within the page: a few at a time, because each holds on to its bytes.

use std::collections::VecDeque;

use shared::ContentHash;
use web_sys::{Blob, Url};

/// Addresses alive at a time; what a screen shows is far less.
const URLS_MAX: usize = 512;

/// The oldest first.
#[derive(Default)]
pub struct Urls(VecDeque<(String, String)>);

impl Urls {
    /// The address of a content, made now if there is none.
    pub fn of(&mut self, key: String, bytes: &Blob) -> Option<String> {
        if let Some((_, url)) = self.0.iter().find(|(of, _)| *of == key) {
            return Some(url.clone());
        }
        if self.0.len() == URLS_MAX
            && let Some((_, oldest)) = self.0.pop_front()
        {
            revoke(&oldest);
        }
        let url = Url::create_object_url_with_blob(bytes).ok()?;
        self.0.push_back((key, url.clone()));
        Some(url)
    }

    pub fn forget(&mut self, hashes: &[ContentHash]) {
        let gone: Vec<String> = hashes.iter().map(ToString::to_string).collect();
        self.0.retain(|(key, url)| {
            let stays = !gone.contains(key);
            if !stays {
                revoke(url);
            }
            stays
        });
    }
}

fn revoke(url: &str) {
    let revoked = Url::revoke_object_url(url);
    debug_assert!(revoked.is_ok(), "an address that is no more is revoked already");
}

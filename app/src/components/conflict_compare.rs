use std::sync::Arc;

use leptos::prelude::*;
use leptos::task::spawn_local;
use shared::rules::merge_kind;
use shared::sync::{ConflictInfo, Proposal};
use wasm_bindgen_futures::JsFuture;
use web_sys::Blob;

use super::conflict_modal::kind_of;
use super::image_compare::ImageCompare;
use super::text_compare::TextCompare;
use crate::model::FileType;
use crate::model::conflict::Side;
use crate::model::text_diff::TextDiff;
use crate::ports::CallError;
use crate::ui::Ui;
use crate::words;

/// Texts longer than this are not compared on the screen, in bytes.
const TEXT_BYTES_MAX: u64 = 512 * 1024;
/// Pictures larger than this are not fetched unasked, in bytes.
const PICTURE_BYTES_MAX: u64 = 32 * 1000 * 1000;

/// How the two contents can be put beside each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Text,
    Pictures,
    TooLong,
    None,
}

impl Comparison {
    fn of(ui: Ui, conflict: &ConflictInfo) -> Self {
        let size = |side: Side| side.of(conflict).map_or(0, |side| side.size);
        let largest = size(Side::Local).max(size(Side::Server));
        let mime = ui.item_now(conflict.file_id).and_then(|item| item.item.mime_type.clone());
        let is_merged_as_text = merge_kind(&conflict.file_name, mime.as_deref()).is_some();
        match kind_of(ui, conflict) {
            FileType::Image if largest <= PICTURE_BYTES_MAX => Self::Pictures,
            kind if kind.is_text() || is_merged_as_text => {
                if largest <= TEXT_BYTES_MAX {
                    Self::Text
                } else {
                    Self::TooLong
                }
            }
            _ => Self::None,
        }
    }
}

/// What is known of both contents.
#[derive(Clone)]
enum Contents {
    Coming,
    Texts(Arc<TextDiff>),
    Pictures([String; 2]),
    NotHere,
    Refused(String),
}

/// The two contents side by side, as far as that can be.
#[component]
pub fn Compare(ui: Ui, conflict: Arc<ConflictInfo>, sides: [Side; 2], titles: [String; 2]) -> impl IntoView {
    let comparison = Comparison::of(ui, &conflict);
    let note = |text: &'static str| view! { <p class="conflict-note quiet">{text}</p> }.into_any();
    match comparison {
        Comparison::None => return note(words::CANT_COMPARE),
        Comparison::TooLong => return note(words::TOO_LONG_TO_COMPARE),
        Comparison::Text | Comparison::Pictures => {}
    }
    let contents = RwSignal::new(Contents::Coming);
    let is_online = Memo::new(move |_| ui.cloud().summary().with(|summary| summary.online));
    Effect::new(move || {
        // Tried again when the server is back.
        is_online.get();
        if matches!(contents.get_untracked(), Contents::Texts(_) | Contents::Pictures(_)) {
            return;
        }
        let asked = sides.map(|side| ui.cloud().conflict_content(conflict.id, side));
        spawn_local(async move {
            let [left, right] = asked;
            let fetched = match (left.await, right.await) {
                (Ok(left), Ok(right)) => compared(comparison, &left, &right).await,
                (Err(CallError::Refused(problem)), _) | (_, Err(CallError::Refused(problem))) => {
                    Contents::Refused(problem.detail)
                }
                _ => Contents::NotHere,
            };
            contents.try_set(fetched);
        });
    });
    on_cleanup(move || {
        if let Some(Contents::Pictures(addresses)) = contents.try_get_untracked() {
            for address in addresses {
                web_sys::Url::revoke_object_url(&address).ok();
            }
        }
    });
    view! {
        <div class="conflict-difference">
            {move || match contents.get() {
                Contents::Coming => {
                    view! { <p class="conflict-note quiet" role="status">{words::LOADING}</p> }.into_any()
                }
                Contents::Texts(diff) => view! { <TextCompare diff=diff titles=titles.clone() /> }.into_any(),
                Contents::Pictures(addresses) => {
                    view! { <ImageCompare addresses=addresses titles=titles.clone() /> }.into_any()
                }
                Contents::NotHere => {
                    view! { <p class="conflict-note" role="status">{words::NOT_ON_THIS_DEVICE}</p> }.into_any()
                }
                Contents::Refused(reason) => view! { <p class="conflict-note">{reason}</p> }.into_any(),
            }}
        </div>
    }
    .into_any()
}

async fn compared(comparison: Comparison, left: &Blob, right: &Blob) -> Contents {
    if comparison == Comparison::Pictures {
        let address = |blob| web_sys::Url::create_object_url_with_blob(blob);
        return match (address(left), address(right)) {
            (Ok(left), Ok(right)) => Contents::Pictures([left, right]),
            _ => Contents::NotHere,
        };
    }
    let text = async |blob: &Blob| JsFuture::from(blob.text()).await.ok().and_then(|text| text.as_string());
    match (text(left).await, text(right).await) {
        (Some(left), Some(right)) => Contents::Texts(Arc::new(TextDiff::between(&left, &right))),
        _ => Contents::NotHere,
    }
}

/// What the merge would make of both, for those who want to look before they take it.
#[component]
pub fn MergedText(proposal: Proposal) -> impl IntoView {
    let Proposal { text, overlaps } = proposal;
    view! {
        <details class="conflict-merge">
            <summary>{words::MERGED_TEXT}<span class="quiet">{words::overlaps(overlaps)}</span></summary>
            <pre tabindex="0" aria-label=words::MERGED_TEXT><code>{text}</code></pre>
        </details>
    }
}

//! A photo without a preview, and the wish to have it looked at again.

#![allow(
    clippy::large_types_passed_by_value,
    reason = "a viewer is handles of what lives elsewhere, given to a view once"
)]

use std::rc::Rc;

use leptos::prelude::*;
use leptos::task::spawn_local;
use shared::photo::{Photo, PhotoStatus};

use super::Viewing;
use crate::ports::CallError;
use crate::words;

/// Why there is no preview.
pub fn failure(photo: &Photo) -> Option<String> {
    photo.info.failure.clone().filter(|_| photo.info.status == PhotoStatus::Failed)
}

/// How far a second look at a photo is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecondLook {
    UnderWay,
    /// And what there is to say of it.
    Ended(String),
}

impl SecondLook {
    /// None where the photo speaks for itself.
    fn after(answer: &Result<Rc<Photo>, CallError>) -> Option<Self> {
        let said = match answer {
            Ok(photo) => match photo.info.status {
                PhotoStatus::Ready => return None,
                PhotoStatus::Processing => words::STILL_LOOKING.to_owned(),
                PhotoStatus::Failed => words::STILL_NO_PREVIEW.to_owned(),
            },
            Err(CallError::Unreachable) => words::LOOK_AGAIN_AWAY.to_owned(),
            Err(CallError::Refused(problem)) => problem.detail.clone(),
        };
        Some(Self::Ended(said))
    }
}

/// Asks for it, and tells how it went.
#[component]
pub fn LookAgain(viewing: Viewing) -> impl IntoView {
    let look = Memo::new(move |_| {
        let id = viewing.photo.with(|photo| photo.as_ref().map(|photo| photo.id));
        viewing
            .second_look
            .with(|looked| looked.as_ref().filter(|(of, _)| Some(*of) == id).map(|(_, look)| look.clone()))
    });
    let is_under_way = move || look.with(|look| *look == Some(SecondLook::UnderWay));
    let said = move || match look.get() {
        None => String::new(),
        Some(SecondLook::UnderWay) => words::LOOKING_AGAIN.to_owned(),
        Some(SecondLook::Ended(said)) => said,
    };
    view! {
        <div class="look-again">
            <p role="status">{said}</p>
            <button
                class="button"
                type="button"
                aria-disabled=move || is_under_way().then_some("true")
                on:click=move |_| viewing.look_again()
            >
                {words::TRY_AGAIN}
            </button>
        </div>
    }
    .into_any()
}

impl Viewing {
    fn look_again(self) {
        let Some(id) = self.photo.with_untracked(|photo| photo.as_ref().map(|photo| photo.id)) else {
            return;
        };
        let under_way = Some((id, SecondLook::UnderWay));
        if self.second_look.get_untracked() == under_way {
            return;
        }
        self.second_look.set(under_way);
        let asked = self.gallery.ui.cloud().look_again(id);
        spawn_local(async move {
            let answer = asked.await;
            self.second_look.try_update(|looked| {
                if looked.as_ref().is_some_and(|(of, _)| *of == id) {
                    *looked = SecondLook::after(&answer).map(|look| (id, look));
                }
            });
            if let Ok(photo) = answer
                && photo.info.status == PhotoStatus::Ready
                && self.photo.try_with_untracked(|shown| shown.as_ref().map(|shown| shown.id))
                    == Some(Some(id))
            {
                self.photo.set(Some(photo));
                self.take_focus();
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use shared::photo::{Derivatives, PhotoInfo};
    use shared::{ItemId, Timestamp};
    use uuid::Uuid;

    use super::*;

    fn looked(status: PhotoStatus) -> Rc<Photo> {
        let info = PhotoInfo {
            status,
            failure: (status == PhotoStatus::Failed).then(|| "the picture is damaged".to_owned()),
            ..PhotoInfo::unknown(Timestamp::from_millis(0))
        };
        let id = ItemId(Uuid::from_u128(1));
        Rc::new(Photo {
            id,
            file_id: id,
            file_name: "1.jpg".to_owned(),
            mime_type: "image/jpeg".to_owned(),
            size: 1,
            info,
            derivatives: Derivatives::default(),
        })
    }

    #[test]
    fn a_second_look_says_how_it_went_unless_there_is_a_preview() {
        let ended = |said: &str| Some(SecondLook::Ended(said.to_owned()));
        assert_eq!(SecondLook::after(&Ok(looked(PhotoStatus::Ready))), None);
        assert_eq!(SecondLook::after(&Ok(looked(PhotoStatus::Failed))), ended(words::STILL_NO_PREVIEW));
        assert_eq!(SecondLook::after(&Ok(looked(PhotoStatus::Processing))), ended(words::STILL_LOOKING));
        assert_eq!(SecondLook::after(&Err(CallError::Unreachable)), ended(words::LOOK_AGAIN_AWAY));
    }

    #[test]
    fn only_what_failed_has_a_reason() {
        assert_eq!(failure(&looked(PhotoStatus::Failed)).as_deref(), Some("the picture is damaged"));
        assert_eq!(failure(&looked(PhotoStatus::Ready)), None);
    }
}

use std::rc::Rc;

use shared::ItemId;
use shared::photo::{Photo, PhotoStatus};

use crate::api::{self, Answer};
use crate::browser;

/// Between two looks at how far the server is, in milliseconds, and how many there are at most.
const PACE_MS: u64 = 1_000;
const LOOKS_MAX: usize = 30;

/// Has the server look at a photo again, and waits until it did.
pub async fn look_again(id: ItemId) -> Answer<Rc<Photo>> {
    let mut photo = api::retry_photo(id).await?;
    for _ in 0..LOOKS_MAX {
        if photo.info.status != PhotoStatus::Processing {
            break;
        }
        browser::sleep(PACE_MS).await;
        photo = api::photo(id).await?;
    }
    Ok(Rc::new(photo))
}

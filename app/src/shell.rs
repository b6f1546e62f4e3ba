use leptos::prelude::*;

use crate::model::{Entries, Sort};
use crate::ports::{Account, use_cloud};
use crate::words;

/// The signed-in area.
#[component]
pub fn App() -> impl IntoView {
    let cloud = StoredValue::new_local(use_cloud());
    let rows = move || {
        cloud.with_value(|cloud| {
            cloud.revision().track();
            match cloud.account().get() {
                Account::SignedIn(signed_in) => {
                    let entries = Entries::sorted(cloud.children(signed_in.root_id), Sort::default());
                    entries
                        .items()
                        .iter()
                        .map(|item| view! { <li>{item.item.name.clone()}</li> })
                        .collect_view()
                }
                Account::Loading | Account::SignedOut => Vec::new(),
            }
        })
    };
    view! { <main><h1>{words::FILES}</h1><ul>{rows}</ul></main> }
}

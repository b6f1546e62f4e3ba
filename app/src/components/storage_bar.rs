use leptos::prelude::*;

use crate::hooks::intl;
use crate::ports::{Account, use_cloud};
use crate::words;

/// From this share on the bar warns.
const NEARLY_FULL: f64 = 0.9;

/// How much of the quota is used.
#[component]
pub fn StorageBar() -> impl IntoView {
    let account = use_cloud().account();
    let figures = Memo::new(move |_| {
        account.with(|account| match account {
            Account::SignedIn(it) => (it.user.used_bytes, it.user.quota_bytes),
            Account::Loading | Account::SignedOut | Account::Failed(_) => (0, 0),
        })
    });
    let share = move || {
        let (used, quota) = figures.get();
        if quota == 0 { 0.0 } else { (used as f64 / quota as f64).min(1.0) }
    };
    let text = move || {
        let (used, quota) = figures.get();
        words::storage_used(&intl::size(used), &intl::size(quota))
    };
    view! {
        <div class="storage" class:nearly-full=move || { share() >= NEARLY_FULL }>
            <div
                class="bar"
                role="meter"
                aria-label=words::STORAGE
                aria-valuemin="0"
                aria-valuemax="100"
                aria-valuenow=move || (share() * 100.0).round().to_string()
                aria-valuetext=text
            >
                <div class="bar-fill" style:width=move || format!("{:.2}%", share() * 100.0) />
            </div>
            <p class="quiet">{text}</p>
        </div>
    }
}

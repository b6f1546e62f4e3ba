use std::time::Duration;

use leptos::prelude::*;
use shared::Timestamp;

/// How often relative dates are written anew.
const TICK: Duration = Duration::from_secs(30);

/// The present, told twice a minute: what "3 minutes ago" is measured from.
#[derive(Clone, Copy)]
pub struct Clock(RwSignal<Timestamp>);

pub fn provide_clock() {
    let clock = Clock(RwSignal::new(now()));
    if let Ok(ticking) = set_interval_with_handle(move || clock.0.set(now()), TICK) {
        on_cleanup(move || ticking.clear());
    }
    provide_context(clock);
}

pub fn use_now() -> Signal<Timestamp> {
    expect_context::<Clock>().0.into()
}

/// The browser's time.
pub fn now() -> Timestamp {
    Timestamp::from_millis(js_sys::Date::now() as i64)
}

//! Sizes, dates and numbers, as the person's own locale writes them.

use std::cell::OnceCell;

use js_sys::{Array, Function, Object, Reflect};
use shared::Timestamp;
use shared::photo::WallTime;
use wasm_bindgen::{JsCast, JsValue};

thread_local! {
    static EXACT: Function = date_format(&[("dateStyle", "full"), ("timeStyle", "short")]);
    static DAY_AND_TIME: Function = date_format(&[("dateStyle", "medium"), ("timeStyle", "short")]);
    static DAY_OF_YEAR: Function = date_format(&[("month", "short"), ("day", "numeric")]);
    static DAY: Function = date_format(&[("year", "numeric"), ("month", "short"), ("day", "numeric")]);
    static WALL_DAY: Function = wall_format(&[
        ("weekday", "short"), ("year", "numeric"), ("month", "long"), ("day", "numeric"),
    ]);
    static WALL_MONTH: Function = wall_format(&[("year", "numeric"), ("month", "long")]);
    static WALL_YEAR: Function = wall_format(&[("year", "numeric")]);
    static WALL_DAY_AND_TIME: Function = wall_format(&[("dateStyle", "medium"), ("timeStyle", "short")]);
    static WALL_EXACT: Function = wall_format(&[("dateStyle", "full"), ("timeStyle", "short")]);
    static WHOLE: Function = number_format(&[]);
    static PERCENT: Function = number_format(&[("style", "percent")]);
    static RELATIVE: JsValue = construct("RelativeTimeFormat", &[("numeric", "auto")]);
    static BYTES: [OnceCell<Function>; 5] = const { [const { OnceCell::new() }; 5] };
}

/// Makes the browser load what it needs for numbers and dates, which takes it a while the first time.
pub fn prepare() {
    WHOLE.with(|_| ());
    DAY_AND_TIME.with(|_| ());
}

fn byte_format(unit: &str) -> Function {
    number_format(&[
        ("style", "unit"),
        ("unit", unit),
        ("unitDisplay", if unit == "byte" { "long" } else { "short" }),
        ("maximumFractionDigits", "1"),
    ])
}

fn construct(class: &str, options: &[(&str, &str)]) -> JsValue {
    let bag = Object::new();
    for (name, value) in options {
        let value = value.parse::<f64>().map_or_else(|_| JsValue::from_str(value), JsValue::from_f64);
        Reflect::set(&bag, &JsValue::from_str(name), &value).ok();
    }
    let intl = Reflect::get(&js_sys::global(), &JsValue::from_str("Intl")).unwrap_or_default();
    Reflect::get(&intl, &JsValue::from_str(class))
        .and_then(JsCast::dyn_into::<Function>)
        .and_then(|class| Reflect::construct(&class, &Array::of2(&JsValue::UNDEFINED, &bag)))
        .unwrap_or_default()
}

/// The `format` getter of an `Intl` object is a function bound to it.
fn bound_format(object: &JsValue) -> Function {
    Reflect::get(object, &JsValue::from_str("format"))
        .and_then(JsCast::dyn_into)
        .unwrap_or_else(|_| Function::new_no_args("return ''"))
}

fn date_format(options: &[(&str, &str)]) -> Function {
    bound_format(&construct("DateTimeFormat", options))
}

/// Of what a wall said: it is in no zone.
fn wall_format(options: &[(&str, &str)]) -> Function {
    let mut options = options.to_vec();
    options.push(("timeZone", "UTC"));
    date_format(&options)
}

fn number_format(options: &[(&str, &str)]) -> Function {
    bound_format(&construct("NumberFormat", options))
}

fn formatted(format: &Function, value: f64) -> String {
    format
        .call1(&JsValue::UNDEFINED, &JsValue::from_f64(value))
        .ok()
        .and_then(|text| text.as_string())
        .unwrap_or_default()
}

fn with_date(format: &'static std::thread::LocalKey<Function>, at: Timestamp) -> String {
    format.with(|format| formatted(format, at.as_millis() as f64))
}

/// "Sunday, 22 November 2026 at 17:20".
pub fn exact_date(at: Timestamp) -> String {
    with_date(&EXACT, at)
}

/// "22 Nov 2026, 17:20".
pub fn day_and_time(at: Timestamp) -> String {
    with_date(&DAY_AND_TIME, at)
}

fn with_wall_time(format: &'static std::thread::LocalKey<Function>, at: WallTime) -> String {
    format.with(|format| formatted(format, at.as_millis() as f64))
}

/// "Sunday, 22 November 2026".
pub fn wall_day(at: WallTime) -> String {
    with_wall_time(&WALL_DAY, at)
}

/// "November 2026".
pub fn wall_month(at: WallTime) -> String {
    with_wall_time(&WALL_MONTH, at)
}

pub fn wall_year(at: WallTime) -> String {
    with_wall_time(&WALL_YEAR, at)
}

/// "22 Nov 2026, 17:20", wherever that was.
pub fn wall_day_and_time(at: WallTime) -> String {
    with_wall_time(&WALL_DAY_AND_TIME, at)
}

/// "Sunday, 22 November 2026 at 17:20", wherever that was.
pub fn wall_exact(at: WallTime) -> String {
    with_wall_time(&WALL_EXACT, at)
}

pub fn whole(number: u64) -> String {
    WHOLE.with(|format| formatted(format, number as f64))
}

/// `share` from 0 to 1.
pub fn percent(share: f64) -> String {
    PERCENT.with(|format| formatted(format, share.clamp(0.0, 1.0)))
}

/// "1.2 MB": decimal units, as storage is sold and other clouds count.
pub fn size(bytes: u64) -> String {
    const STEP: f64 = 1000.0;
    const UNITS: [&str; 5] = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= STEP - 0.5 && unit < 4 {
        value /= STEP;
        unit += 1;
    }
    if value >= 100.0 {
        value = value.round();
    }
    BYTES.with(|formats| formatted(formats[unit].get_or_init(|| byte_format(UNITS[unit])), value))
}

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

/// "3 minutes ago", "yesterday", then the date.
pub fn relative_date(at: Timestamp, now: Timestamp) -> String {
    let age = now.as_millis() - at.as_millis();
    match age {
        age if age.abs() < MINUTE_MS => crate::words::JUST_NOW.to_owned(),
        MINUTE_MS..HOUR_MS => relative(-(age / MINUTE_MS), "minute"),
        HOUR_MS..DAY_MS => relative(-(age / HOUR_MS), "hour"),
        _ if (DAY_MS..7 * DAY_MS).contains(&age) => relative(-(age / DAY_MS), "day"),
        _ if same_year(at, now) => with_date(&DAY_OF_YEAR, at),
        _ => with_date(&DAY, at),
    }
}

/// "in 20 seconds", for what is tried again.
pub fn time_until(at: Timestamp, now: Timestamp) -> String {
    let seconds = (at.as_millis() - now.as_millis()).max(0) / 1000;
    if seconds < 90 { relative(seconds, "second") } else { relative(seconds / 60, "minute") }
}

fn relative(value: i64, unit: &str) -> String {
    RELATIVE.with(|format| {
        Reflect::get(format, &JsValue::from_str("format"))
            .and_then(JsCast::dyn_into::<Function>)
            .and_then(|call| call.call2(format, &JsValue::from_f64(value as f64), &JsValue::from_str(unit)))
            .ok()
            .and_then(|text| text.as_string())
            .unwrap_or_default()
    })
}

fn same_year(a: Timestamp, b: Timestamp) -> bool {
    let year = |at: Timestamp| js_sys::Date::new(&JsValue::from_f64(at.as_millis() as f64)).get_full_year();
    year(a) == year(b)
}

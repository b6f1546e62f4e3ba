use leptos::prelude::*;

/// One of a few, as a row of radio buttons.
#[component]
pub fn Choice<T, S>(
    label: &'static str,
    options: Vec<(T, S)>,
    chosen: Signal<T>,
    on_choose: impl Fn(T) + Copy + 'static,
) -> impl IntoView
where
    T: Copy + PartialEq + Send + Sync + 'static,
    S: Into<String>,
{
    let options = options
        .into_iter()
        .map(|(value, text)| {
            view! {
                <label class="choice">
                    <input
                        type="radio"
                        name=label
                        prop:checked=move || chosen.get() == value
                        on:change=move |_| on_choose(value)
                    />
                    <span>{text.into()}</span>
                </label>
            }
        })
        .collect_view();
    view! {
        <fieldset class="choices">
            <legend>{label}</legend>
            <div class="choice-row">{options}</div>
        </fieldset>
    }
}

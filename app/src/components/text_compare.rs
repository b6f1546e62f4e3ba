use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use leptos::prelude::*;

use crate::model::text_diff::{Line, Pair, Stretch, TextDiff};
use crate::words;

/// Rows that are made at once, folded ones apart: a browser lays out no more without a pause.
const ROWS_MAX: usize = 2_000;

/// Two texts side by side; below each other on a phone. Equal stretches are folded until asked for.
#[component]
pub fn TextCompare(diff: Arc<TextDiff>, titles: [String; 2]) -> impl IntoView {
    let [left, right] = titles;
    let unfolded = RwSignal::new(BTreeSet::<usize>::new());
    let note = if diff.differences == 0 {
        words::ONLY_INVISIBLE.to_owned()
    } else {
        words::differences(diff.differences)
    };
    let rows = {
        let diff = diff.clone();
        move || {
            let mut left_over = ROWS_MAX;
            let mut rows = Vec::new();
            for (place, stretch) in diff.stretches.iter().enumerate() {
                let range = match stretch {
                    Stretch::Folded(range) if !unfolded.with(|it| it.contains(&place)) => {
                        rows.push(fold(range.len(), move || {
                            unfolded.update(|it| {
                                it.insert(place);
                            });
                        }));
                        continue;
                    }
                    Stretch::Folded(range) | Stretch::Shown(range) => range,
                };
                rows.extend(shown(&diff, range, &mut left_over));
                if left_over == 0 {
                    rows.push(
                        view! { <tr class="diff-end"><td colspan="4">{words::DIFFERENCES_END}</td></tr> }
                            .into_any(),
                    );
                    break;
                }
            }
            rows
        }
    };
    view! {
        <h3 class="diff-title">{words::THE_DIFFERENCE}<span class="quiet">{note}</span></h3>
        <table class="diff">
            <thead>
                <tr>
                    <th class="diff-side" scope="colgroup" colspan="2">{left}</th>
                    <th class="diff-side" scope="colgroup" colspan="2">{right}</th>
                </tr>
            </thead>
            <tbody>{rows}</tbody>
        </table>
    }
    .into_any()
}

fn shown(diff: &TextDiff, range: &Range<usize>, left_over: &mut usize) -> Vec<AnyView> {
    let count = range.len().min(*left_over);
    *left_over -= count;
    diff.pairs[range.start..range.start + count].iter().map(row).collect()
}

fn row(pair: &Pair) -> AnyView {
    match pair {
        Pair::Same { left, right, text } => view! {
            <tr class="diff-same">
                <td class="diff-number">{*left}</td>
                <td class="diff-text">{text.clone()}</td>
                <td class="diff-number">{*right}</td>
                <td class="diff-text">{text.clone()}</td>
            </tr>
        }
        .into_any(),
        Pair::Differs { left, right } => view! {
            <tr class="diff-differs">
                {cells(left.as_ref(), "diff-left")}
                {cells(right.as_ref(), "diff-right")}
            </tr>
        }
        .into_any(),
    }
}

fn cells(line: Option<&Line>, side: &'static str) -> AnyView {
    let Some(line) = line else {
        return view! { <td class="diff-number diff-none"></td><td class="diff-text diff-none"></td> }
            .into_any();
    };
    let parts = line.parts.iter().map(|part| {
        let text = part.text.clone();
        if part.differs { view! { <mark>{text}</mark> }.into_any() } else { text.into_any() }
    });
    view! {
        <td class=format!("diff-number {side}")>{line.number}</td>
        <td class=format!("diff-text {side}")>{parts.collect_view()}</td>
    }
    .into_any()
}

fn fold(count: usize, unfold: impl Fn() + 'static) -> AnyView {
    view! {
        <tr class="diff-fold">
            <td colspan="4">
                <button type="button" on:click=move |_| unfold()>{words::show_equal_lines(count)}</button>
            </td>
        </tr>
    }
    .into_any()
}

//! The list of items, as rows or as tiles. Only what is near the eye is in the document: 50,000 entries cost
//! what fifty do.

mod keys;
mod pointer;
mod row;
mod tile;

use std::collections::HashMap;

use leptos::html::Div;
use leptos::prelude::*;
use shared::{ItemId, SyncStatus};

use crate::components::icon::Glyph;
use crate::hooks::media::{NARROW, use_media};
use crate::hooks::preferences::{Density, Layout};
use crate::hooks::viewport::{Viewport, use_viewport};
use crate::model::{Selection, Slots, SortKey, Window};
use crate::ports::Kept;
use crate::ui::{Place, Ui, use_ui};
use crate::words;
use pointer::Band;
use row::Row;
use tile::Tile;

/// The heading above the rows, in pixels; the stylesheet's `--head` says the same.
const HEAD_PIXELS: f64 = 36.0;
/// A row under a finger, in pixels.
const TOUCH_ROW_PIXELS: f64 = 56.0;
/// The least width of a tile, and its height, in pixels, gap included.
const TILE_WIDTH: f64 = 164.0;
const TILE_HEIGHT: f64 = 184.0;
/// Space around the tiles, in pixels.
const TILE_MARGIN: f64 = 16.0;
/// On a phone three tiles stand side by side.
const NARROW_TILE_WIDTH: f64 = 112.0;
const NARROW_TILE_HEIGHT: f64 = 140.0;

/// What the columns between name and size tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Columns {
    /// Modified; the columns sort.
    Folder,
    /// Where it was, and when it was deleted; the latest first.
    Trash,
    /// Where it is, and when it was modified.
    Found,
}

impl Columns {
    const fn label(self) -> &'static str {
        match self {
            Self::Folder => words::FOLDER_CONTENTS,
            Self::Trash => words::DELETED_ITEMS,
            Self::Found => words::SEARCH_RESULTS,
        }
    }

    const fn count(self) -> usize {
        match self {
            Self::Folder => 4,
            Self::Trash | Self::Found => 5,
        }
    }
}

/// Sizes of what is listed, from the layout, the density and the width.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Metrics {
    pub per_line: usize,
    pub line: f64,
    /// From the top of the scrolled content to the first line.
    pub head: f64,
    pub margin: f64,
    /// A tile's width, gap included; a row's whole width.
    pub cell: f64,
}

impl Metrics {
    fn of(layout: Layout, density: Density, narrow: bool, width: f64) -> Self {
        match layout {
            Layout::List => Self {
                per_line: 1,
                line: if narrow { TOUCH_ROW_PIXELS } else { density.row_pixels() },
                head: if narrow { 0.0 } else { HEAD_PIXELS },
                margin: 0.0,
                cell: width,
            },
            Layout::Grid => {
                let (tile, line) =
                    if narrow { (NARROW_TILE_WIDTH, NARROW_TILE_HEIGHT) } else { (TILE_WIDTH, TILE_HEIGHT) };
                let inner = (width - 2.0 * TILE_MARGIN).max(tile);
                let per_line = ((inner / tile) as usize).max(1);
                Self { per_line, line, head: TILE_MARGIN, margin: TILE_MARGIN, cell: inner / per_line as f64 }
            }
        }
    }

    fn height(self, count: usize) -> f64 {
        count.div_ceil(self.per_line) as f64 * self.line + self.margin
    }
}

/// Handles that the parts of the list share.
#[derive(Clone, Copy)]
pub(super) struct List {
    pub ui: Ui,
    pub columns: Columns,
    pub scroller: NodeRef<Div>,
    pub viewport: Signal<Viewport>,
    pub metrics: Memo<Metrics>,
    pub band: RwSignal<Option<Band>>,
}

impl List {
    /// Scrolls as little as shows the item.
    pub fn reveal(self, place: usize) {
        let Some(scroller) = self.scroller.get_untracked() else { return };
        let metrics = self.metrics.get_untracked();
        let line_top = (place / metrics.per_line) as f64 * metrics.line;
        let (top, height) = (f64::from(scroller.scroll_top()), f64::from(scroller.client_height()));
        if line_top < top {
            scroller.set_scroll_top(line_top as i32);
        } else if line_top + metrics.line + metrics.head > top + height {
            scroller.set_scroll_top((line_top + metrics.line + metrics.head - height).ceil() as i32);
        }
    }
}

/// The id of an item's element, for `aria-activedescendant`.
pub(super) fn element_id(id: ItemId) -> String {
    format!("item-{id}")
}

/// The list of [`Ui::entries`].
#[component]
pub fn Collection(columns: Columns) -> impl IntoView {
    let ui = use_ui();
    let scroller = NodeRef::<Div>::new();
    let viewport = use_viewport(scroller);
    let narrow = use_media(NARROW);
    let layout = Memo::new(move |_| ui.preferences.with(|it| it.layout));
    let width = Memo::new(move |_| viewport.get().width);
    let metrics = Memo::new(move |_| {
        Metrics::of(layout.get(), ui.preferences.with(|it| it.density), narrow.get(), width.get())
    });
    let list = List { ui, columns, scroller, viewport, metrics, band: RwSignal::new(None) };
    let count = Memo::new(move |_| ui.entries.with(|entries| entries.len()));
    let window = Memo::new(move |_| {
        let (seen, metrics) = (viewport.get(), metrics.get());
        Window::at(seen.top - metrics.head, seen.height, metrics.line, metrics.per_line, count.get())
    });
    let slots = Memo::new(move |before: Option<&Slots>| {
        let window = window.get();
        let shown: Vec<ItemId> = ui.entries.with(|entries| {
            (window.start..window.end).map_while(|place| entries.at(place)).map(|it| it.item.id).collect()
        });
        before.map_or_else(|| Slots::default().showing(&shown), |before| before.showing(&shown))
    });
    let shown = move || {
        let layout = layout.get();
        slots.with(|slots| slots.in_order().map(|(slot, id)| (slot, id, layout)).collect::<Vec<_>>())
    };
    let window_top = Memo::new(move |_| {
        let metrics = metrics.get();
        (window.get().start / metrics.per_line) as f64 * metrics.line
    });
    let active = Memo::new(move |_| ui.selection.with(Selection::active));

    remember_scroll(list);
    Effect::new(move |before: Option<u64>| {
        let asked = ui.focus_list.get();
        if before.is_some_and(|before| before != asked)
            && let Some(scroller) = scroller.get_untracked()
        {
            scroller.focus().ok();
        }
        asked
    });

    Effect::new(move || {
        let nowhere = document().active_element().is_none_or(|element| element.tag_name() == "BODY");
        if let Some(scroller) = scroller.get()
            && nowhere
            && ui.has_moved.get_value()
        {
            scroller.focus().ok();
        }
    });
    let stand_on_first = move |_| {
        let first = ui.entries.with_untracked(|entries| entries.at(0).map(|item| item.item.id));
        if let Some(first) = first
            && ui.selection.with_untracked(|selection| selection.active().is_none())
        {
            ui.selection.update(|selection| selection.stand_on(first));
        }
    };

    let is_list = move || layout.get() == Layout::List;
    view! {
        <div
            node_ref=scroller
            class="collection"
            data-layout=move || if is_list() { "list" } else { "grid" }
            data-columns=format!("{columns:?}").to_lowercase()
            tabindex="0"
            role=move || if is_list() { "grid" } else { "listbox" }
            aria-label=columns.label()
            aria-multiselectable="true"
            aria-rowcount=move || is_list().then(|| (count.get() + 1).to_string())
            aria-colcount=move || is_list().then(|| columns.count().to_string())
            aria-activedescendant=move || active.get().map(element_id)
            on:focus=stand_on_first
            on:keydown=move |event| keys::pressed(list, &event)
            on:pointerdown=move |event| pointer::down(list, &event)
            on:click=move |event| pointer::click(list, &event)
            on:dblclick=move |event| pointer::double_click(list, &event)
            on:contextmenu=move |event| pointer::context_menu(list, &event)
            on:dragstart=move |event| pointer::drag_start(list, &event)
        >
            <Show when=is_list>
                <Head columns=columns />
            </Show>
            <div
                class="collection-space"
                role=move || is_list().then_some("rowgroup")
                style:height=move || format!("{}px", metrics.get().height(count.get()))
            >
                <div
                    class="collection-window"
                    role="presentation"
                    style:transform=move || format!("translateY({}px)", window_top.get())
                    style:--per-line=move || metrics.get().per_line.to_string()
                    style:--line=move || format!("{}px", metrics.get().line)
                >
                    <ForEnumerate
                        each=shown
                        key=|(slot, _, layout)| (*slot, *layout)
                        children=move |index, (slot, id, layout)| {
                            let place = Signal::derive(move || window.get().start + index.get());
                            let id = Memo::new(move |before: Option<&ItemId>| {
                                slots.with(|slots| slots.item(slot)).or(before.copied()).unwrap_or(id)
                            });
                            match layout {
                                Layout::List => view! { <Row list=list id=id place=place /> }.into_any(),
                                Layout::Grid => view! { <Tile list=list id=id place=place count=count /> }.into_any(),
                            }
                        }
                    />
                </div>
                {move || list.band.get().map(|band| view! { <pointer::RubberBand band=band /> })}
            </div>
        </div>
    }
    .into_any()
}

/// Keeps the place in each folder, so that going back is going back.
fn remember_scroll(list: List) {
    let tops = StoredValue::new(HashMap::<ItemId, f64>::new());
    let ui = list.ui;
    Effect::new(move |before: Option<Option<ItemId>>| {
        let here = ui.place.with(|place| match place {
            Place::Folder(id) => Some(*id),
            _ => None,
        });
        if let Some(Some(left)) = before
            && before != Some(here)
        {
            tops.update_value(|tops| {
                tops.insert(left, list.viewport.get_untracked().top);
            });
            let top = here.and_then(|here| tops.with_value(|tops| tops.get(&here).copied())).unwrap_or(0.0);
            request_animation_frame(move || {
                if let Some(scroller) = list.scroller.try_get_untracked().flatten() {
                    scroller.set_scroll_top(top as i32);
                }
            });
        }
        here
    });
}

/// The headings; those of a folder sort.
#[component]
fn Head(columns: Columns) -> impl IntoView {
    let cells = match columns {
        Columns::Folder => vec![
            heading("name", words::NAME, Some(SortKey::Name)),
            heading("modified", words::MODIFIED, Some(SortKey::Modified)),
            heading("kind", words::KIND, Some(SortKey::Kind)),
            heading("size", words::SIZE, Some(SortKey::Size)),
        ],
        Columns::Trash => vec![
            heading("name", words::NAME, None),
            heading("location", words::LOCATION, None),
            heading("modified", words::DELETED, None),
            heading("kind", words::KIND, None),
            heading("size", words::SIZE, None),
        ],
        Columns::Found => vec![
            heading("name", words::NAME, None),
            heading("location", words::LOCATION, None),
            heading("modified", words::MODIFIED, None),
            heading("kind", words::KIND, None),
            heading("size", words::SIZE, None),
        ],
    };
    view! {
        <div class="collection-head" role="rowgroup">
            <div class="row-cells" role="row" aria-rowindex="1">{cells}</div>
        </div>
    }
}

fn heading(class: &'static str, label: &'static str, sorts: Option<SortKey>) -> AnyView {
    let class = format!("cell cell-{class}");
    let Some(key) = sorts else {
        return view! { <div class=class role="columnheader">{label}</div> }.into_any();
    };
    let ui = use_ui();
    let sort = Memo::new(move |_| ui.preferences.with(|it| it.sort));
    let direction = move || (sort.get().key == key).then(|| sort.get().descending);
    view! {
        <div
            class=class
            role="columnheader"
            aria-sort=move || match direction() {
                Some(true) => "descending",
                Some(false) => "ascending",
                None => "none",
            }
        >
            <button
                class="sort-button"
                type="button"
                on:click=move |_| ui.preferences.update(|it| it.sort = it.sort.clicked(key))
            >
                {label}
                {move || direction().map(|descending| {
                    let icon = if descending { icondata::LuArrowDown } else { icondata::LuArrowUp };
                    view! { <Glyph icon=icon /> }
                })}
            </button>
        </div>
    }
    .into_any()
}

/// Whether the item is kept on this device; nothing where it is not.
pub(super) fn kept_mark(ui: Ui, id: ItemId, is_folder: bool) -> Option<AnyView> {
    let cloud = ui.cloud();
    cloud.keeping_revision().with(|_| ());
    let keeping = cloud.keeping(id);
    let icon = match (keeping.kept, keeping.is_here || is_folder) {
        (Kept::No, _) => return None,
        (_, true) => icondata::LuCircleCheck,
        (_, false) => icondata::LuCircleArrowDown,
    };
    let label = format!("{}: {}", words::ON_DEVICE, words::keeping_state(keeping, is_folder));
    Some(
        view! {
            <span class="status status-kept" role="img" aria-label=label.clone() title=label>
                <Glyph icon=icon />
            </span>
        }
        .into_any(),
    )
}

/// The mark of an item that is not in step; nothing where all is well. That of a conflict asks about it.
pub(super) fn status_mark(ui: Ui, id: ItemId, status: SyncStatus) -> Option<AnyView> {
    let icon = match status {
        SyncStatus::Synced => return None,
        SyncStatus::Pending => icondata::LuClock,
        SyncStatus::Syncing => icondata::LuCloudUpload,
        SyncStatus::Conflict => icondata::LuSplit,
        SyncStatus::Error => icondata::LuTriangleAlert,
    };
    let label = words::status(status);
    let class = format!("status status-{}", format!("{status:?}").to_lowercase());
    if status == SyncStatus::Conflict {
        return Some(
            view! {
                <button
                    class=class
                    type="button"
                    // The list has one tab stop of its own; its menu offers the same.
                    tabindex="-1"
                    aria-label=label
                    title=label
                    on:click=move |_| ui.review_first(Some(id))
                >
                    <Glyph icon=icon />
                </button>
            }
            .into_any(),
        );
    }
    Some(
        view! { <span class=class role="img" aria-label=label title=label><Glyph icon=icon /></span> }
            .into_any(),
    )
}

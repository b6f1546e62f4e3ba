use leptos::prelude::*;

/// The quiet pictures of empty places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scene {
    Folder,
    Photos,
    Trash,
    Search,
    Lost,
}

/// One drawing, in the colours of the theme.
#[component]
pub fn Drawing(scene: Scene) -> impl IntoView {
    let lines = match scene {
        Scene::Folder => FOLDER,
        Scene::Photos => PHOTOS,
        Scene::Trash => TRASH,
        Scene::Search => SEARCH,
        Scene::Lost => LOST,
    };
    view! { <svg class="drawing" viewBox="0 0 200 140" aria-hidden="true" inner_html=lines /> }
}

const FOLDER: &str = r#"<ellipse class="ground" cx="100" cy="124" rx="76" ry="7"/><path class="fill" d="M42 44a8 8 0 0 1 8-8h30a8 8 0 0 1 6 2.800L94 48h56a8 8 0 0 1 8 8v50H42z"/><g class="paper"><rect x="66" y="18" width="44" height="58" rx="5" transform="rotate(-8 88 47)"/><rect x="98" y="26" width="40" height="50" rx="5" transform="rotate(7 118 51)"/></g><path class="line" d="m74 38 24-3.400M76 48l24-3.400M108 46l20 2.500M107 56l20 2.5"/><path class="front" d="M38 66a7 7 0 0 1 7-7h110a7 7 0 0 1 7 7.600l-3.6 42a8 8 0 0 1-8 7.400H49.600a8 8 0 0 1-8-7.400z"/><path class="accent" d="M100 102V78m-10 9 10-10 10 10"/>"#;
const PHOTOS: &str = r#"<ellipse class="ground" cx="100" cy="124" rx="76" ry="7"/><g class="paper"><rect x="44" y="34" width="62" height="74" rx="6" transform="rotate(-9 75 71)"/><rect x="100" y="30" width="58" height="76" rx="6" transform="rotate(8 129 68)"/></g><rect class="front" x="62" y="26" width="78" height="88" rx="7"/><rect class="fill" x="70" y="34" width="62" height="60" rx="3"/><path class="accent" d="m72 90 18-22 13 14 10-10 17 18"/><circle class="accent" cx="116" cy="52" r="7"/><path class="line" d="M72 104h30"/>"#;
const TRASH: &str = r#"<ellipse class="ground" cx="100" cy="124" rx="60" ry="7"/><path class="fill" d="M66 48h68l-5.6 62a9 9 0 0 1-9 8.200H80.600a9 9 0 0 1-9-8.200z"/><path class="line" d="M86 62l2.5 42M114 62l-2.5 42M100 62v42"/><path class="front" d="M58 40a6 6 0 0 1 6-6h72a6 6 0 0 1 6 6v2a6 6 0 0 1-6 6H64a6 6 0 0 1-6-6z"/><path class="accent" d="M88 33v-5a6 6 0 0 1 6-6h12a6 6 0 0 1 6 6v5"/>"#;
const SEARCH: &str = r#"<ellipse class="ground" cx="100" cy="124" rx="70" ry="7"/><g class="paper"><rect x="46" y="24" width="64" height="84" rx="7"/></g><path class="line" d="M60 44h36M60 58h36M60 72h22"/><circle class="front" cx="118" cy="74" r="28"/><circle class="accent" cx="118" cy="74" r="28"/><path class="accent thick" d="m139 95 20 20"/>"#;
const LOST: &str = r#"<ellipse class="ground" cx="100" cy="124" rx="70" ry="7"/><path class="fill" d="M62 106a26 26 0 0 1-3-51.800A38 38 0 0 1 132 50a28 28 0 0 1-2 56z"/><path class="accent" d="M88 66a12 12 0 1 1 16 11.300c-3 1-4 3-4 6.700m0 10v.5"/>"#;

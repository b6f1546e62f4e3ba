use leptos::prelude::*;
use leptos::tachys::html::InertElement;

use crate::model::FileType;

/// The file types' own family: one sheet with a folded corner, told apart by mark and colour, and the
/// folder. Hidden from screen readers, which hear the type as text.
#[component]
pub fn FileIcon(kind: FileType) -> impl IntoView {
    let (sheet, mark) = match kind {
        FileType::Folder => (FOLDER, ""),
        kind => (SHEET, mark(kind)),
    };
    let class = class(kind);
    InertElement::new(format!(
        "<svg class=\"file-icon file-icon-{class}\" viewBox=\"0 0 32 32\" aria-hidden=\"true\">{sheet}{mark}</svg>"
    ))
}

const FOLDER: &str = r#"<path class="folder-back" d="M3 9.5A3 3 0 0 1 6 6.500h6.200a3 3 0 0 1 2.3 1.07L16.1 9.500H26a3 3 0 0 1 3 3V15H3z"/><path class="folder-front" d="M3 14a2 2 0 0 1 2-2h22a2 2 0 0 1 2 2v9.500a3 3 0 0 1-3 3H6a3 3 0 0 1-3-3z"/>"#;
const SHEET: &str = r#"<path class="sheet" d="M9 3.500h9.500L26 11v15a2.5 2.5 0 0 1-2.5 2.500H9A2.5 2.5 0 0 1 6.5 26V6A2.5 2.5 0 0 1 9 3.500z"/><path class="fold" d="M18.5 3.500V9a2 2 0 0 0 2 2H26"/>"#;

const fn class(kind: FileType) -> &'static str {
    match kind {
        FileType::Folder => "folder",
        FileType::Archive => "archive",
        FileType::Audio => "audio",
        FileType::Code => "code",
        FileType::Document => "document",
        FileType::Image => "image",
        FileType::Markdown => "markdown",
        FileType::Pdf => "pdf",
        FileType::Presentation => "presentation",
        FileType::Spreadsheet => "spreadsheet",
        FileType::Text => "text",
        FileType::Video => "video",
        FileType::Other => "other",
    }
}

const fn mark(kind: FileType) -> &'static str {
    match kind {
        FileType::Archive => {
            r#"<path class="mark" d="M14.5 6v2m2 0v2m-2 0v2m2 0v2m-2 0v2"/><rect class="mark" x="13.5" y="17.5" width="4" height="5" rx="1.5"/>"#
        }
        FileType::Audio => {
            r#"<path class="mark" d="M13.5 22.500v-8l6-1.500v7.5"/><circle class="mark" cx="12" cy="22.5" r="1.6"/><circle class="mark" cx="18" cy="20.5" r="1.6"/>"#
        }
        FileType::Code => r#"<path class="mark" d="m13.5 15-3 3.5 3 3.500m5-7 3 3.5-3 3.5"/>"#,
        FileType::Document => r#"<path class="mark" d="M11 14.500h5m-5 4h10.500m-10.5 4h10.5"/>"#,
        FileType::Image => {
            r#"<circle class="mark" cx="12.7" cy="15.3" r="1.6"/><path class="mark" d="m10.5 23.5 3.7-4 2.3 2.3 2.5-3.3 3 5z"/>"#
        }
        FileType::Markdown => {
            r#"<path class="mark" d="M10.5 22v-6l2.7 3.2 2.7-3.200v6m4.6-6v6m-2-2 2 2 2-2"/>"#
        }
        FileType::Pdf => {
            r#"<path class="mark" d="M11 23.500c3.6-1.8 5.8-6.3 5.3-9.5-.3-1.6-2-1.3-1.8.4.4 3.3 3.3 6.3 6.7 6.5 1.6.1 1.6-1.7 0-1.7-3.3 0-7 1-9.9 2.8-1.4.8-1.2 2.1-.3 1.500z"/>"#
        }
        FileType::Presentation => r#"<path class="mark" d="M11.5 23v-4m4.7 4v-8m4.7 8v-5.5"/>"#,
        FileType::Spreadsheet => {
            r#"<rect class="mark" x="10.5" y="14.5" width="11.5" height="9" rx="1"/><path class="mark" d="M10.5 19H22m-6.5-4.500v9"/>"#
        }
        FileType::Text => r#"<path class="mark" d="M11 14.500h10.500m-10.5 4h10.500m-10.5 4h6"/>"#,
        FileType::Video => r#"<path class="mark" d="M13.5 14.700v8l6.5-4z"/>"#,
        FileType::Folder | FileType::Other => "",
    }
}

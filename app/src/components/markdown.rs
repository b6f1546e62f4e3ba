use leptos::prelude::*;
use pulldown_cmark::{Alignment, Event, LinkType, Options, Parser, Tag, TagEnd, html};

use crate::words;

/// Markdown as a page to read. Raw HTML in it is shown as text, pictures as their description, and links
/// lead only to the web and open elsewhere: a file is not part of the app.
#[component]
pub fn Markdown(text: String) -> impl IntoView {
    view! { <article class="prose" inner_html=rendered(&text) /> }
}

fn rendered(text: &str) -> String {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    let events = Parser::new_ext(text, options).map(|event| match event {
        Event::Html(raw) | Event::InlineHtml(raw) => Event::Text(raw),
        Event::Start(Tag::HtmlBlock) => Event::Start(Tag::Paragraph),
        Event::End(TagEnd::HtmlBlock) => Event::End(TagEnd::Paragraph),
        // Aligned columns come as inline styles, which the page's policy refuses.
        Event::Start(Tag::Table(columns)) => Event::Start(Tag::Table(vec![Alignment::None; columns.len()])),
        Event::Start(Tag::Image { .. }) => Event::Start(Tag::Emphasis),
        Event::End(TagEnd::Image) => Event::End(TagEnd::Emphasis),
        Event::Start(Tag::Link { link_type, dest_url, title, id }) => {
            let dest_url = if is_web(link_type, &dest_url) { dest_url } else { "".into() };
            Event::Start(Tag::Link { link_type, dest_url, title, id })
        }
        Event::TaskListMarker(done) => Event::InlineHtml(task_mark(done).into()),
        other => other,
    });
    let mut page = String::with_capacity(text.len() * 2);
    html::push_html(&mut page, events);
    page.replace("<a href=\"\"", "<a")
        .replace("<a href=", "<a target=\"_blank\" rel=\"noopener noreferrer nofollow\" href=")
}

/// A ticked or empty box, as text: it is not a control here.
fn task_mark(done: bool) -> String {
    let (label, mark) = if done { (words::TASK_DONE, "☑") } else { (words::TASK_OPEN, "☐") };
    format!("<span class=\"task\" role=\"img\" aria-label=\"{label}\">{mark}</span> ")
}

fn is_web(link_type: LinkType, address: &str) -> bool {
    link_type == LinkType::Email
        || ["https://", "http://", "mailto:"].iter().any(|scheme| address.starts_with(scheme))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_file_becomes_active() {
        let page = rendered(
            "# A\n\n<script>alert(1)</script>\n\n<img src=x onerror=y> [a](javascript:z) ![p](http://t/x.png)",
        );
        assert!(page.contains("<h1>A</h1>") && page.contains("&lt;script&gt;"));
        for active in ["<script", "<img", "javascript:", "http://t/"] {
            assert!(!page.contains(active), "{active} in {page}");
        }
    }

    #[test]
    fn links_to_the_web_open_elsewhere() {
        assert!(rendered("[a](https://example.org)").contains("target=\"_blank\" rel=\"noopener"));
    }
}

use leptos::prelude::*;
use pulldown_cmark::{Alignment, Event, LinkType, Options, Parser, Tag, TagEnd, html};

use crate::words;

/// Markdown as a page to read. Raw HTML in it is shown as text, links lead only to the web and open elsewhere,
/// and pictures come only when a person asks for one: a file is not part of the app, and its writer is not told
/// who reads it.
#[component]
pub fn Markdown(text: String) -> impl IntoView {
    view! { <article class="prose" inner_html=rendered(&text) /> }
}

fn rendered(text: &str) -> String {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    let mut harmless = Vec::new();
    // A link in a link is none: pictures within one are told by their description.
    let (mut links, mut picture_links) = (0_usize, Vec::new());
    for event in Parser::new_ext(text, options) {
        match event {
            Event::Html(raw) | Event::InlineHtml(raw) => harmless.push(Event::Text(raw)),
            Event::Start(Tag::HtmlBlock) => harmless.push(Event::Start(Tag::Paragraph)),
            Event::End(TagEnd::HtmlBlock) => harmless.push(Event::End(TagEnd::Paragraph)),
            // Aligned columns come as inline styles, which the page's policy refuses.
            Event::Start(Tag::Table(columns)) => {
                harmless.push(Event::Start(Tag::Table(vec![Alignment::None; columns.len()])));
            }
            Event::Start(Tag::Image { link_type, dest_url, id, .. }) => {
                let is_link = links == 0 && is_web(link_type, &dest_url);
                picture_links.push(is_link);
                if is_link {
                    links += 1;
                    let title = words::open_picture(host(&dest_url)).into();
                    harmless.push(Event::Start(Tag::Link {
                        link_type: LinkType::Inline,
                        dest_url,
                        title,
                        id,
                    }));
                } else {
                    harmless.push(Event::Start(Tag::Emphasis));
                }
                harmless.push(Event::Text(format!("{}: ", words::PICTURE).into()));
            }
            Event::End(TagEnd::Image) => {
                let is_link = picture_links.pop().unwrap_or_default();
                links -= usize::from(is_link);
                harmless.push(Event::End(if is_link { TagEnd::Link } else { TagEnd::Emphasis }));
            }
            Event::Start(Tag::Link { link_type, dest_url, title, id }) => {
                links += 1;
                let dest_url = if is_web(link_type, &dest_url) { dest_url } else { "".into() };
                harmless.push(Event::Start(Tag::Link { link_type, dest_url, title, id }));
            }
            Event::End(TagEnd::Link) => {
                links = links.saturating_sub(1);
                harmless.push(Event::End(TagEnd::Link));
            }
            Event::TaskListMarker(done) => harmless.push(Event::InlineHtml(task_mark(done).into())),
            other => harmless.push(other),
        }
    }
    let mut page = String::with_capacity(text.len() * 2);
    html::push_html(&mut page, harmless.into_iter());
    page.replace("<a href=\"\"", "<a")
        .replace("<a href=", "<a target=\"_blank\" rel=\"noopener noreferrer nofollow\" href=")
}

/// Whose picture it is, as far as an address tells.
fn host(address: &str) -> &str {
    let rest = address.split_once("//").map_or(address, |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or_default()
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
            "# A\n\n<script>alert(1)</script>\n\n<img src=x onerror=y> [a](javascript:z) ![p](javascript:q)",
        );
        assert!(page.contains("<h1>A</h1>") && page.contains("&lt;script&gt;"));
        for active in ["<script", "<img", "javascript:"] {
            assert!(!page.contains(active), "{active} in {page}");
        }
    }

    #[test]
    fn a_picture_comes_only_when_it_is_asked_for() {
        let page =
            rendered("![a cat](https://example.org/cat.png) [![b](https://c.org/d.png)](https://e.org)");
        assert!(!page.contains("<img"), "{page}");
        assert!(
            page.contains("href=\"https://example.org/cat.png\" title=\"Open the picture from example.org\"")
        );
        // The one within a link is told only.
        assert!(!page.contains("c.org") && page.contains("<em>Picture: b</em>"), "{page}");
    }

    #[test]
    fn links_to_the_web_open_elsewhere() {
        assert!(rendered("[a](https://example.org)").contains("target=\"_blank\" rel=\"noopener"));
    }
}

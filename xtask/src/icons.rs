//! The app's icons as pictures, drawn from the logo: what is asked for where no SVG is taken.

use std::fs;
use std::path::Path;

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree};

use crate::shell::{AtPath, Failure, Outcome};

/// The drawing, the picture's name, and its side in pixels.
const ICONS: [(&str, &str, u32); 5] = [
    ("icon.svg", "icon-192.png", 192),
    ("icon.svg", "icon-512.png", 512),
    ("icon-maskable.svg", "icon-maskable-192.png", 192),
    ("icon-maskable.svg", "icon-maskable-512.png", 512),
    // Phones round its corners themselves.
    ("icon-maskable.svg", "apple-touch-icon.png", 180),
];

/// Draws them into the site.
pub fn draw(drawings: &Path, site: &Path) -> Outcome {
    for (drawing, picture, side) in ICONS {
        let (source, target) = (drawings.join(drawing), site.join(picture));
        let svg = fs::read(&source).at("read", &source)?;
        fs::write(&target, png(&svg, side)?).at("write", &target)?;
    }
    Ok(())
}

fn png(svg: &[u8], side: u32) -> Outcome<Vec<u8>> {
    let tree = Tree::from_data(svg, &Options::default()).map_err(|error| Failure::new(error.to_string()))?;
    let mut picture = Pixmap::new(side, side).ok_or_else(|| Failure::new("an icon has no size"))?;
    let scale = side as f32 / tree.size().width().max(tree.size().height());
    resvg::render(&tree, Transform::from_scale(scale, scale), &mut picture.as_mut());
    picture.encode_png().map_err(|error| Failure::new(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_icon_is_a_picture_of_its_size() {
        let svg = br##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 48 48"><rect width="48" height="48" fill="#1f5fe0"/></svg>"##;
        let picture = Pixmap::decode_png(&png(svg, 96).expect("a drawing")).expect("a picture");
        assert_eq!((picture.width(), picture.height()), (96, 96));
        let middle = picture.pixel(48, 48).expect("a pixel").demultiply();
        assert_eq!((middle.red(), middle.green(), middle.blue(), middle.alpha()), (0x1f, 0x5f, 0xe0, 0xff));
    }
}

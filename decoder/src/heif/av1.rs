//! AV1: the first picture.

use re_rav1d::dav1d::{Decoder, Picture, PixelLayout, PlanarImageComponent, Settings, pixel};

use crate::pixels::check_size;
use crate::planes::{Code, Plane, Planes};
use crate::{DecodeError, PIXELS_MAX};

pub fn decode(data: &[u8]) -> Result<Planes, DecodeError> {
    let picture = first(data)?;
    let (width, height) = (picture.width(), picture.height());
    check_size(width, height)?;
    let halved = match picture.pixel_layout() {
        PixelLayout::I420 | PixelLayout::I400 => (true, true),
        PixelLayout::I422 => (true, false),
        PixelLayout::I444 => (false, false),
    };
    let half = |side: u32, is_halved: bool| if is_halved { side.div_ceil(2) } else { side };
    let (across, down) = (half(width, halved.0), half(height, halved.1));
    let has_chroma = picture.pixel_layout() != PixelLayout::I400;
    Ok(Planes {
        luma: plane(&picture, PlanarImageComponent::Y, width, height),
        chroma: has_chroma.then(|| {
            [PlanarImageComponent::U, PlanarImageComponent::V]
                .map(|component| plane(&picture, component, across, down))
        }),
        halved,
        code: Code {
            matrix: picture.matrix_coefficients() as u16,
            is_full: picture.color_range() == pixel::YUVRange::Full,
        },
    })
}

fn plane(picture: &Picture, component: PlanarImageComponent, width: u32, height: u32) -> Plane {
    let bits = picture.bits_per_component().map_or(8, |bits| bits.0 as u8);
    let bytes = picture.plane(component);
    let rows = bytes.chunks(picture.stride(component) as usize).take(height as usize);
    if bits == 8 {
        let samples = rows.flat_map(|row| &row[..width as usize]).copied().collect();
        return Plane { width, height, samples };
    }
    let samples: Vec<u16> = rows
        .flat_map(|row| {
            row.as_chunks::<2>().0.iter().take(width as usize).map(|pair| u16::from_ne_bytes(*pair))
        })
        .collect();
    Plane::of_wide(&samples, width as usize, width, height, bits)
}

fn first(data: &[u8]) -> Result<Picture, DecodeError> {
    let mut settings = Settings::new();
    settings.set_n_threads(1);
    settings.set_max_frame_delay(1);
    settings.set_all_layers(false);
    settings.set_frame_size_limit(PIXELS_MAX as u32);
    let mut decoder = Decoder::with_settings(&settings).map_err(DecodeError::damaged)?;
    let mut sent = decoder.send_data(data.to_vec(), None, None, None);
    // What is held back until it is known to be the last, comes when it is asked for again.
    let mut is_last = false;
    loop {
        match decoder.get_picture() {
            Ok(picture) => return Ok(picture),
            Err(error) if !error.is_again() || is_last => return Err(DecodeError::damaged(error)),
            Err(_) if sent.is_ok() => is_last = true,
            Err(_) => sent = decoder.send_pending_data(),
        }
    }
}

//! HEIC and AVIF: a HEIF container (ISO/IEC 23008-12) around pictures in HEVC or AV1.

mod av1;
mod hevc;

use heifer::heifer_isobmff::boxes::{ColorInfo, Property};
use heifer::heifer_isobmff::{HeifFile, ItemId};
use shared::photo::{DerivativeKind, fit};

use crate::formats::{Decoded, shrink_first};
use crate::pixels::{Alpha, AlphaId, Pixels, alpha_id, check_size};
use crate::planes::{Area, Code, Planes, levels};
use crate::turn::Orientation;
use crate::{DecodeError, colour};

pub fn decode(bytes: &[u8]) -> Result<Decoded, DecodeError> {
    let file = HeifFile::parse(bytes).map_err(DecodeError::damaged)?;
    let id = file.primary_id;
    match Codec::of(&file, id) {
        Some(codec) => decode_item(&file, id, codec),
        None => decode_derived(bytes, &file),
    }
}

/// What is derived from other pictures than a grid's, seldom seen.
fn decode_derived(bytes: &[u8], file: &HeifFile) -> Result<Decoded, DecodeError> {
    let options = heifer::Options { max_threads: 1, max_pixels: crate::PIXELS_MAX };
    let image = heifer::decode_rgba8(bytes, &options).map_err(|error| match error {
        heifer::Error::Unsupported(_) => DecodeError::UnsupportedVariant,
        other => DecodeError::damaged(other),
    })?;
    let (width, height) = (image.width, image.height);
    check_size(width, height)?;
    let mut pixels = Pixels::from_rgba(width, height, &image.data, Alpha::Straight);
    let alpha = alpha_id(&image.data);
    drop(image);
    shrink_first(&mut pixels)?;
    colour::heif_to_srgb(&mut pixels, file, file.primary_id);
    Ok(Decoded { picture: pixels.into(), orientation: Orientation::UPRIGHT, width, height, alpha })
}

/// What a picture, or the parts of a grid, are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Codec {
    Av1,
    Hevc,
}

impl Codec {
    fn of(file: &HeifFile, id: ItemId) -> Option<Self> {
        match &file.item(id).ok()?.item_type.0 {
            b"av01" => Some(Self::Av1),
            b"hvc1" | b"hev1" => Some(Self::Hevc),
            b"grid" => {
                let parts = file.referenced_items(id, b"dimg");
                let codec = |part: &ItemId| (*part != id).then(|| Self::of_part(file, *part)).flatten();
                let first = codec(parts.first()?)?;
                parts.iter().all(|part| codec(part) == Some(first)).then_some(first)
            }
            _ => None,
        }
    }

    fn of_part(file: &HeifFile, id: ItemId) -> Option<Self> {
        match &file.item(id).ok()?.item_type.0 {
            b"grid" => None,
            _ => Self::of(file, id),
        }
    }

    fn decode(self, file: &HeifFile, id: ItemId) -> Result<Planes, DecodeError> {
        let mut planes = match self {
            Self::Av1 => av1::decode(&file.item_data(id).map_err(DecodeError::damaged)?)?,
            Self::Hevc => hevc::decode(&file.hevc_bitstream(id).map_err(DecodeError::damaged)?)?,
        };
        // What the container says goes before what the codec says.
        let named =
            file.item_properties(id).map_err(DecodeError::damaged)?.find_map(|property| match property {
                Property::Color(ColorInfo::Nclx { matrix, full_range, .. }) => {
                    Some(Code { matrix: *matrix, is_full: *full_range })
                }
                _ => None,
            });
        planes.code = named.unwrap_or(planes.code);
        Ok(planes)
    }
}

fn decode_item(file: &HeifFile, id: ItemId, codec: Codec) -> Result<Decoded, DecodeError> {
    let planes = picture(file, id, codec)?;
    let properties: Vec<&Property> = file.item_properties(id).map_err(DecodeError::damaged)?.collect();
    let area = properties.iter().find_map(|property| clean_aperture(property, &planes));
    let area = area.unwrap_or_else(|| planes.whole());
    let (width, height) = (area.width, area.height);
    let (mut pixels, alpha) = if let Some(alpha) = alpha(file, id)? {
        // Mixed with white first: what is clear has no colour that may run into others.
        let (mut pixels, alpha) = over_white(&planes, &alpha, area, premultiplied(file, id))?;
        shrink_first(&mut pixels)?;
        (pixels, alpha)
    } else {
        let (width, height) = fit(width, height, DerivativeKind::Display.side_max());
        (planes.to_rgb(area, width, height)?, None)
    };
    drop(planes);
    colour::heif_to_srgb(&mut pixels, file, id);
    Ok(Decoded { picture: pixels.into(), orientation: orientation(&properties), width, height, alpha })
}

/// An item's own picture, or a grid of those of others.
fn picture(file: &HeifFile, id: ItemId, codec: Codec) -> Result<Planes, DecodeError> {
    let is_grid = file.item(id).map_err(DecodeError::damaged)?.item_type.0 == *b"grid";
    if is_grid {
        return grid(file, id, codec);
    }
    if let Some((width, height)) = file.image_size(id).map_err(DecodeError::damaged)? {
        check_size(width, height)?;
        // A codec's picture may be larger than what is shown of it.
        return Ok(codec.decode(file, id)?.cut_off(width, height));
    }
    codec.decode(file, id)
}

fn grid(file: &HeifFile, id: ItemId, codec: Codec) -> Result<Planes, DecodeError> {
    let grid = file.grid(id).map_err(DecodeError::damaged)?;
    check_size(grid.output_width, grid.output_height)?;
    let parts = file.referenced_items(id, b"dimg");
    let columns = usize::from(grid.columns);
    let (Some(first), true) = (parts.first(), parts.len() == usize::from(grid.rows) * columns) else {
        return Err(DecodeError::damaged("a part of it is missing"));
    };
    let first = picture(file, *first, codec)?;
    let (width, height) = (first.luma.width as usize, first.luma.height as usize);
    let mut whole = first.blank(grid.output_width, grid.output_height);
    for (number, part) in parts.iter().enumerate() {
        let (left, top) = ((number % columns) * width, (number / columns) * height);
        if number == 0 {
            whole.put(&first, 0, 0);
        } else if left < grid.output_width as usize && top < grid.output_height as usize {
            whole.put(&picture(file, *part, codec)?, left, top);
        }
    }
    Ok(whole)
}

/// What of the picture is clear: a picture beside it, whose brightness says so.
fn alpha(file: &HeifFile, id: ItemId) -> Result<Option<Planes>, DecodeError> {
    const NAMES: [&str; 2] = ["urn:mpeg:mpegB:cicp:systems:auxiliary:alpha", "urn:mpeg:hevc:2015:auxid:1"];
    let is_alpha = |id: &ItemId| {
        let mut properties = file.item_properties(*id).into_iter().flatten();
        properties.any(|property| match property {
            Property::AuxiliaryType(name) => NAMES.contains(&name.trim_end_matches('\0')),
            _ => false,
        })
    };
    let Some(id) = file.referencing_items(id, b"auxl").into_iter().find(is_alpha) else { return Ok(None) };
    match Codec::of(file, id) {
        Some(codec) => picture(file, id, codec).map(Some),
        None => Err(DecodeError::UnsupportedVariant),
    }
}

fn premultiplied(file: &HeifFile, id: ItemId) -> Alpha {
    if file.referenced_items(id, b"prem").is_empty() { Alpha::Straight } else { Alpha::Premultiplied }
}

fn over_white(
    planes: &Planes,
    clear: &Planes,
    area: Area,
    alpha: Alpha,
) -> Result<(Pixels, Option<AlphaId>), DecodeError> {
    let whole = planes.whole();
    if clear.whole() != whole {
        return Err(DecodeError::UnsupportedVariant);
    }
    let rgb = planes.to_rgb(whole, whole.width, whole.height)?.rgb;
    let levels = levels(&clear.luma, clear.code);
    let rgba: Vec<u8> = rgb
        .as_chunks::<3>()
        .0
        .iter()
        .zip(levels)
        .flat_map(|([red, green, blue], level)| [*red, *green, *blue, level])
        .collect();
    Ok((Pixels::from_rgba(whole.width, whole.height, &rgba, alpha).cut_out(area), alpha_id(&rgba)))
}

fn clean_aperture(property: &Property, planes: &Planes) -> Option<Area> {
    let Property::CleanAperture { width, height, horiz_offset, vert_offset } = property else { return None };
    let whole = planes.whole();
    let side = |(part, of): (u32, u32), whole: u32| {
        let side = part.checked_div(of)?;
        (1..=whole).contains(&side).then_some(side)
    };
    let start = |whole: u32, side: u32, (part, of): (i32, u32)| {
        let middle = f64::from(part) / f64::from(of) + f64::from(whole - side) / 2.0;
        (of != 0 && (0.0..=f64::from(whole - side)).contains(&middle)).then_some(middle as u32)
    };
    let (across, down) = (side(*width, whole.width)?, side(*height, whole.height)?);
    let left = start(whole.width, across, *horiz_offset)?;
    Some(Area { left, top: start(whole.height, down, *vert_offset)?, width: across, height: down })
}

/// Turned first, then mirrored, as the container wants it.
fn orientation(properties: &[&Property]) -> Orientation {
    let turns = properties.iter().find_map(|property| match property {
        Property::Rotation(turns) => Some(usize::from(*turns)),
        _ => None,
    });
    let mirror = properties.iter().find_map(|property| match property {
        Property::Mirror(is_upside_down) => Some(*is_upside_down),
        _ => None,
    });
    // By quarters to the left.
    let by_turns = match mirror {
        None => [1, 8, 3, 6],
        Some(false) => [2, 7, 4, 5],
        Some(true) => [4, 5, 2, 7],
    };
    Orientation::from_exif(by_turns[turns.unwrap_or(0) % 4]).unwrap_or(Orientation::UPRIGHT)
}

//! Colours into sRGB, by the profile that the picture carries.

use heifer::heifer_isobmff::boxes::{ColorInfo, Property};
use heifer::heifer_isobmff::{HeifFile, ItemId};
use moxcms::{
    CicpColorPrimaries, CicpProfile, ColorProfile, DataColorSpace, Layout, MatrixCoefficients,
    TransferCharacteristics, TransformOptions,
};

use crate::pixels::Pixels;

/// BT.709, which has the primaries of sRGB, and what is not named.
const PRIMARIES_OF_SRGB: [u16; 2] = [1, 2];
/// PQ and HLG: brightness that a screen for sRGB does not have.
const TRANSFERS_OF_HDR: [u16; 2] = [16, 18];

/// Converts in place. A profile that cannot be read, or is not for RGB, is passed over: most pictures
/// are in sRGB, and a picture in slightly wrong colours is better than none.
pub fn to_srgb(pixels: &mut Pixels, profile: Option<&[u8]>) {
    let profile = profile.and_then(|profile| ColorProfile::new_from_slice(profile).ok());
    if let Some(profile) = profile.filter(|profile| profile.color_space == DataColorSpace::Rgb) {
        by_profile(pixels, &profile);
    }
}

/// Whether conversion by the profile changes nothing that can be seen.
pub fn is_srgb(profile: Option<&[u8]>) -> bool {
    /// Of 255, each channel: rounding.
    const TOLERANCE: u8 = 1;
    let levels = || (0..=8_u32).map(|eighths| (eighths * 255 / 8) as u8);
    let colours =
        levels().flat_map(|red| levels().flat_map(move |green| levels().map(move |blue| [red, green, blue])));
    let before: Vec<u8> = colours.flatten().collect();
    let mut pixels = Pixels { width: before.len() as u32 / 3, height: 1, rgb: before.clone() };
    to_srgb(&mut pixels, profile);
    pixels.rgb.iter().zip(&before).all(|(after, before)| after.abs_diff(*before) <= TOLERANCE)
}

fn by_profile(pixels: &mut Pixels, profile: &ColorProfile) {
    if let Some(converted) = converted(profile, Layout::Rgb, &pixels.rgb, pixels.rgb.len()) {
        pixels.rgb = converted;
    }
}

/// By the profile of an item in a HEIF container, or by the colour space that the container names.
pub fn heif_to_srgb(pixels: &mut Pixels, file: &HeifFile, id: ItemId) {
    if let Some(profile) = file.icc_profile(id).ok().flatten() {
        return to_srgb(pixels, Some(profile));
    }
    // A grid's parts may say what the grid does not.
    let part = file.referenced_items(id, b"dimg").first().copied();
    let mut items = [Some(id), part].into_iter().flatten();
    if let Some(profile) = items.find_map(|id| file.item_properties(id).ok()?.find_map(named_profile)) {
        by_profile(pixels, &profile);
    }
}

/// What a screen for sRGB can show of the named colour space.
fn named_profile(property: &Property) -> Option<ColorProfile> {
    let Property::Color(ColorInfo::Nclx { primaries, transfer, .. }) = property else { return None };
    if PRIMARIES_OF_SRGB.contains(primaries) || TRANSFERS_OF_HDR.contains(transfer) {
        return None;
    }
    Some(ColorProfile::new_from_cicp(CicpProfile {
        color_primaries: CicpColorPrimaries::try_from(u8::try_from(*primaries).ok()?).ok()?,
        transfer_characteristics: TransferCharacteristics::try_from(u8::try_from(*transfer).ok()?).ok()?,
        matrix_coefficients: MatrixCoefficients::Identity,
        full_range: true,
    }))
}

/// Grey with a profile of its own.
pub fn grey_to_srgb(width: u32, height: u32, grey: &[u8], profile: Option<&[u8]>) -> Pixels {
    let profile = profile.and_then(|profile| ColorProfile::new_from_slice(profile).ok());
    let profile = profile.filter(|profile| profile.color_space == DataColorSpace::Gray);
    let rgb = profile.and_then(|profile| converted(&profile, Layout::Gray, grey, grey.len() * 3));
    let rgb = rgb.unwrap_or_else(|| grey.iter().flat_map(|&level| [level; 3]).collect());
    Pixels { width, height, rgb }
}

/// Cyan, magenta, yellow and black, each inverted as cameras and Adobe write it: 255 is no ink.
pub fn cmyk_to_srgb(width: u32, height: u32, inverted: &[u8], profile: Option<&[u8]>) -> Pixels {
    let profile = profile.and_then(|profile| ColorProfile::new_from_slice(profile).ok());
    let profile = profile.filter(|profile| profile.color_space == DataColorSpace::Cmyk);
    let by_profile = profile.and_then(|profile| {
        let inks: Vec<u8> = inverted.iter().map(|level| 255 - level).collect();
        converted(&profile, Layout::Rgba, &inks, inks.len() / 4 * 3)
    });
    let rgb = by_profile.unwrap_or_else(|| {
        let light = |level: u8, black: u8| (u32::from(level) * u32::from(black) / 255) as u8;
        let pixels = inverted.as_chunks::<4>().0.iter();
        pixels
            .flat_map(|&[cyan, magenta, yellow, black]| {
                [cyan, magenta, yellow].map(|level| light(level, black))
            })
            .collect()
    });
    Pixels { width, height, rgb }
}

fn converted(profile: &ColorProfile, layout: Layout, source: &[u8], bytes: usize) -> Option<Vec<u8>> {
    let srgb = ColorProfile::new_srgb();
    let transform =
        profile.create_transform_8bit(layout, &srgb, Layout::Rgb, TransformOptions::default()).ok()?;
    let mut target = vec![0; bytes];
    transform.transform(source, &mut target).ok()?;
    Some(target)
}

//! Pictures through the process that decodes, made here so that it is known what has to come out.

use std::io::Write as _;
use std::process::{Command, Stdio};

use decoder::DecodeError;
use decoder::worker::{Answer, read_answer};
use image::{ExtendedColorType, ImageEncoder as _};
use moxcms::ColorProfile;
use shared::photo::DerivativeKind;
use turbojpeg::Subsamp;

/// How far a channel may be off after JPEG, of 255.
const TOLERANCE: u8 = 6;

type Colour = [u8; 3];

const RED: Colour = [200, 40, 40];
const GREEN: Colour = [40, 160, 60];
const BLUE: Colour = [40, 60, 190];
const YELLOW: Colour = [220, 200, 50];

/// Four fields: red and green above, blue and yellow below.
fn fields(width: u32, height: u32) -> Vec<u8> {
    let at = |x: u32, y: u32| match (x < width / 2, y < height / 2) {
        (true, true) => RED,
        (false, true) => GREEN,
        (true, false) => BLUE,
        (false, false) => YELLOW,
    };
    (0..height).flat_map(|y| (0..width).flat_map(move |x| at(x, y))).collect()
}

fn jpeg(width: u32, height: u32, rgb: &[u8]) -> Vec<u8> {
    jpeg_with(width, height, rgb, Subsamp::None)
}

fn jpeg_with(width: u32, height: u32, rgb: &[u8], chroma: Subsamp) -> Vec<u8> {
    let (width, height) = (width as usize, height as usize);
    let format = turbojpeg::PixelFormat::RGB;
    let image = turbojpeg::Image { pixels: rgb, width, pitch: width * 3, height, format };
    turbojpeg::compress(image, 95, chroma).unwrap().to_vec()
}

fn png(width: u32, height: u32, pixels: &[u8], kind: ExtendedColorType, profile: Option<Vec<u8>>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = image::codecs::png::PngEncoder::new(&mut bytes);
    if let Some(profile) = profile {
        encoder.set_icc_profile(profile).unwrap();
    }
    encoder.write_image(pixels, width, height, kind).unwrap();
    bytes
}

/// The JPEG with an Exif segment of these entries in the first directory: tag, type, count, value or offset.
fn with_exif(jpeg: &[u8], entries: &[(u16, u16, u32, u32)], tail: &[u8]) -> Vec<u8> {
    let mut tiff = b"MM\0\x2A\0\0\0\x08".to_vec();
    tiff.extend((entries.len() as u16).to_be_bytes());
    for &(tag, kind, count, value) in entries {
        tiff.extend(tag.to_be_bytes());
        tiff.extend(kind.to_be_bytes());
        tiff.extend(count.to_be_bytes());
        tiff.extend(value.to_be_bytes());
    }
    tiff.extend([0; 4]);
    tiff.extend(tail);
    let mut bytes = jpeg[..2].to_vec();
    bytes.extend([0xFF, 0xE1]);
    bytes.extend((tiff.len() as u16 + 8).to_be_bytes());
    bytes.extend(b"Exif\0\0");
    bytes.extend(tiff);
    bytes.extend(&jpeg[2..]);
    bytes
}

fn decode(bytes: &[u8]) -> Answer {
    let mut process = Command::new(env!("CARGO_BIN_EXE_decoder"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    process.stdin.take().unwrap().write_all(bytes).unwrap();
    let output = process.wait_with_output().unwrap();
    read_answer(&output.stdout, "it ended early").unwrap()
}

/// The colours in the middle of the four fields of a derivative, row by row.
fn corners(answer: &Answer, kind: DerivativeKind) -> [Colour; 4] {
    let derived = answer.derived.as_ref().unwrap();
    let encoded = derived.derivatives.get(kind);
    let image = image::load_from_memory(&encoded.bytes).unwrap().into_rgb8();
    assert_eq!(image.dimensions(), (encoded.width, encoded.height));
    let (width, height) = image.dimensions();
    [(1, 1), (3, 1), (1, 3), (3, 3)].map(|(x, y)| image.get_pixel(width * x / 4, height * y / 4).0)
}

fn assert_close(found: [Colour; 4], expected: [Colour; 4]) {
    for (found, expected) in found.iter().flatten().zip(expected.iter().flatten()) {
        assert!(found.abs_diff(*expected) <= TOLERANCE, "{found} is not {expected}");
    }
}

#[test]
fn every_size_is_made_and_none_is_enlarged() {
    let answer = decode(&jpeg(3_000, 2_000, &fields(3_000, 2_000)));
    let derived = answer.derived.as_ref().unwrap();
    assert_eq!((derived.width, derived.height), (3_000, 2_000));
    assert!((5..=40).contains(&derived.thumbhash.len()));
    let size = |kind| {
        let encoded = derived.derivatives.get(kind);
        (encoded.width, encoded.height)
    };
    assert_eq!(DerivativeKind::ALL.map(size), [(200, 133), (1_024, 683), (2_048, 1_365)]);
    for kind in DerivativeKind::ALL {
        assert_close(corners(&answer, kind), [RED, GREEN, BLUE, YELLOW]);
    }
    let small = decode(&jpeg(64, 48, &fields(64, 48)));
    let derived = small.derived.unwrap();
    for kind in DerivativeKind::ALL {
        let encoded = derived.derivatives.get(kind);
        assert_eq!((encoded.width, encoded.height), (64, 48));
    }
}

#[test]
fn a_picture_is_the_same_in_whatever_file() {
    let plain = jpeg(300, 200, &fields(300, 200));
    let picture = |bytes: &[u8]| decode(bytes).derived.unwrap().picture;
    assert_eq!(picture(&with_exif(&plain, &[(0x0112, 3, 1, 1 << 16)], &[])), picture(&plain));
    assert_ne!(picture(&with_exif(&plain, &[(0x0112, 3, 1, 6 << 16)], &[])), picture(&plain));
    assert_ne!(picture(&jpeg(301, 200, &fields(301, 200))), picture(&plain));
}

#[test]
fn what_holds_several_pictures_is_compared_with_nothing() {
    let picture = |bytes: &[u8]| decode(bytes).derived.unwrap().picture;
    let gif = |shades: &[u8]| {
        let mut bytes = Vec::new();
        let mut encoder = image::codecs::gif::GifEncoder::new(&mut bytes);
        let frame = |&shade| image::Frame::new(image::RgbaImage::from_pixel(9, 9, image::Rgba([shade; 4])));
        encoder.encode_frames(shades.iter().map(frame)).unwrap();
        drop(encoder);
        bytes
    };
    assert!(picture(&gif(&[255])).is_some());
    assert_eq!(picture(&gif(&[255, 0])), None);

    let still = png(9, 9, &[7; 9 * 9 * 3], ExtendedColorType::Rgb8, None);
    assert!(picture(&still).is_some());
    // Two pictures, for ever, after the header of 25 bytes behind the file's mark of 8.
    let mut control = b"acTL\0\0\0\x02\0\0\0\0".to_vec();
    control.extend(crc(&control).to_be_bytes());
    let moving = [&still[..33], &[0, 0, 0, 8], &control, &still[33..]].concat();
    assert_eq!(picture(&moving), None);

    let pages = |count: usize| {
        let mut bytes = std::io::Cursor::new(Vec::new());
        let mut encoder = tiff::encoder::TiffEncoder::new(&mut bytes).unwrap();
        for _ in 0..count {
            encoder.write_image::<tiff::encoder::colortype::RGB8>(9, 9, &[7; 9 * 9 * 3]).unwrap();
        }
        bytes.into_inner()
    };
    assert_eq!(picture(&pages(1)), picture(&still));
    assert_eq!(picture(&pages(2)), None);
}

#[test]
fn what_is_clear_tells_pictures_apart() {
    let white = |level: u8| {
        let pixels = [255, 255, 255, level].repeat(64 * 64);
        decode(&png(64, 64, &pixels, ExtendedColorType::Rgba8, None)).derived.unwrap().picture
    };
    let opaque = png(64, 64, &[255; 64 * 64 * 3], ExtendedColorType::Rgb8, None);
    assert_eq!(white(255), decode(&opaque).derived.unwrap().picture);
    assert!(white(0) != white(255) && white(0) != white(128));
    assert_eq!(white(128), white(128));
}

#[test]
fn what_lies_on_its_side_is_turned() {
    let jpeg = jpeg(400, 200, &fields(400, 200));
    // 6: the stored picture has to be turned a quarter to the right.
    let answer = decode(&with_exif(&jpeg, &[(0x0112, 3, 1, 6 << 16)], &[]));
    let derived = answer.derived.as_ref().unwrap();
    assert_eq!((derived.width, derived.height), (200, 400));
    assert_close(corners(&answer, DerivativeKind::Preview), [BLUE, RED, YELLOW, GREEN]);
}

#[test]
fn large_jpegs_come_out_alike_however_their_colours_are_stored() {
    for chroma in [Subsamp::None, Subsamp::Sub2x1, Subsamp::Sub1x2, Subsamp::Sub2x2, Subsamp::Sub4x1] {
        let jpeg = jpeg_with(2_307, 403, &fields(2_307, 403), chroma);
        let answer = decode(&with_exif(&jpeg, &[(0x0112, 3, 1, 6 << 16)], &[]));
        let derived = answer.derived.as_ref().unwrap();
        assert_eq!((derived.width, derived.height), (403, 2_307));
        for kind in DerivativeKind::ALL {
            assert_close(corners(&answer, kind), [BLUE, RED, YELLOW, GREEN]);
        }
    }
}

/// The JPEG with a colour profile.
fn with_profile(jpeg: &[u8], profile: &ColorProfile) -> Vec<u8> {
    let profile = profile.encode().unwrap();
    let mut bytes = jpeg[..2].to_vec();
    bytes.extend([0xFF, 0xE2]);
    bytes.extend((profile.len() as u16 + 16).to_be_bytes());
    bytes.extend(b"ICC_PROFILE\0\x01\x01");
    bytes.extend(profile);
    bytes.extend(&jpeg[2..]);
    bytes
}

#[test]
fn profiles_of_large_jpegs_count() {
    let (p3, srgb) = (ColorProfile::new_display_p3(), ColorProfile::new_srgb());
    let plain = jpeg_with(2_400, 400, &fields(2_400, 400), Subsamp::Sub2x2);
    assert_close(
        corners(&decode(&with_profile(&plain, &srgb)), DerivativeKind::Display),
        [RED, GREEN, BLUE, YELLOW],
    );
    let layout = moxcms::Layout::Rgb;
    let to_p3 = srgb.create_transform_8bit(layout, &p3, layout, moxcms::TransformOptions::default()).unwrap();
    let mut pixels = vec![0; 2_400 * 400 * 3];
    to_p3.transform(&fields(2_400, 400), &mut pixels).unwrap();
    let converted = with_profile(&jpeg_with(2_400, 400, &pixels, Subsamp::Sub2x2), &p3);
    assert_close(corners(&decode(&converted), DerivativeKind::Display), [RED, GREEN, BLUE, YELLOW]);
}

#[test]
fn colours_of_another_space_are_converted() {
    let p3 = ColorProfile::new_display_p3();
    let srgb = ColorProfile::new_srgb();
    let to_p3 = srgb
        .create_transform_8bit(
            moxcms::Layout::Rgb,
            &p3,
            moxcms::Layout::Rgb,
            moxcms::TransformOptions::default(),
        )
        .unwrap();
    let mut pixels = vec![0; 80 * 80 * 3];
    to_p3.transform(&fields(80, 80), &mut pixels).unwrap();
    let file = png(80, 80, &pixels, ExtendedColorType::Rgb8, Some(p3.encode().unwrap()));
    assert_close(corners(&decode(&file), DerivativeKind::Display), [RED, GREEN, BLUE, YELLOW]);
    // Without its profile the same file has other colours: the test can tell.
    let plain = png(80, 80, &pixels, ExtendedColorType::Rgb8, None);
    let [red, ..] = corners(&decode(&plain), DerivativeKind::Display);
    assert!(red[0].abs_diff(RED[0]) > TOLERANCE);
}

#[test]
fn what_is_clear_becomes_white() {
    let answer = decode(&png(64, 64, &[0; 64 * 64 * 4], ExtendedColorType::Rgba8, None));
    assert_close(corners(&answer, DerivativeKind::Thumbnail), [[255; 3]; 4]);
}

#[test]
fn the_file_tells_when_and_with_what() {
    let texts = b"Leica\0M11\0\0\x002024:05:01 18:30:00\0";
    // After eight bytes of header, the count, three entries and the end mark.
    let start = 8 + 2 + 3 * 12 + 4;
    let entries =
        [(0x010F, 2, 6, start), (0x0110, 2, 4, u32::from_be_bytes(*b"M11\0")), (0x0132, 2, 20, start + 12)];
    let file = with_exif(&jpeg(32, 32, &fields(32, 32)), &entries, texts);
    let taken = decode(&file).taken;
    assert_eq!(taken.camera.as_deref(), Some("Leica M11"));
    assert_eq!(taken.at.unwrap().to_string(), "2024-05-01T18:30:00.000");
    assert_eq!((taken.offset, taken.location), (None, None));
}

#[test]
fn what_is_no_picture_or_too_large_is_refused_with_a_reason() {
    assert_eq!(decode(b"Dear diary").derived, Err(DecodeError::Unsupported));
    assert_eq!(decode(b"").derived, Err(DecodeError::Unsupported));
    let mut bomb = png(8, 8, &[0; 8 * 8 * 3], ExtendedColorType::Rgb8, None);
    bomb[16..24].copy_from_slice(&[0, 0, 0xEA, 0x60, 0, 0, 0xEA, 0x60]);
    let header = crc(&bomb[12..29]).to_be_bytes();
    bomb[29..33].copy_from_slice(&header);
    assert_eq!(decode(&bomb).derived, Err(DecodeError::TooLarge { width: 60_000, height: 60_000 }));
}

#[test]
fn a_file_cut_anywhere_is_survived() {
    let whole = jpeg(640, 480, &fields(640, 480));
    for length in (0..whole.len()).step_by(whole.len() / 12) {
        match decode(&whole[..length]).derived {
            Ok(derived) => assert_eq!((derived.width, derived.height), (640, 480)),
            Err(error) => assert!(matches!(error, DecodeError::Damaged(_) | DecodeError::Unsupported)),
        }
    }
}

/// CRC-32 as PNG wants it (ISO 3309).
fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| (crc >> 1) ^ if crc & 1 == 1 { 0xEDB8_8320 } else { 0 })
    })
}

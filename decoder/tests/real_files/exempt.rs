//! What does not come out as the reference has it, and why that is right.

/// Each file with the reason.
pub const FILES: &[(&str, &str)] = &[
    ("pillow/10ct_32bit_128.tiff", "32 bits a level: what instruments measure, not a picture to look at"),
    ("pillow/12bit.cropped.tif", "levels of 12 bits, packed: what instruments measure"),
    ("pillow/16_bit_binary_pgm.tiff", "32 bits a level: what instruments measure, not a picture to look at"),
    ("pillow/16bit.r.tif", "the bits of each byte are reversed: TIFF 6.0 lets readers leave that out"),
    ("pillow/16bit.s.tif", "levels below zero: no picture to look at"),
    ("pillow/8bit.s.tif", "levels below zero: no picture to look at"),
    ("pillow/apng/chunk_no_fctl.png", "only its animation is damaged: the picture is whole"),
    (
        "pillow/avif/xmp_tags_orientation.avif",
        "XMP says how to turn it: in this container only its own properties do (ISO/IEC 23000-22)",
    ),
    ("pillow/compression.tif", "a fax before group 4"),
    (
        "pillow/g4-fillorder-test.tif",
        "the bits of each byte are reversed: TIFF 6.0 lets readers leave that out",
    ),
    ("pillow/hopper.Lab.tif", "L*a*b*: what printers keep, no camera"),
    ("pillow/hopper_lzma.tif", "LZMA: in no version of the standard"),
    (
        "pillow/hopper_unknown_pixel_mode.tif",
        "a fourth channel without a meaning: the other three are a picture",
    ),
    ("pillow/lab-green.tif", "L*a*b*: what printers keep, no camera"),
    ("pillow/lab-red.tif", "L*a*b*: what printers keep, no camera"),
    ("pillow/lab.tif", "L*a*b*: what printers keep, no camera"),
    ("pillow/multipage_single_frame_loop.tiff", "damaged: its list of pages is a circle"),
    ("pillow/no_palette.gif", "damaged: its colours are missing"),
    (
        "pillow/old-style-jpeg-compression-no-samplesperpixel.tif",
        "JPEG as of 1992, which the standard withdrew",
    ),
    ("pillow/old-style-jpeg-compression.tif", "JPEG as of 1992, which the standard withdrew"),
    ("pillow/rdf.tif", "a palette with a second channel: in no version of the standard"),
    ("pillow/separate_planar_extra_samples.tiff", "a second channel without a meaning, apart from the first"),
    (
        "pillow/tiff_gray_2_4_bpp/hopper2IR.tif",
        "the bits of each byte are reversed: TIFF 6.0 lets readers leave that out",
    ),
    (
        "pillow/tiff_gray_2_4_bpp/hopper2R.tif",
        "the bits of each byte are reversed: TIFF 6.0 lets readers leave that out",
    ),
    (
        "pillow/tiff_gray_2_4_bpp/hopper4IR.tif",
        "the bits of each byte are reversed: TIFF 6.0 lets readers leave that out",
    ),
    (
        "pillow/tiff_gray_2_4_bpp/hopper4R.tif",
        "the bits of each byte are reversed: TIFF 6.0 lets readers leave that out",
    ),
    ("pillow/tiff_tiled_planar_16bit_RGB.tiff", "a tile for each colour: what maps are kept in"),
    ("pillow/tiff_tiled_planar_16bit_RGBa.tiff", "a tile for each colour: what maps are kept in"),
    ("pillow/tiff_tiled_planar_lzw.tiff", "a tile for each colour: what maps are kept in"),
    ("pillow/tiff_tiled_planar_raw.tif", "a tile for each colour: what maps are kept in"),
    ("pillow/tiff_wrong_bits_per_sample_2.tiff", "damaged: four depths for three channels"),
    ("pillow/total-pages-zero.tif", "a fax before group 4"),
    ("pillow/truncated_app14.jpg", "damaged: a segment is cut short"),
    (
        "pillow/unknown_compression_method.png",
        "it names a compression that there is not; what is in it is whole, in the usual one",
    ),
    (
        "pillow-heif/heif_other/invalid_id.heic",
        "the reference passes over the picture to show, and has the thumbnail beside it",
    ),
    ("pillow-heif/heif_truncated/truncated.heic", "damaged: the file ends within its pictures"),
    (
        "pillow-heif/heif_special/guitar_cw90.hif",
        "the reference stretches its levels twice; ours are those of the JPEG that the camera laid beside it",
    ),
    (
        "pillow/exif_imagemagick_orientation.png",
        "its Exif lies in a text of ImageMagick's own, not where PNG has it (eXIf), and says how to turn it",
    ),
];

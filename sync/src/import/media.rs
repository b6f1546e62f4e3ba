//! What of an export belongs into a library of photos.

/// A picture or a film, told by its extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Media {
    Picture(&'static str),
    Film(&'static str),
}

impl Media {
    pub fn of(name: &str) -> Option<Self> {
        let (_, extension) = name.rsplit_once('.')?;
        Some(match extension.to_ascii_lowercase().as_str() {
            "jpg" | "jpeg" => Self::Picture("image/jpeg"),
            "png" => Self::Picture("image/png"),
            "gif" => Self::Picture("image/gif"),
            "webp" => Self::Picture("image/webp"),
            "avif" => Self::Picture("image/avif"),
            "heic" => Self::Picture("image/heic"),
            "heif" => Self::Picture("image/heif"),
            "tif" | "tiff" => Self::Picture("image/tiff"),
            "bmp" => Self::Picture("image/bmp"),
            "dng" => Self::Picture("image/x-adobe-dng"),
            // The film of a motion photo is an MP4.
            "mp4" | "m4v" | "mp" => Self::Film("video/mp4"),
            "mov" => Self::Film("video/quicktime"),
            "webm" => Self::Film("video/webm"),
            "mkv" => Self::Film("video/x-matroska"),
            "avi" => Self::Film("video/x-msvideo"),
            "3gp" => Self::Film("video/3gpp"),
            "mpg" | "mpeg" => Self::Film("video/mpeg"),
            _ => return None,
        })
    }

    pub const fn is_film(self) -> bool {
        matches!(self, Self::Film(_))
    }

    pub const fn mime_type(self) -> &'static str {
        match self {
            Self::Picture(mime_type) | Self::Film(mime_type) => mime_type,
        }
    }
}

/// What a file is called in the library: the film of a motion photo gets an extension that players know, and keeps
/// the stem of its picture (`PXL_1.MP.jpg`).
pub fn library_name(name: &str) -> String {
    match name.rsplit_once('.') {
        Some((_, extension)) if extension.eq_ignore_ascii_case("mp") => format!("{name}.mp4"),
        _ => name.to_owned(),
    }
}

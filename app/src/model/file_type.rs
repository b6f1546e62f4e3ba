use shared::code::code_type;
use shared::limits::TEXT_MERGE_BYTES_MAX;
use shared::{ClientFileItem, ItemKind};

/// The small family of file types that people tell apart at a glance. Its order is the sort by type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FileType {
    Folder,
    Archive,
    Audio,
    Code,
    Document,
    Image,
    Markdown,
    Pdf,
    Presentation,
    Spreadsheet,
    Text,
    Video,
    Other,
}

impl FileType {
    pub fn of(item: &ClientFileItem) -> Self {
        match item.item.kind {
            ItemKind::Folder => Self::Folder,
            ItemKind::File => Self::of_file(&item.item.name, item.item.mime_type.as_deref()),
        }
    }

    /// By the extension, because that is what people see; by the MIME type where it says nothing.
    pub fn of_file(name: &str, mime_type: Option<&str>) -> Self {
        let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
        match extension.as_deref().unwrap_or_default() {
            "zip" | "gz" | "tgz" | "tar" | "xz" | "zst" | "bz2" | "7z" | "rar" | "dmg" | "iso" => {
                Self::Archive
            }
            "mp3" | "m4a" | "aac" | "flac" | "ogg" | "oga" | "opus" | "wav" | "aiff" => Self::Audio,
            "rs" | "js" | "mjs" | "ts" | "tsx" | "jsx" | "py" | "rb" | "go" | "c" | "h" | "cpp" | "hpp"
            | "cc" | "java" | "kt" | "swift" | "cs" | "php" | "sh" | "bash" | "zsh" | "sql" | "html"
            | "css" | "scss" | "json" | "toml" | "yaml" | "yml" | "xml" | "lua" | "pl" | "r" | "ini"
            | "lock" | "wgsl" | "vue" => Self::Code,
            "doc" | "docx" | "odt" | "rtf" | "pages" | "epub" => Self::Document,
            "jpg" | "jpeg" | "png" | "gif" | "webp" | "avif" | "svg" | "bmp" | "ico" | "heic" | "heif"
            | "tif" | "tiff" | "raw" | "dng" => Self::Image,
            "md" | "markdown" => Self::Markdown,
            "pdf" => Self::Pdf,
            "ppt" | "pptx" | "odp" | "key" => Self::Presentation,
            "xls" | "xlsx" | "ods" | "csv" | "tsv" | "numbers" => Self::Spreadsheet,
            "txt" | "log" | "text" | "nfo" | "srt" | "vtt" | "tex" | "conf" | "cfg" | "env" | "diff"
            | "patch" => Self::Text,
            "mp4" | "m4v" | "mov" | "webm" | "mkv" | "avi" | "ogv" => Self::Video,
            _ if code_type(name).is_some() => Self::Code,
            _ => Self::of_mime_type(mime_type.unwrap_or_default()),
        }
    }

    fn of_mime_type(mime_type: &str) -> Self {
        match mime_type.split_once('/') {
            Some(("image", _)) => Self::Image,
            Some(("audio", _)) => Self::Audio,
            Some(("video", _)) => Self::Video,
            Some(("text", _)) => Self::Text,
            Some(("application", "pdf")) => Self::Pdf,
            Some(("application", "zip" | "gzip" | "x-tar")) => Self::Archive,
            Some(("application", "json" | "xml" | "javascript")) => Self::Code,
            _ => Self::Other,
        }
    }

    /// Whether a person may write in it: a text, and none that is too long for a field.
    pub fn is_editable(item: &ClientFileItem) -> bool {
        Self::of(item).is_text() && item.item.size <= TEXT_MERGE_BYTES_MAX
    }

    /// Whether its bytes are shown as text.
    pub fn is_text(self) -> bool {
        matches!(self, Self::Code | Self::Markdown | Self::Text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_extension_rules_and_the_mime_type_helps() {
        assert_eq!(FileType::of_file("a.PDF", Some("application/octet-stream")), FileType::Pdf);
        assert_eq!(FileType::of_file("README", Some("text/plain")), FileType::Text);
        assert_eq!(FileType::of_file("Makefile", Some("text/plain")), FileType::Code);
        assert_eq!(FileType::of_file("a.scala", Some("application/octet-stream")), FileType::Code);
        assert_eq!(FileType::of_file("blob", None), FileType::Other);
    }
}

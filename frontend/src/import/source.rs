//! Where the files of an export are: in a folder, or packed.

use std::rc::Rc;

use app::ports::{Picked, PickedFile};
use js_sys::{Array, Function, Object, Reflect};
use shared::Timestamp;
use sync::import::zip::{self, Unreadable, ZipEntry, ZipError};
use sync::import::{Entry, PlannedPhoto, Skip, Skipped};
use wasm_bindgen::JsCast;
use web_sys::{Blob, File};

use super::archive::{self, Archive};
use crate::browser;

/// The most files of one import.
const ENTRIES_MAX: usize = zip::ENTRIES_MAX;

/// Where one file's bytes are.
pub enum Source {
    Picked(PickedFile),
    Packed(Rc<Archive>, ZipEntry),
}

/// What was picked, archives opened.
#[derive(Default)]
pub struct Sources {
    pub entries: Vec<Entry>,
    pub files: Vec<Source>,
    /// Archives that could not be opened.
    pub skipped: Vec<Skipped>,
}

impl Sources {
    pub async fn of(picked: Picked) -> Self {
        let mut found = Self::default();
        for (number, picked) in picked.files.into_iter().enumerate() {
            let name = picked.file.name();
            if !name.to_lowercase().ends_with(".zip") {
                found.add_file(picked);
                continue;
            }
            match Archive::open(picked.file).await {
                Ok((_, entries)) if found.entries.len() + entries.len() > ENTRIES_MAX => {
                    found.skipped.push(Skipped { path: name, why: Skip::TooMany });
                }
                Ok((archive, entries)) => found.add_archive(number + 1, archive, entries),
                Err(error) => found.skipped.push(Skipped { path: name, why: skipped_for(error) }),
            }
        }
        found
    }

    fn add_file(&mut self, picked: PickedFile) {
        let PickedFile { file, folders, .. } = &picked;
        self.entries.push(Entry {
            source: 0,
            path: folders
                .iter()
                .map(String::as_str)
                .chain([file.name().as_str()])
                .collect::<Vec<_>>()
                .join("/"),
            size: file.size() as u64,
            modified: Some(Timestamp::from_millis(file.last_modified() as i64)),
            crc32: None,
            unreadable: None,
        });
        self.files.push(Source::Picked(picked));
    }

    fn add_archive(&mut self, source: usize, archive: Archive, entries: Vec<ZipEntry>) {
        let archive = Rc::new(archive);
        for entry in entries {
            self.entries.push(Entry {
                source,
                path: entry.path.clone(),
                size: entry.size,
                modified: entry.modified,
                crc32: Some(entry.crc32),
                unreadable: entry.method.err(),
            });
            self.files.push(Source::Packed(archive.clone(), entry));
        }
    }
}

const fn skipped_for(error: ZipError) -> Skip {
    match error {
        ZipError::NoArchive | ZipError::Damaged => Skip::Damaged,
        ZipError::Split => Skip::Split,
        ZipError::TooMany => Skip::TooMany,
    }
}

impl Source {
    /// A text that is read as a whole: its size was looked at.
    pub async fn text(&self) -> Result<String, Unreadable> {
        let bytes = self.head(u64::MAX).await?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    pub async fn head(&self, bytes_max: u64) -> Result<Vec<u8>, Unreadable> {
        match self {
            Self::Picked(picked) => {
                archive::read(&picked.file, 0, bytes_max.min(picked.file.size() as u64)).await
            }
            Self::Packed(archive, entry) => archive.head(entry, bytes_max).await,
        }
    }

    /// The whole file, as it is called in the library.
    pub async fn file(&self, photo: &PlannedPhoto) -> Result<File, Unreadable> {
        let file = match self {
            Self::Picked(PickedFile { file, .. })
                if file.name() == photo.name.as_str() && !file.type_().is_empty() =>
            {
                Some(file.clone())
            }
            Self::Picked(picked) => named(&picked.file, photo),
            Self::Packed(archive, entry) => named(&archive.extract(entry).await?, photo),
        };
        file.ok_or(Unreadable::Damaged)
    }
}

/// A file of that name and type. When it was changed stands in the plan.
fn named(bytes: &Blob, photo: &PlannedPhoto) -> Option<File> {
    let about = Object::new();
    Reflect::set(&about, &"type".into(), &photo.media.mime_type().into()).ok()?;
    let class: Function = browser::property(&js_sys::global(), "File")?.dyn_into().ok()?;
    let parts = Array::of3(&Array::of1(bytes), &photo.name.as_str().into(), &about);
    Reflect::construct(&class, &parts).ok()?.dyn_into().ok()
}
